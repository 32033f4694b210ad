"""`understudy`: finds the sub-command, runs it, and turns an error into one sentence."""

from __future__ import annotations

import argparse
import errno
import importlib
import io
import os
import sys
from collections.abc import Sequence

from understudy.runtime.cli.parser import STATUSES, Parser
from understudy.runtime.core import distribution, processes, signals
from understudy.runtime.core.errors import UnderstudyError

# In the order in which a new user meets them.
COMMANDS = (
    "demo",
    "play",
    "stage",
    "session",
    "viewport",
    "props",
    "monitor",
    "listen",
    "keys",
    "relay",
    "send",
    "loopback",
    "simulate",
    "align",
    "controls",
    "timecode",
    "record",
    "foley",
    "take",
    "perform",
    "inspect",
    "retarget",
    "character",
    "takeover",
    "why",
    "render",
    "train",
    "bench",
    "doctor",
    "completion",
)


def parser() -> Parser:
    """The whole command line."""
    top = Parser(
        prog="understudy",
        description="Real-time animation with a neural performer: pad or mocap in, poses out.",
        epilog="`understudy COMMAND --help` shows a command's options and an example.\n\n"
        + STATUSES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"understudy {distribution.version()}")
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


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status, see `STATUSES`."""
    processes.end_with_parent()
    signals.forget()
    words = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # no letter is worth a traceback
            stream.reconfigure(errors="replace")
    try:
        status = _run(words)
        if sys.stdout is not None:
            sys.stdout.flush()  # here, where a reader that left is caught, and not at the end
        return status
    except OSError as error:
        if not _reader_left(error):
            raise
        # `understudy listen | head` is no fault; what is still to be said has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return signals.status(0)


def _run(words: list[str]) -> int:
    whole = parser()
    if "_ARGCOMPLETE" in os.environ:
        from understudy.runtime.cli.completion import complete

        complete(whole)
    with signals.stopping(signals.interrupt):
        name = "understudy"
        try:
            # No file, host or name has this character, and the system's calls choke on it.
            if any("\0" in word for word in words):
                whole.error("an argument holds a NUL character; leave it out")
            args = whole.parse_args(words)
            name = f"understudy {args.command}"
            status = int(args.run(args))
            return signals.status(status if status >= 0 else 1)  # below 0: a child was killed
        except UnderstudyError as error:
            return _say(f"{name}: {error}", error.status)
        except ModuleNotFoundError as error:
            if not error.name or error.name.partition(".")[0] == "understudy":
                raise
            return _say(f"{name}: {distribution.lacking(error.name)}", 1)
        except OSError as error:
            if _reader_left(error) or error.filename is None:
                raise
            return _say(f"{name}: {_about(error)}", 2 if error.errno in _NO_PATH else 1)
        except KeyboardInterrupt as stop:
            by = "SIGTERM" if signals.received() == "SIGTERM" else "Ctrl-C"
            print(f"{name}: stopped by {by}. {stop}".rstrip(), file=sys.stderr)
            return signals.status(0) or 130


# The path is at fault, and not the disk.
_NO_PATH = (errno.ENAMETOOLONG, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EINVAL)


def _say(sentence: str, status: int) -> int:
    """A failure's sentence, and its status; a signal's where that came first."""
    if len(sentence) > 1000:  # a value that fills the screen hides what is wrong with it
        sentence = f"{sentence[:500]} ... {sentence[-400:]}"
    print(sentence, file=sys.stderr)
    return signals.status(0) or status


def _about(error: OSError) -> str:
    """A file or folder that the system refused."""
    place = str(error.filename2 or error.filename)
    shown = place if len(place) <= 200 else f"{place[:200]}..."
    return f"{shown}: {(error.strerror or str(error)).lower()}; give another path."


def _reader_left(error: OSError) -> bool:
    """Whether the program at the other end of our output's pipe has ended."""
    # Windows has no EPIPE: a write into a closed pipe is an invalid argument there.
    return isinstance(error, BrokenPipeError) or (
        sys.platform == "win32" and error.errno == errno.EINVAL and error.filename is None
    )


if __name__ == "__main__":
    sys.exit(main())
