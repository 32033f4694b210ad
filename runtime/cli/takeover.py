"""`understudy takeover`: a file with holes, filled as a live stage would have filled them."""

from __future__ import annotations

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from understudy.runtime.core.progress import loading
from understudy.runtime.core.silence import THEN

from .file_options import add_file_options, decided

if TYPE_CHECKING:
    import numpy as np

    from understudy.runtime.core.floor import Floor
    from understudy.runtime.performer.takeover.offline import OfflineOutput
    from understudy.runtime.sources.files.dropout import Drop
    from understudy.runtime.takes.clip import Clip

SUMMARY = "drop parts of a BVH file and let the understudy fill them, as if it were live"
EXAMPLES = """understudy takeover in.bvh out.bvh --drop 2.0-2.5
understudy takeover in.bvh out.bvh --drop 4.0-4.5:LeftArm,LeftForeArm,LeftHand --json
understudy takeover in.bvh out.bvh --jitter 0.1"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", type=Path, metavar="IN.bvh", help="motion of any humanoid")
    parser.add_argument("out", type=Path, metavar="OUT.bvh", help="what the stage would have shown")
    parser.add_argument(
        "--drop",
        action="append",
        default=[],
        metavar="START-STOP[:JOINT,...]",
        help="seconds in which the whole body, or these joints alone, are missing (repeatable); "
        "joints by the file's names or by the performer's, such as LeftArm",
    )
    parser.add_argument(
        "--stop-after",
        type=float,
        default=2.0,
        metavar="S",
        help="after so many seconds without a body, come to a stop and stand (%(default)s)",
    )
    parser.add_argument(
        "--then",
        choices=THEN,
        default="stand",
        help="and then: stand, idle, sit or exit, off the stage (%(default)s)",
    )
    parser.add_argument(
        "--jitter",
        type=float,
        default=0.0,
        metavar="S",
        help="packets come up to so many seconds late, out of order and in bursts",
    )
    parser.add_argument(
        "--floor", type=Path, metavar="FILE.toml", help="the steps, ramps and blocks it goes over"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the jitter (%(default)s)")
    parser.add_argument("--json", action="store_true", help="what came of it, as one JSON object")
    parser.add_argument("--weights", type=Path, metavar="ONNX", help="another network")
    add_file_options(parser)


def run(args: argparse.Namespace) -> int:
    import json

    import msgspec

    from understudy.runtime.core import floor as floors
    from understudy.runtime.sources.files.dropout import parse_drop
    from understudy.runtime.takes import bvh
    from understudy.runtime.takes.inspection import of_clip

    drops = [parse_drop(text) for text in args.drop]
    _check_paths(args.source, args.out)
    with loading(args.source) as bar:
        clip = bvh.read(args.source, progress=bar("reading"), **decided(args))
    about = of_clip(clip)
    if not args.json:
        for note in clip.notes:
            print(note)
    seen = lost(clip, drops, args.jitter)
    clip = causal_rest(clip, seen)
    ground = floors.read(args.floor) if args.floor is not None else None
    shown, stream = play(
        *(clip, seen, args.stop_after, args.jitter, args.seed, args.weights, args.then, ground)
    )
    bvh.write(args.out, written(clip, shown))
    report = {
        "in": str(args.source),
        "out": str(args.out),
        "frames": len(clip),
        "rate_hz": clip.rate_hz,
        "joints": len(clip.skeleton),
        "file": msgspec.to_builtins(about),
        "source_frames": int(shown.live().sum()),
        "drops": [_about_drop(clip, shown, drop, drops) for drop in drops],
    }
    if args.jitter:
        report["jitter"] = _about_jitter(clip, shown, stream, args)
    if args.json:
        print(json.dumps(report))
    else:
        _print(report)
    return 0


def _check_paths(source: Path, out: Path) -> None:
    from understudy.runtime.core.errors import UnderstudyError

    if not out.parent.is_dir():
        raise UnderstudyError(f"There is no folder {out.parent} to write {out.name} into; make it.")
    if out.is_dir():
        raise UnderstudyError(f"{out} is a folder; give the file to write a name.")
    if source.exists() and out.exists() and source.samefile(out):
        raise UnderstudyError(f"{out} is the input itself; give the output another name.")


def lost(clip: Clip, drops: list[Drop], jitter_s: float) -> np.ndarray:
    """(T, J) bool, what is left of a clip; one sentence for windows that mean nothing."""
    import numpy as np

    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.core.humanoid import joint

    if not drops and not jitter_s:
        raise UnderstudyError("Nothing is dropped; give --drop START-STOP or --jitter SECONDS.")
    times = np.arange(len(clip)) / clip.rate_hz
    seen = np.ones((len(clip), len(clip.skeleton)), bool)
    for drop in drops:
        if drop.start_s >= clip.duration_s:
            raise UnderstudyError(
                f"--drop {drop} begins after the end of {clip.name}, which is "
                f"{clip.duration_s:.3f} s long."
            )
        frames = np.flatnonzero([drop.covers(t) for t in times])
        if not len(frames):
            raise UnderstudyError(
                f"--drop {drop} covers no frame; one lasts {clip.frame_time_s:.4f} s."
            )
        if frames[0] == 0:
            raise UnderstudyError(
                f"--drop {drop} leaves no frame before it to go on from; begin it at "
                f"{clip.frame_time_s:.4f} s or later."
            )
        taken = np.ix_(frames, drop.mask(len(clip.skeleton), partial(joint, clip.skeleton)))
        if not seen[taken].all():
            raise UnderstudyError(
                f"--drop {drop} overlaps another one; a joint can be lost only once at a time."
            )
        seen[taken] = False
    return seen


def causal_rest(clip: Clip, seen: np.ndarray) -> Clip:
    """The clip, with no rest pose that was told from frames after the first loss.

    A live skeleton comes with its rest pose; a file whose zero pose does not stand has none, and
    reading takes it from the whole clip.
    """
    import numpy as np

    from understudy.runtime.retarget.rest import rest_of_motion, stood, straightened

    averaged = any("average bearing" in note for note in clip.notes)
    if not averaged and not any("that pose straightened" in note for note in clip.notes):
        return clip
    whole = seen.all(axis=1)
    first = int(np.argmin(whole)) if not whole.all() else len(clip)
    part = slice(0, max(first, 1))
    zero = replace(clip.skeleton, rest_rotations=stood(clip.skeleton, clip.placement.turn))
    if averaged:
        rest = rest_of_motion(zero, clip.positions[part], clip.rotations[part])
    else:
        rest = straightened(zero, clip.rotations[part])
    return replace(clip, skeleton=replace(clip.skeleton, rest_rotations=rest))


def play(
    clip: Clip,
    seen: np.ndarray,
    stop_after_s: float,
    jitter_s: float = 0.0,
    seed: int = 0,
    weights: Path | None = None,
    then: str = "stand",
    floor: Floor | None = None,
) -> tuple[OfflineOutput, Any]:
    """What a stage at the clip's own rate shows of it, and the stream that it came by."""
    import numpy as np

    from understudy.runtime.performer.takeover.offline import OfflineInput, run_offline
    from understudy.runtime.performer.takeover.takeover import Takeover
    from understudy.runtime.retarget.retarget import t_pose_of_any
    from understudy.runtime.sources.files.dropout import Jitter

    t_pose_of_any(clip.skeleton)  # what is no humanoid is refused with its own sentence
    delays = None
    if jitter_s:
        jitter = Jitter(jitter_s, seed)
        delays = np.array([jitter.delay_s(k / clip.rate_hz) for k in range(len(clip))])
        delays[0] = 0.0  # a stage shows nobody before somebody has come
    with Takeover([clip.skeleton], stop_after_s, weights, then=then, floor=floor) as takeover:
        part = OfflineInput(clip.positions, clip.rotations, seen, delays)
        shown = run_offline(takeover, [part], clip.rate_hz)[0]
        return shown, takeover.bodies[0].stream


def written(clip: Clip, shown: OfflineOutput) -> Clip:
    """The clip as it was shown; channels of what is the source's own keep the file's values."""
    import numpy as np

    from understudy.runtime.core import rotation
    from understudy.runtime.takes.bvh_hierarchy import file_order
    from understudy.runtime.takes.clip import Raw

    raw = clip.raw
    assert raw is not None
    values = raw.values.copy()
    moved = (shown.positions != clip.positions).any(axis=-1)
    turned = (shown.rotations != clip.rotations).any(axis=-1)
    column = 0
    for j in file_order(clip.skeleton):
        names = clip.channels[j]
        spins = [n for n in names if n.endswith("rotation")]
        order = "".join(n[0] for n in spins)
        at = {name: column + k for k, name in enumerate(names)}
        column += len(names)
        q, p = shown.rotations[:, j], shown.positions[:, j]
        unit_m = clip.unit_m
        if j == 0:  # the file's world may be turned, scaled and far away
            p, unit_m = clip.placement.to_file(p, unit_m), 1.0
            q = rotation.multiply(rotation.conjugate(clip.placement.turn), q)
        for name in names:
            if name.endswith("position"):
                some = np.flatnonzero(moved[:, j])
                values[some, at[name]] = p[some, "XYZ".index(name[0])] / unit_m
        if len(set(order)) == 3 and len(spins) == 3:
            some = np.flatnonzero(turned[:, j])
            columns = [at[n] for n in spins]
            for k in some:
                values[k, columns] = _nearest(q[k], order, values[k - 1, columns])
    out = replace(clip, positions=shown.positions, rotations=shown.rotations)
    return replace(out, raw=Raw(values, raw.offsets, raw.tips, out.positions, out.rotations))


def _nearest(q: np.ndarray, order: str, before_deg: np.ndarray) -> np.ndarray:
    """(3,) degrees of a rotation (4,), of all that mean it those nearest to the frame before."""
    import numpy as np

    from understudy.runtime.core import rotation

    a, b, c = np.rad2deg(rotation.to_euler(q, order))
    best = None
    for triple in ((a, b, c), (a + 180.0, 180.0 - b, c + 180.0)):
        near = np.array(triple) - 360.0 * np.round((np.array(triple) - before_deg) / 360.0)
        if best is None or np.abs(near - before_deg).sum() < np.abs(best - before_deg).sum():
            best = near
    assert best is not None
    return best


def _about_drop(clip: Clip, shown: OfflineOutput, drop: Drop, drops: list[Drop]) -> dict[str, Any]:
    """What came of one window: errors, baselines, seams, trust, states."""
    import numpy as np

    from understudy.runtime.bench import gaps
    from understudy.runtime.core.humanoid import joint
    from understudy.runtime.core.pose import State
    from understudy.runtime.performer.takeover.transfer import Transfer
    from understudy.runtime.takes.clip import calibration_frames

    rate, skeleton = clip.rate_hz, clip.skeleton
    frames = np.flatnonzero([drop.covers(k / rate) for k in range(len(clip))])
    a, b = int(frames[0]), int(frames[-1]) + 1
    mask = drop.mask(len(skeleton), partial(joint, skeleton))
    hips, scale = Transfer(skeleton).hips, gaps.stature_scale(skeleton)
    truth = gaps.world(skeleton, clip.positions, clip.rotations)
    out = gaps.world(skeleton, shown.positions, shown.rotations)
    apart = (shown.rotations[b:, mask] != clip.rotations[b:, mask]).any(axis=(1, 2))
    apart |= (shown.positions[b:, mask] != clip.positions[b:, mask]).any(axis=(1, 2))
    until = [k for k in (round(d.start_s * rate) - b for d in drops) if k > 0]
    apart = apart[: min(until, default=len(apart))]
    back = int(np.flatnonzero(apart)[-1]) + 1 if apart.any() else 0
    baselines = {}
    for name, (p, q) in gaps.baselines(clip.positions, clip.rotations, a, b - a, rate).items():
        p = np.where(mask[:, None], p, clip.positions[a:b])
        q = np.where(mask[:, None], q, clip.rotations[a:b])
        guess = gaps.world(skeleton, p, q)
        baselines[name] = round(100 * scale * gaps.errors_m(truth[a:b], guess, hips)[0].mean(), 3)
    error = gaps.errors_m(truth[a:b], out[a:b], hips).mean(axis=1) * scale * 100
    states = [State(s).name for s in shown.states[a:b]]
    return {
        "start_s": a / rate,
        "stop_s": b / rate,
        "joints": list(drop.joints) or "all",
        "frames": b - a,
        "error_cm": round(float(error[0]), 3),
        "root_relative_cm": round(float(error[1]), 3),
        "baselines_cm": baselines,
        "expected_cm": round(float(shown.uncertainty_m[a:b].mean() * scale * 100), 3),
        "seam_ratio": round(
            gaps.seam_ratio(truth, out, [(a, b + back)], rate, calibration_frames(clip)), 3
        ),
        "handed_back_s": (b + back) / rate,
        "blend_s": back / rate,
        "states": {name: states.count(name) for name in dict.fromkeys(states)},
        "reason": shown.reasons[b - 1],
    }


def _about_jitter(
    clip: Clip, shown: OfflineOutput, stream: Any, args: argparse.Namespace
) -> dict[str, Any]:
    from understudy.runtime.bench import gaps
    from understudy.runtime.performer.takeover.transfer import Transfer
    from understudy.runtime.takes.clip import calibration_frames

    skeleton, rate = clip.skeleton, clip.rate_hz
    truth = gaps.world(skeleton, clip.positions, clip.rotations)
    out = gaps.world(skeleton, shown.positions, shown.rotations)
    error = gaps.errors_m(truth, out, Transfer(skeleton).hips)[0] * gaps.stature_scale(skeleton)
    # At first there is nothing to go on from.
    first = min(calibration_frames(clip) + round(0.25 * rate), len(clip) - 3)
    return {
        "most_s": args.jitter,
        "seed": args.seed,
        "out_of_order": stream.late,
        "too_late": stream.stale,
        "error_cm": round(float(error[first:].mean() * 100), 3),
        "worst_cm": round(float(error[first:].max() * 100), 3),
        "seam_ratio": round(gaps.seam_ratio(truth, out, [(first, len(clip))], rate, first), 3),
    }


def _print(report: dict[str, Any]) -> None:
    print(
        f"{report['out']}: {report['frames']} frames at {report['rate_hz']:g} Hz, "
        f"{report['source_frames']} of them the source's own"
    )
    for drop in report["drops"]:
        what = drop["joints"] if isinstance(drop["joints"], str) else ", ".join(drop["joints"])
        rest = ", ".join(f"{name} {value:.1f}" for name, value in drop["baselines_cm"].items())
        states = ", ".join(f"{name} {count}" for name, count in drop["states"].items())
        print(
            f"{drop['start_s']:.3f} to {drop['stop_s']:.3f} s, {what}:\n"
            f"  error {drop['error_cm']:.1f} cm (expected {drop['expected_cm']:.1f}), relative to "
            f"the root {drop['root_relative_cm']:.1f}; {rest}\n"
            f"  seams {drop['seam_ratio']:.2f} of the clip's accelerations; back to the source "
            f"{drop['blend_s']:.2f} s after\n"
            f"  frames {states}; {drop['reason']}"
        )
    if "jitter" in report:
        j = report["jitter"]
        print(
            f"packets up to {j['most_s']:g} s late: {j['out_of_order']} out of order, "
            f"{j['too_late']} too late; error {j['error_cm']:.2f} cm, at worst "
            f"{j['worst_cm']:.1f}; seams {j['seam_ratio']:.2f}"
        )
