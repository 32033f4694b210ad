"""Faces on stage: the curves of whoever wears one."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from understudy.runtime.core.pose import Subject
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.sources.streams import Curves

# Two seconds of a stage of 1000 Hz.
MOST = 2048


class Later:
    """A face that is shown a set time later, interpolated, so that it is in step with its body."""

    def __init__(self, of: Curves, delay_s: float) -> None:
        self.of, self._delay_s = of, delay_s
        self.names: tuple[str, ...] = ()
        self.shown: Array = np.zeros(0, np.float32)
        self.gives_way = getattr(of, "gives_way", False)
        self._rows: deque[tuple[float, tuple[str, ...], Array]] = deque(maxlen=MOST)

    @property
    def presence(self) -> float:
        """How much of it is there, as now: a delay is short beside the ease."""
        return float(getattr(self.of, "presence", 1.0))

    def advance(self, now_s: float) -> None:
        """A tick of the stage: what it shows now is shown later."""
        rows = self._rows
        rows.append((now_s, self.of.names, self.of.shown.copy()))
        at_s = now_s - self._delay_s
        while len(rows) > 1 and rows[1][0] <= at_s:
            rows.popleft()
        one_s, self.names, self.shown = rows[0]
        if len(rows) > 1 and one_s < at_s and rows[1][1] == self.names:
            share = (at_s - one_s) / (rows[1][0] - one_s)
            self.shown = self.shown + np.float32(share) * (rows[1][2] - self.shown)


def _merged(faces: Sequence[Curves]) -> dict[str, float]:
    """name -> value of several faces.

    A voice has the mouth as far as no other face is there: it comes as the other eases to rest.
    """
    merged: dict[str, float] = {}
    there: dict[str, float] = {}
    voices = [face for face in faces if getattr(face, "gives_way", False)]
    for face in faces:
        if face in voices:
            continue
        share = getattr(face, "presence", 1.0)
        for name, value in zip(face.names, face.shown, strict=True):
            merged[name], there[name] = float(value), share
    for face in voices:
        for name, value in zip(face.names, face.shown, strict=True):
            merged[name] = merged.get(name, 0.0) + (1.0 - there.get(name, 0.0)) * float(value)
    return merged


class Wearer:
    """The faces of one subject; of two, the later counts, and a voice where others are not."""

    def __init__(self) -> None:
        self._known: tuple[Skeleton, tuple[str, ...], Skeleton] | None = None

    def put_on(self, subject: Subject, faces: Sequence[Curves]) -> None:
        """Curves into the subject, and their names into its skeleton; its pose is left alone."""
        shown = [face for face in faces if face.names]
        if not shown:
            if self._known is not None:
                subject.curves, self._known = np.zeros(0, np.float32), None
            return
        if len(shown) == 1:
            names, values = shown[0].names, shown[0].shown
        else:
            merged = _merged(shown)
            names, values = tuple(merged), np.array(list(merged.values()), np.float32)
        subject.skeleton = self._named(subject.skeleton, names)
        subject.curves = values

    def _named(self, skeleton: Skeleton, names: tuple[str, ...]) -> Skeleton:
        """The skeleton with these curve names: the same object for as long as nothing changes."""
        known = self._known
        if known is not None and known[1] == names and skeleton in (known[0], known[2]):
            return known[2]
        bare = known[0] if known is not None and skeleton is known[2] else skeleton
        named = replace(bare, curve_names=names)
        self._known = bare, names, named
        return named
