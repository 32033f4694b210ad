"""`--to beacon://HOST:7410`: the first joint of every subject, a line in each datagram."""

from __future__ import annotations

import numpy as np

from understudy.runtime.core.pose import Frame
from understudy.runtime.outputs.target import OutputOptions, Target

from . import line

PORT = line.PORT
HOST = ""  # a user must name one


class Options(OutputOptions, frozen=True, kw_only=True):
    """What every output takes (rate, delay, interface), and this one no more."""


class BeaconOutput:
    """Stateless: an output makes datagrams of frames; the socket is the sender's."""

    def __init__(self, target: Target) -> None:
        self.options: Options = target.options

    def message(self, frame: Frame, time_s: float) -> dict[str, np.ndarray]:
        """Positions (3,) by name."""
        return {subject.name: subject.pose.positions[0] for subject in frame.subjects}

    def datagrams(self, frame: Frame, time_s: float) -> list[bytes]:
        return [line.encode(*one) for one in self.message(frame, time_s).items()]


OUTPUT = BeaconOutput
