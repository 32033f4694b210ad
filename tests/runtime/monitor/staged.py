"""A control socket that edits sources and subjects in memory, and keeps what it was asked."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from understudy.bridge import ControlServer
from understudy.bridge.requests import (
    AddSource,
    AddSubject,
    AdjustSubject,
    PlaceSubject,
    RemoveSource,
    RemoveSubject,
    RenameSubject,
    ResetSubject,
    SaveSession,
    ShowSession,
)
from understudy.bridge.security.access import AccessControl
from understudy.runtime.core.errors import UnderstudyError


class StagedSession:
    """Sources and subjects; each source counts a frame at every look."""

    def __init__(self, access: AccessControl | None = None) -> None:
        self.sources: dict[str, dict[str, Any]] = {}
        self.subjects: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.server = ControlServer("tcp://127.0.0.1:*", access=access)
        self.address = self.server.address
        self._ending = threading.Event()
        self._loop = threading.Thread(target=self._run)
        self._loop.start()

    def source(self, name: str, line: str, frames: int | None = 1, notice: str = "") -> None:
        figures = {} if frames is None else {"frames": frames, "damaged": 0}
        self.sources[name] = {
            "name": name,
            "from": line,
            "notice": notice,
            "streams": ["body"],
            "figures": figures,
        }

    def subject(self, name: str) -> None:
        self.subjects[name] = {
            "name": name,
            "state": "LIVE",
            "made_of": {"body": "vmc"},
            "at_m": [0.0, 0.0, 0.0],
            "heading_deg": 0.0,
        }

    def _run(self) -> None:
        while not self._ending.wait(0.002):
            for request in self.server.poll():
                self.asked.append(request.op)
                try:
                    self.server.reply(request, **self._done(request))
                except UnderstudyError as refusal:
                    self.server.reply(request, error=str(refusal))

    def _known(self, name: str) -> dict[str, Any]:
        if name not in self.subjects:
            raise UnderstudyError(f"No subject is called {name!r}.")
        return self.subjects[name]

    def _done(self, request: Any) -> dict[str, Any]:
        match request:
            case ShowSession():
                for source in self.sources.values():
                    if source["figures"] and not source["notice"]:
                        source["figures"]["frames"] += 1
                return {
                    "session": {},
                    "sources": list(self.sources.values()),
                    "subjects": list(self.subjects.values()),
                }
            case AddSource():
                if not request.url.startswith("vmc://"):
                    raise UnderstudyError(f"{request.url!r} is no source; write it like vmc://.")
                name = request.name or "vmc"
                self.source(name, request.url)
                return {"name": name}
            case RemoveSource():
                del self.sources[request.name]
                return {"left": list(self.subjects)[:1]}
            case AddSubject():
                table = dict(request.subject)
                name, at_m = table.pop("name"), list(table.pop("at_m"))
                if name in self.subjects:
                    raise UnderstudyError(f"A subject is called {name!r} already.")
                self.subject(name)
                heading_deg = table.pop("heading_deg")
                self.subjects[name] |= {"made_of": table, "at_m": at_m, "heading_deg": heading_deg}
            case RemoveSubject():
                self._known(request.name)
                del self.subjects[request.name]
            case RenameSubject():
                subject = self._known(request.name)
                if request.to in self.subjects:
                    raise UnderstudyError(f"A subject is called {request.to!r} already.")
                del self.subjects[request.name]
                self.subjects[request.to] = {**subject, "name": request.to}
            case PlaceSubject():
                subject = self._known(request.name)
                subject["at_m"] = list(request.at_m)
                subject["heading_deg"] = request.heading_deg
            case ResetSubject():
                if request.what == "mark":
                    self._known(request.name)["at_m"] = list(request.at_m)
            case AdjustSubject():
                subject = self._known(request.name)
                for word in ("mirror", "root"):
                    if (said := getattr(request, word)) is not None:
                        subject[word] = said
            case SaveSession():
                if not request.path:
                    raise UnderstudyError("This stage came from no session file; name one.")
                return {"path": str(Path(request.path))}
        return {}

    def close(self) -> None:
        self._ending.set()
        self._loop.join()
        self.server.close()

    def __enter__(self) -> StagedSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
