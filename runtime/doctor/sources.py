"""The sources of the stage that runs on this machine: who is heard, and why not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from understudy.bridge import ControlClient
from understudy.runtime.core.errors import UnderstudyError

from .checks import LACKING, OK, Check
from .firewall import Firewall

PATIENCE_S = 0.5


def examine(control: str, walls: Sequence[Firewall], key: Path | None = None) -> Iterator[Check]:
    """A check for each source; none where no stage answers."""
    try:
        with ControlClient(control, timeout_s=PATIENCE_S, key=key) as client:
            told = client.session()["sources"]
    except (UnderstudyError, KeyError):
        return
    for row in told:
        yield check(row, walls)


def check(row: dict[str, Any], walls: Sequence[Firewall]) -> Check:
    """What the stage says of a source, with what this machine's firewall does to it."""
    name, figures, notice = f"source {row['name']}", row.get("figures", {}), row.get("notice", "")
    if "datagrams" not in figures:
        return Check(name, LACKING if notice else OK, notice or "it opens no port")
    kind, number = _port(str(figures.get("where", "")), row.get("from", ""))
    barred = [wall.name for wall in walls if number and wall.bars((kind, number))]
    if not figures["datagrams"] and barred:
        return Check(
            name, LACKING, f"{notice}; {barred[0]} lets nobody in on {kind} {number}",
            f"Let {kind} {number} in, in this machine's firewall.",
        )  # fmt: skip
    hint = row.get("hint", "")
    quiet = not figures["datagrams"] or not figures.get("frames") or bool(hint)
    remedy = f"{hint[0].upper()}{hint[1:]}." if hint else ""
    said = notice.removesuffix(f"; {hint}") if hint else notice
    return Check(name, LACKING if quiet else OK, said, remedy)


def _port(where: str, line: str) -> tuple[str, int]:
    """Of "udp 9763 of 0.0.0.0"."""
    words = where.split()
    if len(words) >= 2 and words[0] in ("udp", "tcp") and words[1].isdecimal():
        return words[0], int(words[1])
    try:
        return "udp", urlsplit(f"http://{line.partition('://')[2]}").port or 0
    except ValueError:
        return "udp", 0
