"""What a stage is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from understudy.runtime.sources.endpoint import Endpoint
from understudy.runtime.sources.files.dropout import Drop


@dataclass(slots=True)
class StageConfig:
    """What `understudy stage` was asked for. Addresses are ZeroMQ's, times seconds, rates Hz."""

    pads: list[Path] = field(default_factory=list)
    bvhs: list[Path] = field(default_factory=list)
    bvh: dict[str, Any] = field(default_factory=dict)  # speed, loop, start and stop: BvhSource's
    drops: list[tuple[str, Drop]] = field(default_factory=list)  # of the file named, "": of all
    jitter_s: float = 0.0
    takeover: bool = True
    stop_after_s: float = 2.0
    style: dict[str, float] = field(default_factory=dict)
    sources: list[Endpoint] = field(default_factory=list)  # that come over the network
    gamepad: bool = False
    remote: bool = False
    copies: int = 1
    rate_hz: float = 60.0
    timecode_rate: str = "30"
    publish: str = "tcp://127.0.0.1:5570"
    control: str = "tcp://127.0.0.1:5571"
    insecure: bool = False
    keys: Path | None = None  # the folder of `understudy keys`: whoever connects needs one
    to: list[str] = field(default_factory=list)  # outputs, as `understudy send` takes them
    outputs: Path | None = None
    seconds: float | None = None
    record: Path | None = None
    stats: Path | None = None
    weights: Path | None = None
    takeover_weights: Path | None = None
    realtime: bool = True
