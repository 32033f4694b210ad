"""Faces on stage: the curves of whoever wears one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from understudy.runtime.core.pose import Subject
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.sources.face import Face


class Faces:
    """Which faces each subject wears, by the subject's place on stage; of two, the later counts."""

    def __init__(self) -> None:
        self._worn: dict[int, list[Face]] = {}
        self._skeletons: dict[int, tuple[Skeleton, tuple[str, ...], Skeleton]] = {}

    def wear(self, place: int, face: Face) -> None:
        """From now on the subject at this place wears this face too."""
        self._worn.setdefault(place, []).append(face)

    def put_on(self, subjects: Sequence[Subject]) -> None:
        """Curves into the subjects, and their names into the skeletons; poses are left alone."""
        for place, faces in self._worn.items():
            subject, shown = subjects[place], [face for face in faces if face.names]
            if not shown:
                continue
            if len(shown) == 1:
                names, values = shown[0].names, shown[0].shown
            else:
                merged = {
                    name: value
                    for face in shown
                    for name, value in zip(face.names, face.shown, strict=True)
                }
                names, values = tuple(merged), np.array(list(merged.values()), np.float32)
            subject.skeleton = self._named(place, subject.skeleton, names)
            subject.curves = values

    def _named(self, place: int, skeleton: Skeleton, names: tuple[str, ...]) -> Skeleton:
        """The skeleton with these curve names: the same object for as long as nothing changes."""
        known = self._skeletons.get(place)
        if known is not None and known[1] == names and skeleton in (known[0], known[2]):
            return known[2]
        bare = known[0] if known is not None and skeleton is known[2] else skeleton
        named = replace(bare, curve_names=names)
        self._skeletons[place] = bare, names, named
        return named
