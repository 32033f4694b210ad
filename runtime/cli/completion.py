"""`understudy completion`: a shell that completes commands, options, choices, files and URLs."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable, Iterator

SUMMARY = "print what makes bash, zsh or fish complete this command's words"
EXAMPLES = """understudy completion bash >> ~/.bashrc
understudy completion zsh >> ~/.zshrc                 # after the line with compinit
understudy completion fish > ~/.config/fish/completions/understudy.fish"""

SHELLS = ("bash", "zsh", "fish")
# The end of a metavar, and how the files' names end.
_SUFFIXES = (".bvh", ".toml", ".onnx", ".json", ".mp4", ".png", ".glb", ".pub")
_FOLDERS = ("DIR", "FOLDER")
# What its metavar does not tell of.
_FILES = {"pad": ".toml", "bvh": ".bvh", "take": ".bvh"}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))


def run(args: argparse.Namespace) -> int:
    from argcomplete.shell_integration import shellcode

    # `use_defaults` would complete files where none are wanted.
    print(shellcode(["understudy"], use_defaults=False, shell=args.shell))
    return 0


def complete(parser: argparse.ArgumentParser) -> None:
    """Answers a shell that asks what could come next, and ends; else returns."""
    import argcomplete
    from argcomplete.completers import SuppressCompleter

    for one in _parsers(parser):
        for action in one._actions:
            if (found := _completer(action)) is not None:
                action.completer = found  # type: ignore[attr-defined]
    argcomplete.autocomplete(
        parser, default_completer=SuppressCompleter(), always_complete_options=False
    )


def _parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for sub in action.choices.values():
                yield from _parsers(sub)


def _completer(action: argparse.Action) -> Callable[..., Iterable[str]] | None:
    """Of an argument, by what its help calls its value."""
    from pathlib import Path

    called = action.metavar if isinstance(action.metavar, str) else ""
    if action.choices is not None or action.nargs == 0:
        return None  # argcomplete knows the choices by itself
    if called == "URL":
        return _sources if action.dest == "sources" else _outputs
    if called == "ADDRESS":
        return lambda **_: ("tcp://127.0.0.1:5570", "tcp://127.0.0.1:5571")
    if called == "PROTOCOL":
        from understudy.runtime.cli.loopback import PROTOCOLS

        return lambda **_: PROTOCOLS
    if called == "PART ...":
        from understudy.runtime.cli.bench import PARTS

        return lambda **_: PARTS
    if called == "RATE":
        from understudy.runtime.core.timecode import RATES

        return lambda **_: RATES
    if called in _FOLDERS:
        return lambda prefix, **_: _paths(prefix, None)
    suffix = next((end for end in _SUFFIXES if called.lower().endswith(end)), "")
    suffix = _FILES.get(action.dest, suffix)
    if suffix or action.type is Path:
        return lambda prefix, **_: _paths(prefix, suffix)
    return lambda **_: ()


def _paths(prefix: str, suffix: str | None) -> list[str]:
    """Folders and files that begin so; None: folders alone."""
    folder, begun = os.path.split(prefix)
    try:
        found = sorted(os.scandir(os.path.expanduser(folder) or "."), key=lambda one: one.name)
    except OSError:
        return []
    out = []
    for one in found:
        if not one.name.startswith(begun) or (one.name.startswith(".") and not begun):
            continue
        name = os.path.join(folder, one.name)
        if one.is_dir():
            out.append(name + "/")
        elif suffix is not None and one.name.lower().endswith(suffix):
            out.append(name)
    return out


def _sources(**_: object) -> Iterable[str]:
    from understudy.runtime.core import plugins
    from understudy.runtime.sources.registry import KNOWN

    return [f"{scheme}://" for scheme in (*KNOWN, *plugins.names(plugins.SOURCES))] + ["list"]


def _outputs(**_: object) -> Iterable[str]:
    from understudy.runtime.core import plugins
    from understudy.runtime.outputs.sender import KNOWN

    return [f"{scheme}://" for scheme in (*KNOWN, *plugins.names(plugins.OUTPUTS))]
