"""What a line says of a take that is played: take://FILE?subject=ann."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, field

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.sources.endpoint import Endpoint
from understudy.runtime.sources.local_options import Local, Name
from understudy.runtime.sources.streams import Kind

from .take import TakeSource, listed


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


TAKE = Local(TakePlayback, _take, True, (Kind.BODY, Kind.CAMERA, Kind.PROP))
