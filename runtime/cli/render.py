"""`understudy render`."""

from __future__ import annotations

import argparse

SUMMARY = "(not built yet)"
EXAMPLES = "understudy render"


def arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(args: argparse.Namespace) -> int:
    raise NotImplementedError
