"""Sources that open no port: files, pad scripts, the gamepad, and pads of the control socket.

bvh://walk.bvh?name=ann&speed=2     glb://walk.glb?clip=Run     take://12A_T003.mcap?subject=ann
pad://demos/pads/demo.toml     gamepad://     remote://     voice://speech.wav     voice://microphone
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from understudy.runtime.core import url
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.lazy import Lazy

from .controls.gamepad import GamepadSource
from .controls.pad_script import PadScript
from .controls.remote_pad import RemotePad
from .endpoint import KIND, Endpoint
from .local_options import Local, Name
from .packet import Packet
from .streams import Kind, Stream


class ControlSource:
    """A pad of any sort as a source of one CONTROL stream."""

    def __init__(self, name: str, control: Any) -> None:
        self.name, self.control = name, control
        self.streams = (Stream(Kind.CONTROL, control, tracked=False),)

    @property
    def notice(self) -> str:
        """Why nothing comes; "" where all is well."""
        return str(getattr(self.control, "reason", ""))

    def poll(self, now_s: float) -> list[Packet]:
        """A control is asked for its intent instead."""
        return []

    def figures(self) -> Mapping[str, Any]:
        return {}

    def close(self) -> None:
        self.control.close()


# A scheme -> how it is opened, a `Local`.
LOCAL = Lazy(
    __package__,
    {
        "bvh": ".files.motion:BVH",
        "glb": ".files.motion:SCENE",
        "usd": ".files.motion:SCENE",
        "fbx": ".files.motion:SCENE",
        "take": ".files.take_line:TAKE",
        "voice": ".voice:VOICE",
        "pad": Local(
            Name,
            lambda endpoint, name: ControlSource(name, PadScript(Path(endpoint.path))),
            True,
            (Kind.CONTROL,),
        ),
        "gamepad": Local(
            Name, lambda _, name: ControlSource(name, GamepadSource()), False, (Kind.CONTROL,)
        ),
        "remote": Local(
            Name, lambda _, name: ControlSource(name, RemotePad()), False, (Kind.CONTROL,)
        ),
    },
)


def parse(text: str, extra: Mapping[str, Any], where: str = "") -> Endpoint:
    """The local source that a line describes: SCHEME://PATH?OPTIONS."""
    scheme, _, rest = text.partition("://")
    local, at = LOCAL[scheme], f"{where}: " if where else ""
    # A file may have a question mark in its name; then the name wins.
    path, mark, _ = (rest, "", "") if Path(rest).is_file() else rest.rpartition("?")
    if not mark:
        path, query = rest, ""
    else:
        query = rest[len(path) + 1 :]
    if local.has_path and not path:
        raise UnderstudyError(f"{at}{text!r} names no file; write it like {scheme}://FILE.")
    if not local.has_path and path.strip("/"):
        raise UnderstudyError(
            f"{at}{text!r}: {scheme}:// takes no {path!r}; write it like {scheme}://"
        )
    line = f"{scheme}://localhost?{query}" if query else f"{scheme}://localhost"
    said = url.parse(line, KIND, LOCAL, extra, where)
    return Endpoint(text, scheme, "", 0, said.options, path)
