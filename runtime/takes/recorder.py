"""Recording: a pose a tick for each subject, a file for each when the take ends."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import Failure, UnderstudyError
from understudy.runtime.core.pose import Pose, Subject
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

from . import bvh
from .clip import Clip
from .exporters import exporter

# A fresh block is a fraction of a millisecond; growing one array would copy minutes inside a tick.
CHUNK_FRAMES = 600


class _Track:
    """The poses of one subject on one skeleton."""

    def __init__(self, skeleton: Skeleton) -> None:
        self.skeleton = skeleton
        self.count = 0
        self._chunks: list[tuple[Array, Array]] = []

    def add(self, pose: Pose) -> None:
        row = self.count % CHUNK_FRAMES
        if row == 0:
            joints = len(self.skeleton)
            self._chunks.append(
                (np.empty((CHUNK_FRAMES, joints, 3)), np.empty((CHUNK_FRAMES, joints, 4)))
            )
        positions, rotations = self._chunks[-1]
        positions[row], rotations[row] = pose.positions, pose.rotations
        self.count += 1

    def arrays(self) -> tuple[Array, Array]:
        """Positions (T, J, 3) and rotations (T, J, 4)."""
        positions = np.concatenate([p for p, _ in self._chunks])[: self.count]
        rotations = np.concatenate([r for _, r in self._chunks])[: self.count]
        return positions, rotations


class Recorder:
    """Collects a take; `close` writes it, whole files only, and gives their paths.

    Its suffix says which exporter writes it. One subject goes to `path`, several to path-NAME with
    that suffix. A pose that is not finite is replaced by
    the one before it and counted in `repaired`.
    """

    def __init__(self, path: Path | str, rate_hz: float) -> None:
        self.path, self.rate_hz = Path(path), rate_hz
        self._exporter = exporter(self.path)
        self.repaired = 0
        self.troubles: list[str] = []
        self._tracks: dict[tuple[str, int], _Track] = {}
        self._written: list[Path] | None = None

    def add(self, subjects: Iterable[Subject]) -> None:
        """Takes this tick's pose of every subject."""
        for subject in subjects:
            key = (subject.name, id(subject.skeleton))
            track = self._tracks.get(key)
            if track is None:
                track = self._tracks[key] = _Track(subject.skeleton)
            track.add(subject.pose)

    @property
    def frames(self) -> int:
        """Frames of the longest track."""
        return max((track.count for track in self._tracks.values()), default=0)

    def close(self) -> list[Path]:
        """Writes the files and gives their paths; none for a take without a frame."""
        if self._written is None:
            written: list[Path] = []
            paths = self._paths()
            for path, ((name, _), track) in zip(paths, self._tracks.items(), strict=True):
                positions, rotations = self._whole(*track.arrays())
                clip = Clip(track.skeleton, positions, rotations, 1.0 / self.rate_hz, name)
                written.append(self._write(path, clip))
            self._written = written
            if self.troubles:
                raise Failure(" ".join(self.troubles))
        return self._written

    def _write(self, path: Path, clip: Clip) -> Path:
        """Writes one file; a fault in an exporter of another package costs no take."""
        try:
            self._exporter.write(path, clip)
            return path
        except (UnderstudyError, OSError):
            raise
        except Exception as error:
            spare = path.with_name(f"{path.name}.bvh")
            bvh.write(spare, clip)
            self.troubles.append(
                f"{path} was not written: its exporter has a fault ({type(error).__name__}: "
                f"{error}); the take is in {spare}."
            )
            return spare

    def _paths(self) -> list[Path]:
        if len(self._tracks) <= 1:
            return [self.path] * len(self._tracks)
        paths: list[Path] = []
        for name, _ in self._tracks:
            plain = re.sub(r"[^\w.\-]+", "_", name) or "subject"
            path, number = self.path.with_name(f"{self.path.stem}-{plain}{self.path.suffix}"), 1
            while path in paths:
                number += 1
                path = self.path.with_name(f"{self.path.stem}-{plain}-{number}{self.path.suffix}")
            paths.append(path)
        return paths

    def _whole(self, positions: Array, rotations: Array) -> tuple[Array, Array]:
        """The arrays with frames that are not finite replaced by the last that was."""
        good = np.asarray(
            np.isfinite(positions).all(axis=(1, 2)) & np.isfinite(rotations).all(axis=(1, 2))
        )
        if good.all():
            return positions, rotations
        self.repaired += int(np.count_nonzero(~good))
        if not good.any():
            return np.zeros_like(positions), rotation.identity(rotations.shape[:-1])
        source = np.maximum.accumulate(np.where(good, np.arange(len(good)), 0))
        source[: int(np.argmax(good))] = int(np.argmax(good))
        return positions[source], rotations[source]

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
