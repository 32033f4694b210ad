"""How fast BVH files are read: against the field, and against the motion's own time."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.takes import bvh
from understudy.runtime.takes.clip import Clip

from .figure import Figure

FOLDERS = ("cmu", "cmu_dance", "cc_rig")
TIMES_FASTER = 3.0
TIMES_REAL_TIME = 100.0


def measure(quick: bool) -> list[Figure]:
    """Reading speed on the mocap folders beside the checkout; on made-up takes where none are."""
    mocap = Path(__file__).resolve().parents[3] / "shared" / "mocap"
    if mocap.is_dir():
        groups = {name: sorted((mocap / name).glob("*.bvh")) for name in FOLDERS}
        return _figures({name: paths for name, paths in groups.items() if paths}, quick)
    with TemporaryDirectory() as folder:
        return _figures({"made up": made_up(Path(folder), 4 if quick else 12)}, quick)


def _figures(groups: dict[str, list[Path]], quick: bool) -> list[Figure]:
    figures = []
    shared: dict[str, list[Path]] = {}
    for name, paths in groups.items():
        some = paths[:: max(1, len(paths) // 4)][:4] if quick else paths
        shared[name] = some[:4]
        seconds, clips = timed(bvh.read, some)
        motion_s = sum(clip.duration_s for clip in clips)
        frames = sum(len(clip) for clip in clips)
        conditions = f"{len(some)} files, {len(clips[0].skeleton)} joints, one core"
        figures += [
            Figure(f"BVH reading, {name}", frames / seconds, "frames/s", "", None, conditions),
            Figure(
                f"BVH reading, {name}",
                motion_s / seconds,
                "x real time",
                f"> {TIMES_REAL_TIME:g}",
                motion_s / seconds > TIMES_REAL_TIME,
                conditions,
            ),
        ]
    for package in PEERS:
        # Skeletons of many joints and of few are apart: one ratio for all would hide the worse.
        figures += [_against(package, name, some) for name, some in shared.items()]
    return figures


def _pymotion(path: Path) -> Any:
    from pymotion.io.bvh import BVH  # type: ignore[import-untyped]

    reader = BVH()
    reader.load(str(path))
    return reader.get_data()


def _pybvh(path: Path) -> Any:
    from pybvh import read_bvh_file  # type: ignore[import-untyped]

    return read_bvh_file(path)


def _pybvh_quat(path: Path) -> Any:
    return _pybvh(path).to_quat()


# package -> reader, what it gives, how many times as fast we mean to be. Ours gives quaternions and
# positions in metres, and checks every line; so the peer that gives the same is the one to beat.
PEERS: dict[str, tuple[Callable[[Path], Any], str, float | None]] = {
    "upc-pymotion": (_pymotion, "quaternions and positions, as ours", TIMES_FASTER),
    "pybvh, to_quat": (_pybvh_quat, "quaternions, nothing checked or guessed", None),
    "pybvh": (_pybvh, "Euler angles only, no quaternions yet", None),
}


def _against(peer: str, group: str, paths: list[Path]) -> Figure:
    read, gives, target = PEERS[peer]
    package = peer.split(",")[0]
    name = f"BVH reading against {peer}, {group}"
    try:
        for each in (bvh.read, read):  # what is loaded at the first call is no reading speed
            timed(each, paths[:1])
    except ImportError:
        skipped = f"not measured: {package} is not installed (pip install {package})"
        return Figure(name, 0.0, "times as fast", "", None, skipped)
    ours_s, clips = timed(bvh.read, paths)
    theirs_s, _ = timed(read, paths)
    frames = sum(len(clip) for clip in clips)
    ratio = theirs_s / ours_s
    return Figure(
        name,
        ratio,
        "times as fast",
        "" if target is None else f"> {target:g}",
        None if target is None else ratio > target,
        f"{len(paths)} files in one run, {frames / ours_s:,.0f} frames/s against "
        f"{frames / theirs_s:,.0f} of version {version(package)}, which gives {gives}",
    )


def timed(read: Callable[[Path], Any], paths: list[Path]) -> tuple[float, list[Any]]:
    """Seconds of this process's own time for reading all paths, and what was read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.process_time()
        read_files = [read(path) for path in paths]
        return time.process_time() - start, read_files


def made_up(folder: Path, count: int) -> list[Path]:
    """Takes of ten seconds at 120 Hz."""
    paths = []
    for n in range(count):
        rng = np.random.default_rng(n)
        steps = rng.normal(scale=0.02, size=(1200, len(PERFORMER), 3))
        positions = np.repeat(PERFORMER.rest_positions[None], 1200, axis=0)
        rotations = rotation.from_rotation_vector(np.cumsum(steps, axis=0))
        paths.append(folder / f"take{n}.bvh")
        bvh.write(paths[-1], Clip(PERFORMER, positions, rotations, 1 / 120))
    return paths
