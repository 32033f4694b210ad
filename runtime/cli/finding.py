"""`find` in place of an address: a list of those who announce themselves, to pick from."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from understudy.runtime.core.discovery import Found

FIND = "find"


def pick(kind: str) -> Found:
    """Looks for a kind (stage, monitor, simulator) and lets the user choose."""
    from understudy.runtime.core import discovery
    from understudy.runtime.core.errors import UnderstudyError

    def tell(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    def ask(question: str) -> str:
        if not sys.stdin.isatty():
            raise UnderstudyError(
                f"There are several, listed above; give the address of one {kind}."
            )
        tell(question)
        return sys.stdin.readline()

    found = discovery.chosen(discovery.look(kinds=[kind]), kind, ask, tell)
    tell(f"found {found.name} at {found.address}")
    return found


def stage(address: str, control: str) -> tuple[str, str]:
    """The stage's stream and control address, looked for where the first is `find`."""
    if address != FIND:
        return address, control
    found = pick("stage")
    return found.address, found.control or control


def sources(lines: list[str]) -> list[str]:
    """Lines of `--from`, of which `find` is a simulated device that announces itself."""
    made = []
    for line in lines:
        if line == FIND:
            found = pick("simulator")
            line = f"{found.words.get('device', 'vmc')}://0.0.0.0:{found.port}"
        made.append(line)
    return made
