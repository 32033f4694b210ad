"""A take as a live source: its subjects, cameras and props as they were solved then.

What is played is the recorded frame itself, under the names and on the skeletons of then, so that
whatever is bound to them in an engine stays bound. Played slower than it was recorded, poses are
interpolated.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from understudy.bridge.wire.decoder import UnknownSkeleton
from understudy.bridge.wire.envelope import WireError
from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import Frame, Pose, Subject
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.sources.packet import Packet
from understudy.runtime.sources.streams import Kind, Stream
from understudy.runtime.takes.take_frames import TakeFrames

SMALLEST_SHARE = 1e-3  # of a frame, between two


class Played:
    """One subject of the take: a Motion whose pose was solved already."""

    def __init__(self, name: str, skeleton: Skeleton) -> None:
        self.name, self.skeleton = name, skeleton
        self.solved: Subject | None = None  # at this tick; None: not on stage there
        self.heard_ns, self.silence = 0, ""

    @property
    def names(self) -> tuple[str, ...]:
        """Of its curves."""
        return self.solved.skeleton.curve_names if self.solved is not None else ()

    @property
    def shown(self) -> rotation.Array:
        """The values of its curves."""
        return self.solved.curves if self.solved is not None else np.zeros(0, np.float32)


class TakeSource:
    """Plays takes: one after the other as they are called for, from start_s to stop_s of each.

    subject    the only one that is played; "": all of them
    speed      2 is twice as fast
    playing    False: the frame that is there stays
    """

    is_take = True  # told by this, so that who asks need not read takes

    def __init__(
        self,
        paths: Sequence[Path],
        name: str = "",
        subject: str = "",
        speed: float = 1.0,
        loop: bool = False,
        start_s: float = 0.0,
        stop_s: float | None = None,
        own_timecode: bool = True,
    ) -> None:
        self.paths, self.subject = list(paths), subject
        self.name = name or self.paths[0].stem
        self.speed, self.loop, self.playing = speed, loop, True
        self.start_s, self.stop_s = start_s, stop_s
        self.own_timecode = own_timecode
        self.faults = 0
        self._last_s: float | None = None
        self._take: TakeFrames | None = None
        self.put_in(self.opened(0), 0)

    def opened(self, cue: int) -> TakeFrames:
        """The take of that number of the list, 0 for the first; may be done beside the loop."""
        if not 0 <= cue < len(self.paths):
            raise UnderstudyError(
                f"There is no take {cue + 1} in the list of {self.name}; it has {len(self.paths)}."
            )
        take = TakeFrames(self.paths[cue])
        who = take.who
        if self.subject and self.subject not in dict(who):
            there = ", ".join(name for name, _ in who) or "nobody"
            take.close()
            raise UnderstudyError(
                f"{self.paths[cue]} has no subject {self.subject!r}; there is {there}."
            )
        end_s = (float(take.ticks[-1])) / take.rate_hz
        if self.start_s > end_s:
            take.close()
            raise UnderstudyError(
                f"{self.paths[cue]} is {take.seconds:.3f} s long; it cannot begin at "
                f"{self.start_s:g} s."
            )
        return take

    def put_in(self, take: TakeFrames, cue: int) -> None:
        """Plays that take from now on, from its beginning."""
        who = take.who
        if self._take is not None:
            self._take.close()
        self._take, self.cue, self.position_s = take, cue, self.start_s
        kept = {one.name: one for one in getattr(self, "_played", ())}
        self._played = []
        for subject, skeleton in who:
            if self.subject in ("", subject):
                one = kept.get(subject) or Played(subject, skeleton)
                one.skeleton = skeleton
                self._played.append(one)
        self._number = -1
        self._frame: Frame | None = None
        self._share = 0.0
        self.ended = False
        self._show()

    # The transport.

    @property
    def take(self) -> TakeFrames:
        assert self._take is not None
        return self._take

    @property
    def end_s(self) -> float:
        """Where the last frame that is played lies."""
        last_s = float(self.take.ticks[-1]) / self.take.rate_hz
        return last_s if self.stop_s is None else min(self.stop_s, last_s)

    def play(self, on: bool) -> None:
        """Goes on, from the beginning where it has ended; or stays at the frame that is there."""
        if on and self.ended:
            self.seek(self.start_s)
        self.playing = on

    def seek(self, position_s: float) -> None:
        """Shows the frame at so many seconds of the take."""
        self.position_s = min(max(position_s, 0.0), float(self.take.ticks[-1]) / self.take.rate_hz)
        self.ended = False
        self._show()

    def step(self, frames: int) -> None:
        """So many frames on, or back; and stays there."""
        self.playing = False
        number = min(max(self.take.number_at(self.position_s) + frames, 0), len(self.take) - 1)
        self.seek(float(self.take.ticks[number]) / self.take.rate_hz)

    @property
    def status(self) -> dict[str, Any]:
        """Where it is, for people."""
        return {
            "take": str(self.take.path),
            "cue": self.cue + 1,
            "list": [str(path) for path in self.paths],
            "position_s": round(self.position_s, 4),
            "seconds": round(self.take.seconds, 4),
            "start_s": self.start_s,
            "stop_s": self.stop_s if self.stop_s is not None else round(self.take.seconds, 4),
            "playing": self.playing and not self.ended,
            "ended": self.ended,
            "speed": self.speed,
            "loop": self.loop,
            "timecode": self._frame.timecode if self._frame is not None else "",
            "frame": self._number,
        }

    # A source.

    @property
    def streams(self) -> list[Stream]:
        streams = [Stream(Kind.BODY, one, one.name, solved=True) for one in self._played]
        if self._frame is not None and not self.subject:
            streams += [Stream(Kind.CAMERA, one, one.name) for one in self._frame.cameras]
            streams += [Stream(Kind.PROP, one, one.name) for one in self._frame.props]
        return streams

    @property
    def timecode(self) -> str:
        """Of the frame that is shown; "" where the stage's own counts."""
        return self._frame.timecode if self.own_timecode and self._frame is not None else ""

    @property
    def notice(self) -> str:
        """What a crew should know."""
        what = self.take.path.name
        if self.ended:
            return f"{what} has ended"
        return f"{what} stands at {self.position_s:.2f} s" if not self.playing else ""

    def poll(self, now_s: float) -> list[Packet]:
        """Goes on with the stage's time."""
        gone_s = now_s - self._last_s if self._last_s is not None else 0.0
        self._last_s = now_s
        if self.playing and not self.ended:
            self._advance(gone_s * self.speed)
        self._show()
        return [
            Packet(now_s, one.solved.pose.positions, one.solved.pose.rotations, None, one.name)
            for one in self._played
            if one.solved is not None and one.solved.skeleton is one.skeleton
        ]

    def _advance(self, by_s: float) -> None:
        position_s = self.position_s + by_s
        # A frame is shown for as long as it lasts; so is the last.
        past_s = self.end_s + 1.0 / self.take.rate_hz
        if position_s >= past_s - 1e-6:
            if self.loop:
                length_s = past_s - self.start_s
                position_s = self.start_s + (position_s - self.start_s) % length_s
            else:
                position_s, self.ended = self.end_s, True
        self.position_s = position_s

    def _show(self) -> None:
        number = self.take.number_at(self.position_s)
        share = 0.0
        if abs(self.speed) < 1.0 and number + 1 < len(self.take):
            at = self.position_s * self.take.rate_hz - float(self.take.ticks[number])
            near = self.take.ticks[number + 1] - self.take.ticks[number] == 1
            share = at if near and SMALLEST_SHARE < at < 1.0 - SMALLEST_SHARE else 0.0
        if number == self._number and share == self._share == 0.0:
            return
        if number != self._number and number % max(round(self.take.rate_hz), 1) == 0:
            self.take.ahead(number)
        frame = self._read(number)
        if frame is None:
            return
        after = self._read(number + 1) if share else None
        self._number, self._frame, self._share = number, frame, share
        there = {subject.name: subject for subject in frame.subjects}
        then = {subject.name: subject for subject in after.subjects} if after is not None else {}
        now_ns = time.monotonic_ns()
        for one in self._played:
            one.solved = there.get(one.name)
            if one.solved is None:
                continue
            one.skeleton, one.heard_ns = one.solved.skeleton, now_ns
            if (to := then.get(one.name)) is not None and to.skeleton is one.skeleton:
                one.solved = replace(one.solved, pose=between(one.solved.pose, to.pose, share))

    def _read(self, number: int) -> Frame | None:
        try:
            return self.take.frame(number)
        except (WireError, UnknownSkeleton):
            self.faults += 1
            return None

    def figures(self) -> Mapping[str, Any]:
        return {**self.status, "damaged": self.faults}

    def close(self) -> None:
        self.take.close()


def between(a: Pose, b: Pose, share: float) -> Pose:
    """The pose at a share of the way, 0 to 1."""
    positions = np.asarray(a.positions, float) * (1.0 - share) + share * np.asarray(b.positions)
    turns = rotation.slerp(
        np.asarray(a.rotations, float), np.asarray(b.rotations, float), np.float64(share)
    )
    return Pose(positions, turns)


def listed(path: Path) -> list[Path]:
    """The takes of a path: itself, or those of a list: a text file with a path a line."""
    if path.suffix.lower() != ".txt":
        return [path]
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UnderstudyError(f"The list of takes {path} cannot be read ({why}).") from None
    found = [path.parent / line.strip() for line in lines if line.strip() and line[0] != "#"]
    if not found:
        raise UnderstudyError(f"The list of takes {path} is empty; write a take's path a line.")
    return found
