"""A motion file as a source: its body, its face, and the cameras and props around it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from msgspec import Meta, field

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.joint_map import read_map
from understudy.runtime.core.pose import Camera, Prop, State
from understudy.runtime.core.progress import loading
from understudy.runtime.sources.endpoint import Endpoint
from understudy.runtime.sources.local_options import Local, Name
from understudy.runtime.sources.packet import Packet
from understudy.runtime.sources.streams import Kind, Stream
from understudy.runtime.takes import overrules
from understudy.runtime.takes.scene_clip import Which

from .bvh import BvhSource
from .dropout import MOST_JITTER_S, Link, parse_drop


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


BVH = Local(Playback, _bvh, True, (Kind.BODY,))
SCENE = Local(Playback, _bvh, True, (Kind.BODY, Kind.FACE, Kind.CAMERA, Kind.PROP))
