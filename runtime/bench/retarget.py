"""`understudy bench retarget`: motion onto characters and back, beside what other tools do.

Beside it are rotations copied by role, and with --blender constraints in Blender.

For each clip and each character: how high planted soles stand over the floor, how far planted feet
slide beside the actor's, how near palms come that were near to each other and how near the surfaces
of hands and head that touched, and what is left of the motion when it is carried back: beside the
clip itself, and beside what of it a body can carry that lacks some of its joints.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from understudy.runtime.characters.gltf_document import has_mesh
from understudy.runtime.characters.loading import load
from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.roles import roles
from understudy.runtime.core.rotation import Array
from understudy.runtime.retarget import profile as profiles
from understudy.runtime.retarget.fitting import Figure, Fitting
from understudy.runtime.retarget.retarget import Retarget
from understudy.runtime.stage import figures
from understudy.runtime.takes import motion_file
from understudy.runtime.takes.carrying import carried
from understudy.runtime.takes.clip import Clip, without_tpose

from . import blender_way
from .touches import Surfaces, moments

SECONDS = 20.0
# A foot of the actor's that is slower, and lower than 30 % of its own heights, stands.
STANDS_MPS = 0.25
# Palms of the actor's whose middles are nearer to each other are near, of a person's hands.
TOUCH_M = 0.10
STATURE_M, LEG_SHARE = 1.7, 0.49
MANY = 32


def arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("motions", type=Path, nargs="+", metavar="FILE|DIR", help="motion files of humanoids")
    add(
        "--to",
        type=Path,
        action="append",
        required=True,
        metavar="CHARACTER",
        help="a character, a profile, or a motion file whose skeleton is meant; may be given again",
    )
    add("--verbose", action="store_true", help="clip by clip")
    add("--blender", action="store_true", help="also as it is done in Blender, which runs it")


def run(args: argparse.Namespace) -> int:
    clips = list(_clips(args.motions, 3 if args.quick else 0))
    if not clips:
        raise UnderstudyError("None of these is a motion file of a humanoid.")
    for to in args.to:
        figure = figures.load(to)
        file, _ = profiles.file_of(to)
        surfaces = Surfaces(load(file)) if has_mesh(file) else None
        ways: dict[str, Onto] = {"fitted": _fitted, "copied": _copied}
        if args.blender:
            blender_way.ready()
            ways["blender"] = blender_way.onto
        rows: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
        for clip in clips:
            for way, onto in ways.items():
                try:
                    row = measure(clip, figure, onto, surfaces)
                except UnderstudyError as error:
                    print(f"understudy bench retarget: {clip.name}: {error}", file=sys.stderr)
                    break
                rows[way].append(row)
                if args.verbose and not args.json:
                    print(f"{clip.name:<20} {way:<7} {words(row)}", flush=True)
        cost = costs(clips[0], figure)
        for way, found in rows.items():
            mean = mean_of(found)
            if args.json:
                told = {"to": figure.skeleton.character, "way": way, "clips": len(found), **mean}
                print(json.dumps({**told, **(cost if way == "fitted" else {})}))
            else:
                print(f"{figure.skeleton.character:<24} {way:<7} {words(mean)}")
        if not args.json:
            print(f"{'':<24} one {cost['one_ms']:.2f} ms, each further {cost['further_ms']:.3f} ms")
    return 0


def _clips(paths: list[Path], most: int) -> list[Clip]:
    found: list[Clip] = []
    for path in paths:
        files = sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
        for file in files:
            if most and len(found) >= most:
                break
            try:
                clip = without_tpose(motion_file.read(file))
                found.append(clip.cut(0, round(SECONDS * clip.rate_hz)))
            except UnderstudyError as error:
                if not path.is_dir():
                    raise
                print(f"understudy bench retarget: {error}", file=sys.stderr)
    return found


Onto = Callable[..., Clip]


def _fitted(clip: Clip, figure: Figure, worn: Figure | None = None) -> Clip:
    """worn: the character whose motion the clip is, where its mesh is known."""
    return carried(clip, figure, None, worn.floor_m if worn is not None else None)


def _copied(clip: Clip, figure: Figure) -> Clip:
    """What most tools do: each role's own turn from the rest pose, and the hips' way, scaled."""
    source, target = clip.skeleton, figure.skeleton
    theirs, ours = roles(source), roles(target)
    count = len(clip)
    rotations = np.repeat(target.rest_rotations[None], count, axis=0)
    positions = np.repeat(target.rest_positions[None], count, axis=0)
    frame_s, frame_t = source.rest_globals[1], target.rest_globals[1]
    for role, joint in ours.items():
        if role not in theirs:
            continue
        mate = theirs[role]
        rest = source.rest_rotations[mate]
        own = rotation.multiply(rotation.conjugate(rest), clip.rotations[:, mate])
        # In the world's axes at rest, and into those of the target's joint.
        world = rotation.multiply(
            rotation.multiply(frame_s[mate], own), rotation.conjugate(frame_s[mate])
        )
        turn = rotation.multiply(
            rotation.multiply(rotation.conjugate(frame_t[joint]), world), frame_t[joint]
        )
        rotations[:, joint] = rotation.multiply(target.rest_rotations[joint], turn)
    scale = _leg_m(target.rest_globals[0], ours) / _leg_m(source.rest_globals[0], theirs)
    world_p = source.globals(clip.positions, clip.rotations)[0]
    hips = ours["hips"]
    above = target.globals(positions, rotations)
    wanted = world_p[:, theirs["hips"]] * scale
    parent = int(target.parents[hips])
    if parent < 0:
        positions[:, hips] = wanted
    else:
        back = rotation.conjugate(above[1][:, parent])
        positions[:, hips] = rotation.rotate(back, wanted - above[0][:, parent])
    return Clip(target, positions, rotations, clip.frame_time_s, target.character)


def _leg_m(world_p: Array, role: dict[str, int]) -> float:
    return float(world_p[role["hips"], 1] - world_p[role["left_foot"], 1])


def measure(
    clip: Clip, figure: Figure, onto: Onto, surfaces: Surfaces | None = None
) -> dict[str, float]:
    """What became of a clip on a character; lengths at a stature of 1.7 m, NaN where none is."""
    shown = onto(clip, figure)
    source, target = clip.skeleton, figure.skeleton
    there = source.globals(clip.positions, clip.rotations)[0]
    here = target.globals(shown.positions, shown.rotations)[0]
    size_s, size_t = _stature(there, source), _stature(here, target)
    own, fitting = Fitting(target, figure), Fitting(source, figure)
    actor = Fitting(source, Figure(source))
    theirs_p = actor.soles(clip.positions, clip.rotations)
    ours_p = own.soles(shown.positions, shown.rotations)
    floor: list[float] = []
    slid, actor_slid = [], []
    for foot in range(min(theirs_p.shape[1], ours_p.shape[1])):
        # The balls of both: a joint in a thick sole moves over a foot that rocks and stands.
        a, b = theirs_p[:, foot, 1], ours_p[:, foot, 1]
        flat = np.linalg.norm(np.diff(a[:, [0, 2]], axis=0), axis=-1) * clip.rate_hz * size_s
        stands = (flat < STANDS_MPS) & (a[1:, 1] < np.percentile(a[:, 1], 30))
        lowest = ours_p[1:, foot, :, 1].min(-1)[stands]
        floor += (np.abs(lowest) * size_t).tolist()
        actor_slid += flat[stands].tolist()
        moved = np.linalg.norm(np.diff(b[:, [0, 2]], axis=0), axis=-1) * clip.rate_hz * size_t
        slid += moved[stands].tolist()
    # Hands are compared in their own size: one that holds a wrist holds it at the same place.
    apart_s = _apart(actor.palms(clip.positions, clip.rotations)) / actor.hands_size
    apart_t = _apart(own.palms(shown.positions, shown.rotations)) / actor.hands_size
    apart_t = apart_t / fitting.hands_ratio
    touching = apart_s < TOUCH_M
    back_deg, back_mm, carried_mm = _back(clip, shown, onto, figure)
    unknown = float("nan")
    slide = float(np.mean(slid)) / max(float(np.mean(actor_slid)), 1e-6) if slid else unknown
    off = np.abs(apart_t - apart_s)[touching]
    return {
        "floor_mm": 1000.0 * float(np.mean(floor)) if floor else unknown,
        "slide": slide,
        "hands_mm": 1000.0 * float(off.mean()) if len(off) else unknown,
        "touch_mm": _touch_mm(clip, shown, surfaces),
        "back_deg": back_deg,
        "back_mm": back_mm,
        "carried_mm": carried_mm,
    }


def _touch_mm(clip: Clip, shown: Clip, surfaces: Surfaces | None) -> float:
    """How far apart hands are, or hand and head, of which the actor's touched: 95 % are nearer."""
    if surfaces is None:
        return float("nan")
    first = len(clip) - len(shown)
    found = [
        surfaces.apart_m(one, other, shown.positions[at - first], shown.rotations[at - first])
        for one, other, at in moments(clip)
        if at >= first
    ]
    known = [far for far in found if far == far]
    return 1000.0 * float(np.percentile(known, 95)) if known else float("nan")


def _back(clip: Clip, shown: Clip, onto: Onto, figure: Figure) -> tuple[float, float, float]:
    """Mean degrees and millimetres of the joints with a role when a clip is carried back.

    The last are millimetres beside what the figure's joints can say of the clip.
    """
    source = clip.skeleton
    again = (
        _fitted(shown, Figure(source), figure) if onto is _fitted else onto(shown, Figure(source))
    )
    shared = sorted(
        joint for name, joint in roles(source).items() if name in roles(figure.skeleton)
    )
    one_p, one_r = source.globals(clip.positions, clip.rotations)
    two_p, two_r = source.globals(again.positions, again.rotations)
    hips = roles(source)["hips"]
    lift = np.mean(two_p[:, hips] - one_p[:, hips], axis=0)  # levelled anew
    turned = np.degrees(rotation.angle_between(two_r, one_r))[:, shared]
    said_p = _sayable(clip, figure)
    mm = [
        1000.0 * _stature(one_p, source)
        * float(np.linalg.norm(two_p - lift - beside, axis=-1)[:, shared].mean())
        for beside in (one_p, said_p)
    ]  # fmt: skip
    return float(turned.mean()), mm[0], mm[1]


def _sayable(clip: Clip, figure: Figure) -> Array:
    """(T, J, 3) where a clip's joints are if those whose role the figure lacks follow the others.

    Without a neck nobody can say how it bends, nor without collarbones how they rise.
    """
    source, his = clip.skeleton, roles(figure.skeleton)
    known = {name: joint for name, joint in roles(source).items() if name in his}
    way = Retarget(replace(source, given_roles=known), source)
    return source.globals(*way.apply(clip.positions, clip.rotations))[0]


def _stature(world_p: Array, skeleton: object) -> float:
    """What a length of this body is multiplied by to be one of a body of 1.7 m."""
    role = roles(skeleton)  # type: ignore[arg-type]
    leg = np.linalg.norm(world_p[0, role["left_upper_leg"]] - world_p[0, role["left_lower_leg"]])
    leg += np.linalg.norm(world_p[0, role["left_lower_leg"]] - world_p[0, role["left_foot"]])
    return float(LEG_SHARE * STATURE_M / leg)


def _apart(palms: Array) -> Array:
    """(T,) between the palms (T, 2, 3)."""
    return np.asarray(np.linalg.norm(palms[:, 0] - palms[:, 1], axis=-1))


def costs(clip: Clip, figure: Figure) -> dict[str, float]:
    """Milliseconds of this thread for one body, and for each further of a batch: the least."""
    fitting = Fitting(clip.skeleton, figure)
    found = {}
    for count in (1, MANY):
        positions = np.repeat(clip.positions[:1], count, axis=0)
        rotations = np.repeat(clip.rotations[:1], count, axis=0)
        best = np.inf
        for _ in range(200):
            begun_ns = time.thread_time_ns()
            fitting.apply(positions, rotations)
            best = min(best, time.thread_time_ns() - begun_ns)
        found[count] = best * 1e-6
    return {"one_ms": found[1], "further_ms": (found[MANY] - found[1]) / (MANY - 1)}


def mean_of(rows: list[dict[str, float]]) -> dict[str, float]:
    """The mean over clips of what each could be measured for."""
    if not rows:
        return {}
    with np.errstate(invalid="ignore"):
        return {
            key: float(np.mean(known)) if (known := [r[key] for r in rows if r[key] == r[key]])
            else float("nan")
            for key in rows[0]
        }  # fmt: skip


def words(row: dict[str, float]) -> str:
    if not row:
        return "nothing could be measured"
    return (
        f"soles {row['floor_mm']:5.1f} mm off the floor, slide {row['slide']:.2f} of the actor's, "
        f"palms {row['hands_mm']:5.1f} mm, skin {row['touch_mm']:.1f} mm, "
        f"back {row['back_deg']:.2f} deg {row['back_mm']:.1f} mm, "
        f"of what it can carry {row['carried_mm']:.1f} mm"
    )
