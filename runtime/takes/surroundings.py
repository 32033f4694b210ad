"""What a scene file holds beside a body's bones: its face, cameras and props, frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.pose import Camera, Prop
from understudy.runtime.core.rotation import Array

# A stage shows no more of each; a film set as a file has thousands of nodes that move.
MOST_THINGS = 64
MOST_CURVES = 1024
# Of a camera that does not say: full frame.
SENSOR_MM = (36.0, 24.0)


@dataclass(frozen=True, eq=False)
class Placed:
    """A camera or a prop in the world: positions (T, 3), rotations (T, 4).

    lens  (T, 5) of a camera: focal length, sensor's width and height (mm), focus (m), iris; 0
          where nobody knows. None of a prop
    """

    name: str
    positions: Array
    rotations: Array
    lens: Array | None = None


@dataclass(frozen=True, eq=False)
class Surroundings:
    """curves (T, K) of the body's face, by name, and what stands around it."""

    names: tuple[str, ...]
    curves: Array
    things: tuple[Placed, ...] = ()

    def cut(self, part: slice) -> Surroundings:
        """Those frames."""
        things = (
            replace(
                one, positions=one.positions[part], rotations=one.rotations[part],
                lens=None if one.lens is None else one.lens[part],
            )
            for one in self.things
        )  # fmt: skip
        return Surroundings(self.names, self.curves[part], tuple(things))

    def placed(self, turn: Array, unit_m: float) -> Surroundings:
        """Turned about the world's origin, and in metres."""
        things = []
        for one in self.things:
            lens = one.lens
            if lens is not None:
                lens = lens * (1.0, 1.0, 1.0, unit_m, 1.0)
            positions = rotation.rotate(turn, one.positions * unit_m)
            turned = rotation.normalize(rotation.multiply(turn, one.rotations))
            things.append(Placed(one.name, positions, turned, lens))
        return replace(self, things=tuple(things))

    def lifted(self, by_m: float) -> Surroundings:
        """With everything so much higher."""
        up = np.array((0.0, by_m, 0.0))
        things = (replace(one, positions=one.positions + up) for one in self.things)
        return replace(self, things=tuple(things))

    def at(self, frame: int, share: float) -> tuple[Array, list[Camera], list[Prop]]:
        """The curves (K,), cameras and props at a share of the way, 0 to 1, to the next frame."""
        after = min(frame + 1, len(self.curves) - 1) if share else frame

        def between(values: Array) -> Array:
            return (
                values[frame] if not share else (1 - share) * values[frame] + share * values[after]
            )

        cameras, props = [], []
        for one in self.things:
            turn = one.rotations[frame]
            if share:
                turn = rotation.slerp(turn, one.rotations[after], np.float64(share))
            at = between(one.positions), turn
            if one.lens is None:
                props.append(Prop(one.name, *at))
                continue
            focal, wide, high, focus, iris = between(one.lens).tolist()
            cameras.append(Camera(one.name, *at, focal, (wide, high), focus, iris))
        return between(self.curves).astype(np.float32), cameras, props

    @property
    def note(self) -> str:
        """What there is, in a sentence."""
        said = [f"a face of {len(self.names)} curves"] if self.names else []
        for what, lens in (("camera", True), ("prop", False)):
            found = [one.name for one in self.things if (one.lens is not None) == lens]
            if found:
                shown = ", ".join(found[:4]) + (" ..." if len(found) > 4 else "")
                said.append(f"{len(found)} {what}{'s' * (len(found) > 1)} ({shown})")
        return f"With it come {', '.join(said)}; scene=0 leaves them out." if said else ""


def of(
    count: int, faces: Sequence[tuple[str, Array]], things: Sequence[Placed]
) -> tuple[Surroundings | None, list[str]]:
    """The surroundings of so many frames, None where there are none; and what is to be said.

    faces  curves by name, each (T,); of those with the same name the first counts
    """
    notes, curves = [], dict(reversed(list(faces)))
    curves = {name: curves[name] for name, _ in faces}
    if len(curves) > MOST_CURVES:
        notes.append(f"Its face has {len(curves):,} curves; the first {MOST_CURVES:,} are played.")
        curves = dict(list(curves.items())[:MOST_CURVES])
    kept: list[Placed] = []
    for what, lens in (("cameras", True), ("props", False)):
        found = [one for one in things if (one.lens is not None) == lens]
        if len(found) > MOST_THINGS:
            notes.append(f"It has {len(found):,} {what}; the first {MOST_THINGS} are played.")
        kept += _named_apart(found[:MOST_THINGS])
    if not (curves or kept):
        return None, notes
    values = np.stack(list(curves.values()), axis=1) if curves else np.zeros((count, 0))
    return Surroundings(tuple(curves), values, tuple(kept)), notes


def _named_apart(things: Sequence[Placed]) -> list[Placed]:
    taken: set[str] = set()
    out = []
    for one in things:
        name, number = one.name, 1
        while name in taken:
            number += 1
            name = f"{one.name}-{number}"
        taken.add(name)
        out.append(replace(one, name=name))
    return out
