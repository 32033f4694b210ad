"""The command line's parser: argparse, with one sentence for whatever is wrong."""

from __future__ import annotations

import argparse
import re
import sys
from typing import NoReturn

STATUSES = """exit status:
  0    done
  1    failed: something is lacking, gone or full, or a check did not pass
  2    usage: an option, a file or an address cannot be used; nothing was begun
  130  ended by Ctrl-C (SIGINT)
  143  ended by SIGTERM"""

# What argparse says, and how we say it. Its words differ between versions of Python.
_KINDS = {"float": "number", "int": "whole number"}
_SAYINGS = (
    (
        re.compile(r"^argument (?P<name>[^:]+): invalid (?P<kind>float|int) value: (?P<value>.+)$"),
        lambda m: f"{_long(m['name'])} {m['value']} is no {_KINDS[m['kind']]}",
    ),
    (
        re.compile(
            r"^argument (?P<name>[^:]+): invalid choice: (?P<value>.+?) "
            r"\(choose from (?P<all>.+)\)$"
        ),
        lambda m: (
            f"{_long(m['name'])} {m['value']} is unknown; choose from "
            + m["all"].replace("'", "").replace('"', "")
        ),
    ),
    (
        re.compile(r"^argument (?P<name>[^:]+): expected (?P<count>.+) arguments?$"),
        lambda m: (
            f"{_long(m['name'])} lacks its value (one that begins with - is written "
            f"{_long(m['name'])}=VALUE)"
        ),
    ),
    (
        re.compile(r"^argument (?P<name>[^:]+): ignored explicit argument (?P<value>.+)$"),
        lambda m: f"{_long(m['name'])} takes no value, and was given {m['value']}",
    ),
    (
        re.compile(r"^the following arguments are required: (?P<names>.+)$"),
        lambda m: f"missing: {m['names']}",
    ),
    (
        re.compile(r"^unrecognized arguments: (?P<words>.+)$"),
        lambda m: f"not understood: {m['words']}",
    ),
)


def _long(names: str) -> str:
    """The last of an option's names, which is its long one."""
    return names.split("/")[-1]


class Parser(argparse.ArgumentParser):
    """Ends with status 2 and one line on stderr where the words cannot be understood."""

    def parse_known_args(self, args=None, namespace=None):
        # What is left over is this command's to tell of, and not its parent's.
        known, left = super().parse_known_args(args, namespace)
        if left:
            self.error(f"unrecognized arguments: {' '.join(left)}")
        return known, left

    def error(self, message: str) -> NoReturn:
        for pattern, say in _SAYINGS:
            if (match := pattern.match(message)) is not None:
                message = say(match)
                break
        line = " ".join(f"{self.prog}: {message}; see `{self.prog} --help`".split())
        print(line, file=sys.stderr)
        sys.exit(2)
