"""Sources that open no port: files, pad scripts, the gamepad, and pads of the control socket.

bvh://walk.bvh?name=ann&speed=2     glb://walk.glb?clip=Run     take://12A_T003.mcap?subject=ann
pad://demos/pads/demo.toml     gamepad://     remote://     voice://speech.wav     voice://microphone
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from msgspec import Meta, field

from understudy.runtime.core import url
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.joint_map import read_map
from understudy.runtime.core.pose import Camera, Prop, State
from understudy.runtime.core.progress import loading
from understudy.runtime.core.typed import Table
from understudy.runtime.takes import overrules
from understudy.runtime.takes.scene_clip import Which

from . import voice
from .controls.gamepad import GamepadSource
from .controls.pad_script import PadScript
from .controls.remote_pad import RemotePad
from .endpoint import KIND, Endpoint
from .files.bvh import BvhSource
from .files.dropout import MOST_JITTER_S, Link, parse_drop
from .files.take import TakeSource, listed
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


class FileFace:
    """The curves of a file's face at this tick; what it showed last where the file has ended."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names, self.shown = names, np.zeros(len(names), np.float32)


class FileSource:
    """A file played as if it came live: a BODY stream, and its face, cameras and props.

    What is lost or comes late by `drop` and `jitter` is the body's alone.
    """

    def __init__(self, name: str, link: Link, notes: tuple[str, ...]) -> None:
        self.name, self.link, self.notes = name, link, notes
        self.heard_ns = 0
        around = link.source.around
        self.face = FileFace(around.names if around is not None else ())
        self.cameras: list[Camera] = []
        self.props: list[Prop] = []
        # Where cameras look at a body, both stand where the file has them.
        self._tracked = around is not None and bool(around.things)
        if around is not None:
            self.face.shown, self.cameras, self.props = around.at(0, 0.0)

    @property
    def streams(self) -> list[Stream]:
        """What the file has."""
        found = [Stream(Kind.BODY, self, tracked=self._tracked)]
        if self.face.names:
            found.append(Stream(Kind.FACE, self.face))
        found += [Stream(Kind.CAMERA, one, one.name) for one in self.cameras]
        return found + [Stream(Kind.PROP, one, one.name) for one in self.props]

    @property
    def skeleton(self) -> Any:
        return self.link.skeleton

    @property
    def silence(self) -> str:
        """Why nothing comes any more; "" while something may."""
        return self.link.silence

    @property
    def notice(self) -> str:
        return self.link.silence

    def poll(self, now_s: float) -> list[Packet]:
        """The packets that arrive by now."""
        packets = self.link.poll(now_s)
        if packets:
            self.heard_ns = time.monotonic_ns()
        if (scene := self.link.source.scene(now_s)) is not None:
            self.face.shown, self.cameras, self.props = scene
        ended = self.link.source.silence
        things: list[Any] = [*self.cameras, *self.props]
        for one in things:
            if ended:
                one.state, one.reason = State.HOLD, ended
            else:
                one.capture_ns = time.monotonic_ns()
        return packets

    def figures(self) -> Mapping[str, Any]:
        return {}

    def close(self) -> None:
        self.link.close()


class Name(Table, frozen=True, kw_only=True):
    """What every local source takes."""

    name: Annotated[str, Meta(description="the subject's name on stage")] = ""


class Playback(Name, frozen=True, kw_only=True):
    """What a file takes."""

    speed: Annotated[float, Meta(ge=1e-3, le=1e3, description="2 plays twice as fast")] = 1.0
    loop: Annotated[bool, Meta(description="0: once")] = True
    start_s: Annotated[
        float, Meta(ge=0.0, description="of the file, where it begins", extra={"unit": "s"})
    ] = field(default=0.0, name="start")
    stop_s: Annotated[
        Annotated[float, Meta(ge=0.0)] | None,
        Meta(description="of the file, where it ends", extra={"unit": "s"}),
    ] = field(default=None, name="stop")
    drop: Annotated[
        str, Meta(description="what is lost, START-STOP[:JOINT,...] in its seconds; several by ;")
    ] = ""
    jitter_s: Annotated[
        float,
        Meta(ge=0.0, le=MOST_JITTER_S, description="late by up to that", extra={"unit": "s"}),
    ] = field(default=0.0, name="jitter")
    seed: Annotated[int, Meta(ge=0, description="of the jitter")] = 0
    skeleton: Annotated[
        Literal["own", "performer"],
        Meta(
            description="own: every joint of the file; performer: carried over to our performer's"
        ),
    ] = "own"
    up: Annotated[str, Meta(description="the vertical axis, as Z or -Y (guessed)")] = ""
    unit: Annotated[str, Meta(description="metres a unit, or cm, inch (guessed)")] = ""
    rest: Annotated[str, Meta(description="the T-pose's frame, or t-pose (guessed)")] = ""
    map: Annotated[str, Meta(description="a TOML file: which joint is which part (guessed)")] = ""
    body: Annotated[str, Meta(description="whose, of a file with several (the first)")] = ""
    clip: Annotated[str, Meta(description="which animation, of several (the longest)")] = ""
    scene: Annotated[bool, Meta(description="0: the body without face, cameras and props")] = True
    frame_time_s: Annotated[
        Annotated[float, Meta(gt=0.0, le=1e3)] | None,
        Meta(description="between frames (the file's)", extra={"unit": "s"}),
    ] = field(default=None, name="frame_time")

    def __post_init__(self) -> None:
        try:
            self.decided()
        except UnderstudyError as error:
            raise ValueError(str(error).rstrip(".")) from None

    def decided(self) -> dict[str, Any]:
        """What the user said of the file, as keywords of BvhSource; what is None is guessed."""
        return {
            "up": overrules.up_axis(self.up) if self.up else None,
            "unit_m": overrules.unit_m(self.unit) if self.unit else None,
            "rest": overrules.rest_pose(self.rest) if self.rest else None,
            "frame_time_s": self.frame_time_s,
            "which": Which(self.body, self.clip),
        }


def _bvh(endpoint: Endpoint, name: str) -> FileSource:
    said: Playback = endpoint.options
    path = Path(endpoint.path)
    with loading(path) as progress:
        source = BvhSource(
            path,
            said.speed,
            said.loop,
            said.start_s,
            said.stop_s,
            skeleton=said.skeleton,
            roles=read_map(Path(said.map)) if said.map else None,
            progress=progress,
            **said.decided(),
        )
    if not said.scene:
        source.around = None
    drops = [parse_drop(text) for text in said.drop.split(";") if text]
    return FileSource(name, Link(source, drops, said.jitter_s, said.seed), source.notes)


class TakePlayback(Name, frozen=True, kw_only=True):
    """What a take takes."""

    subject: Annotated[str, Meta(description="the only one that is played (all of them)")] = ""
    speed: Annotated[float, Meta(ge=1e-3, le=1e3, description="2 plays twice as fast")] = 1.0
    loop: Annotated[bool, Meta(description="1: again and again")] = False
    start_s: Annotated[
        float, Meta(ge=0.0, description="of the take, where it begins", extra={"unit": "s"})
    ] = field(default=0.0, name="start")
    stop_s: Annotated[
        Annotated[float, Meta(ge=0.0)] | None,
        Meta(description="of the take, where it ends", extra={"unit": "s"}),
    ] = field(default=None, name="stop")
    paused: Annotated[bool, Meta(description="1: waits for a transport request")] = False
    timecode: Annotated[
        Literal["take", "now"], Meta(description="take: the frames have the timecode of then")
    ] = "take"


def _take(endpoint: Endpoint, name: str) -> TakeSource:
    said: TakePlayback = endpoint.options
    if said.stop_s is not None and said.stop_s < said.start_s:
        raise UnderstudyError(
            f"{endpoint.text}: playback from {said.start_s:g} s to {said.stop_s:g} s; the end "
            "comes before the beginning."
        )
    source = TakeSource(
        listed(Path(endpoint.path)),
        name,
        said.subject,
        said.speed,
        said.loop,
        said.start_s,
        said.stop_s,
        said.timecode == "take",
    )
    source.playing = not said.paused
    return source


@dataclass(frozen=True)
class Local:
    """How a scheme without a port is opened."""

    Options: type
    open: Callable[[Endpoint, str], Any]
    has_path: bool
    kinds: tuple[Kind, ...]


LOCAL: dict[str, Local] = {
    "bvh": Local(Playback, _bvh, True, (Kind.BODY,)),
    **dict.fromkeys(
        ("glb", "usd", "fbx"),
        Local(Playback, _bvh, True, (Kind.BODY, Kind.FACE, Kind.CAMERA, Kind.PROP)),
    ),
    "take": Local(TakePlayback, _take, True, (Kind.BODY, Kind.CAMERA, Kind.PROP)),
    "voice": Local(voice.Options, voice.opened, True, (Kind.FACE, Kind.BODY)),
    "pad": Local(
        Name,
        lambda endpoint, name: ControlSource(name, PadScript(Path(endpoint.path))),
        True,
        (Kind.CONTROL,),
    ),
    "gamepad": Local(
        Name, lambda _, name: ControlSource(name, GamepadSource()), False, (Kind.CONTROL,)
    ),
    "remote": Local(Name, lambda _, name: ControlSource(name, RemotePad()), False, (Kind.CONTROL,)),
}


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
