"""Camera heads, played: each actor is an operator, whose camera is where the eyes are."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from understudy.bridge.protocols import freed
from understudy.runtime.core import rotation, timecode
from understudy.runtime.core.pose import Camera, Frame, Subject
from understudy.runtime.outputs import opentrackio, target
from understudy.runtime.outputs.body import body
from understudy.runtime.outputs.freed import Options

FOCAL_MM, FOCUS_M, IRIS = 35.0, 3.0, 2.8
EYES = np.array([0.0, 0.08, 0.1])
# A camera looks along its own -Z, and a head at rest along +Z.
_ROUND = rotation.from_yaw(math.pi)
# The timecode of what is sent begins here, at a rate that every sender has.
BEGINS_S, RATE = 10 * 3600.0, "25"


def camera(one: Subject, number: int) -> Camera:
    """The camera of an actor."""
    shape = body(one.skeleton)
    there = shape.whole(shape.added(one.pose), ["head"])
    turn = there.rotations[0]
    at = there.positions[0] + rotation.rotate(turn, EYES)
    return Camera(
        f"Camera {number}", at, rotation.multiply(turn, _ROUND), FOCAL_MM, focus_m=FOCUS_M,
        iris=IRIS,
    )  # fmt: skip


class FreedSimulator:
    """Heads by FreeD, numbered from 1."""

    def datagrams(self, frame: Frame, time_s: float) -> list[bytes]:
        counts, found = Options(), []
        for number, one in enumerate(frame.subjects, 1):
            seen = camera(one, number)
            said = freed.tracking(
                number, seen.position, seen.rotation,
                zoom=round(seen.focal_mm * counts.zoom), focus=round(seen.focus_m * counts.focus),
                user=round(seen.iris * counts.iris),
            )  # fmt: skip
            found.append(freed.encode(said))
        return found


class OpenTrackIOSimulator:
    """The first actor's camera by OpenTrackIO, with a timecode that runs."""

    def __init__(self) -> None:
        known: dict[str, Any] = {"opentrackio": opentrackio}
        self._output = opentrackio.OpenTrackIOOutput(target.parse("opentrackio://127.0.0.1", known))

    def datagrams(self, frame: Frame, time_s: float) -> list[bytes]:
        rate = timecode.rate(RATE)
        said = replace(
            frame, cameras=[camera(frame.subjects[0], 1)], rate_num=rate.numerator,
            rate_den=rate.denominator, timecode=timecode.at_time(BEGINS_S + time_s, RATE),
        )  # fmt: skip
        return self._output.datagrams(said, time_s)
