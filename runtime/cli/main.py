"""`understudy`: finds the sub-command, runs it, and turns an error into one sentence."""

from __future__ import annotations

import argparse
import importlib
import sys
from importlib.metadata import version

from understudy.runtime.core import processes
from understudy.runtime.core.errors import UnderstudyError

# In the order in which a new user meets them.
COMMANDS = (
    "play",
    "stage",
    "viewport",
    "monitor",
    "listen",
    "keys",
    "relay",
    "send",
    "loopback",
    "perform",
    "takeover",
    "render",
    "train",
    "bench",
    "doctor",
)


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="understudy",
        description="Real-time animation with a neural performer: pad or mocap in, poses out.",
        epilog="`understudy COMMAND --help` shows a command's options and an example.",
    )
    top.add_argument("--version", action="version", version=f"understudy {version('understudy')}")
    subs = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = importlib.import_module(f"understudy.runtime.cli.{name}")
        sub = subs.add_parser(
            name,
            help=module.SUMMARY,
            description=module.SUMMARY,
            epilog="examples:\n" + "\n".join(f"  {line}" for line in module.EXAMPLES.split("\n")),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.arguments(sub)
        sub.set_defaults(run=module.run)
    return top


def main(argv: list[str] | None = None) -> int:
    """Runs the command line; returns the exit status: 0 well, 1 not well, 2 wrong input."""
    processes.end_with_parent()
    args = parser().parse_args(argv)
    try:
        return int(args.run(args))
    except UnderstudyError as error:
        print(f"understudy {args.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `understudy listen | head` is no fault
        sys.stderr.close()
        return 0


if __name__ == "__main__":
    sys.exit(main())
