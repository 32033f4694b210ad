"""Stages: those that run on this machine, and the ports that a session means to open.

A stage keeps its session in a file of its own while it runs (`session.state_file`): so whoever
looks for it needs no address.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import psutil

from understudy.bridge.security.keys import Keyring
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.sources import registry
from understudy.runtime.sources.endpoint import Tcp
from understudy.runtime.stage import session as sessions
from understudy.runtime.stage.session import Session

from .firewall import Port

_STATE = re.compile(r"stage-(\d+)\.toml")


class Running(NamedTuple):
    """A stage that runs here: where it is asked, by which key, and what is listened on."""

    control: str
    key: Path | None
    ports: dict[Port, str]


def running() -> list[Running]:
    """Those of this user, the newest first."""
    found = []
    folder = sessions.state_folder()
    for path in sorted(folder.glob("stage-*.toml"), key=_changed, reverse=True):
        match = _STATE.fullmatch(path.name)
        if match is None or not _is_python(int(match[1])):
            continue
        try:
            session = sessions.load(path)
            found.append(Running(session.stage.control, _key(session), ports(session)))
        except UnderstudyError:  # it is being written, or another version's
            continue
    return found


def ports(session: Session) -> dict[Port, str]:
    """The ports that a session listens on, and what for."""
    loop = session.stage
    found: dict[Port, str] = {}
    for address, use in ((loop.publish, "poses"), (loop.control, "control")):
        if (number := _number(address)) and address.startswith("tcp://"):
            found["tcp", number] = use
    for named in registry.identify(session.source):
        place = named.endpoint
        if not place.port or place.scheme not in registry.known():
            continue
        module = registry.known()[place.scheme]
        if getattr(module, "library", lambda _: "")(place):
            continue  # its maker's own library asks elsewhere
        tcp = getattr(place.options, "tcp", Tcp())
        if not tcp.server:
            found["tcp" if tcp.text else "udp", place.port] = f"{place.scheme}, {named.id}"
    others = [(loop.timecode_from, "timecode")]
    others += [(table.source, "controllers") for table in session.controller]
    others += [(str(table.get("from", "")), "triggers") for table in session.trigger]
    for line, use in others:
        if number := _number(line):
            found["udp" if not line.startswith("http") else "tcp", number] = use
    return found


def of_file(path: Path) -> dict[Port, str]:
    """The ports of a session file."""
    return ports(sessions.load(path))


def _number(line: str) -> int:
    """The port of a line; 0 where it names none."""
    try:
        return urlsplit(line).port or 0
    except ValueError:
        return 0


def _key(session: Session) -> Path | None:
    """The key of this user's own programs, where the stage asks for one."""
    said = session.stage.keys
    if said is None:
        return None
    try:
        return Keyring(Path(said) if said else None).local
    except UnderstudyError:
        return None


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _is_python(pid: int) -> bool:
    """Whether that process runs still; another may have its number by now."""
    try:
        return "python" in psutil.Process(pid).name().lower()
    except psutil.Error:
        return False
