"""Takeover on a folder of BVH: error in gaps against four baselines, seams, feet, trust.

Every clip goes through the very live path (`takeover.offline`), on its own skeleton, at its own
rate. Gaps begin every STEP_S from HISTORY_S on, further apart in long clips. A run is causal, so
the first quarter of a second of a gap is what a gap of a quarter of a second would have shown: each
beginning is run once, for the longest gap that fits.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from understudy.runtime.core import distribution
from understudy.runtime.core.errors import Failure, UnderstudyError
from understudy.runtime.core.files import writable
from understudy.runtime.core.humanoid import roles
from understudy.runtime.core.rotation import Array
from understudy.runtime.takes.clip import Clip

from . import gaps

GAPS_S = (0.25, 0.5, 1.0)
HISTORY_S = 0.5
WARM_S = 1.2  # of true motion before each gap, where the clip has it
STEP_S = 0.5
MOST_STARTS = 8
TAIL_S = 0.8  # after a gap: the hand-over
LIMB = ("upper_arm", "lower_arm", "hand")
LIMB_S = 0.5
FLICKER = 0.1  # share of frames that are lost
NEVER_S = float("inf")
ASKED = {0.25: (0.60, 0.70), 0.5: (0.40, 0.50), 1.0: (0.35, 0.50)}


@dataclass(slots=True)
class Result:
    """One clip: errors in metres by gap and method, world and root-relative, and the rest."""

    name: str
    errors: dict[float, dict[str, tuple[float, float]]] = field(default_factory=dict)
    trust: dict[float, float] = field(default_factory=dict)
    seam: float = np.nan
    slide: tuple[float, float] = (np.nan, np.nan)  # m/s in gaps and hand-overs, and in the clip
    limb: dict[str, float] = field(default_factory=dict)
    flicker: dict[str, float] = field(default_factory=dict)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="BVH files of humanoids")
    parser.add_argument("--gaps", default="0.25,0.5,1.0", help="seconds, by commas (%(default)s)")
    parser.add_argument("--rate", type=float, metavar="HZ", help="take every n-th frame only")
    parser.add_argument("--verbose", action="store_true", help="clip by clip")
    parser.add_argument("--only", default="", metavar="NAMES", help="clips, by commas")
    parser.add_argument("--plot", type=Path, metavar="PNG", help="error against the gap's length")
    parser.add_argument("--weights", type=Path, metavar="ONNX", help="another network")


def run(args: argparse.Namespace) -> int:
    lengths = _lengths(args.gaps)
    if args.plot:
        writable(args.plot)
    results, left_out = measure_folder(
        args.folder, lengths, args.rate, args.only, args.weights, args.quick, not args.json
    )
    for sentence in left_out:
        print(f"understudy bench takeover: {sentence}", file=sys.stderr)
    summary = summarize(results, lengths)
    if args.json:
        for result in results if args.verbose else []:
            print(json.dumps(_row(result)))
        print(json.dumps(summary))
    else:
        if args.verbose:
            _print_clips(results, lengths)
        _print_summary(summary)
    if args.plot:
        plot(summary, args.plot)
        if not args.json:
            print(f"{args.plot}")
    return 0


def _lengths(text: str) -> list[float]:
    try:
        lengths = sorted({float(word) for word in text.split(",")})
    except ValueError:
        lengths = []
    if not lengths or not all(0.0 < g <= 10.0 for g in lengths):
        raise UnderstudyError(f"--gaps {text!r} is no list of seconds; write --gaps 0.25,0.5,1.0.")
    return lengths


def measure_folder(
    folder: Path,
    lengths: list[float],
    rate_hz: float | None = None,
    only: str = "",
    weights: Path | None = None,
    quick: bool = False,
    progress: bool = False,
) -> tuple[list[Result], list[str]]:
    """The results of every humanoid clip of a folder, and a sentence for each that is left out."""
    from understudy.runtime.takes import bvh
    from understudy.runtime.takes.clip import without_tpose

    if not folder.is_dir():
        raise UnderstudyError(f"{folder} is no folder; give one that holds BVH files.")
    wanted = {name for name in only.split(",") if name}
    paths = [p for p in sorted(folder.glob("*.[bB][vV][hH]")) if not wanted or p.stem in wanted]
    if not paths:
        raise UnderstudyError(f"{folder} holds no BVH file{' of those names' if wanted else ''}.")
    results, left_out = [], []
    for at, path in enumerate(paths[:: max(1, len(paths) // 8)] if quick else paths):
        if progress:
            print(f"\r{at + 1} of {len(paths)}: {path.stem:<30}", end="", file=sys.stderr)
        try:
            clip = thinned(without_tpose(bvh.read(path)), rate_hz)
            if clip.duration_s < HISTORY_S + lengths[0] + 0.1:
                left_out.append(f"{path.name} is left out: {clip.duration_s:.2f} s are too short.")
                continue
            results.append(measure_clip(clip, lengths, weights))
        except UnderstudyError as error:
            left_out.append(f"{path.name} is left out: {error}")
    if progress:
        print("\r" + " " * 50 + "\r", end="", file=sys.stderr)
    if not results:
        raise UnderstudyError(f"{folder} holds no clip to measure: {' '.join(left_out[:1])}")
    return results, left_out


def thinned(clip: Clip, rate_hz: float | None) -> Clip:
    """Every n-th frame, so that about rate_hz is left."""
    if rate_hz is None or rate_hz >= clip.rate_hz:
        return clip
    from dataclasses import replace

    n = round(clip.rate_hz / rate_hz)
    return replace(
        clip,
        positions=clip.positions[::n],
        rotations=clip.rotations[::n],
        frame_time_s=n / clip.rate_hz,
        raw=None,
    )


def starts(clip: Clip, shortest_s: float) -> list[int]:
    """Frames at which gaps begin."""
    last_s = (len(clip) - 1) / clip.rate_hz - shortest_s
    count = int(np.clip((last_s - HISTORY_S) / STEP_S + 1, 1, MOST_STARTS))
    times = np.linspace(HISTORY_S, last_s, count) if count > 1 else [HISTORY_S]
    return [round(float(t) * clip.rate_hz) for t in times]


def measure_clip(clip: Clip, lengths: list[float], weights: Path | None = None) -> Result:
    """All gaps of one clip, each a subject of its own in one Takeover."""
    from understudy.runtime.performer.takeover.offline import OfflineInput, run_offline
    from understudy.runtime.performer.takeover.takeover import Takeover

    rate, skeleton, total = clip.rate_hz, clip.skeleton, len(clip)
    role = roles(skeleton)
    scale = gaps.stature_scale(skeleton)
    truth = gaps.world(skeleton, clip.positions, clip.rotations)
    everyone = np.zeros(len(skeleton), bool)
    limb = everyone.copy()
    limb[[role[f"left_{part}"] for part in LIMB if f"left_{part}" in role]] = True
    begin = starts(clip, lengths[0])
    spans = [(a, min(total, a + round(lengths[-1] * rate))) for a in begin]
    limb_spans = [(a, min(total, a + round(LIMB_S * rate))) for a in begin[::3]]
    parts, cuts = [], []

    def part(first: int, stop: int, lost: list[tuple[int, int]], joints: np.ndarray) -> None:
        first, stop = max(0, first), min(total, stop)
        seen = np.ones((stop - first, len(skeleton)), bool)
        for a, b in lost:
            seen[a - first : b - first, joints] = False
        parts.append(OfflineInput(clip.positions[first:stop], clip.rotations[first:stop], seen))
        cuts.append((first, stop))

    warm, tail = round(WARM_S * rate), round(TAIL_S * rate)
    for a, b in spans:
        part(a - warm, b + tail, [(a, b)], ~everyone)
    for a, b in limb_spans:
        part(a - warm, b + tail, [(a, b)], limb)
    rng = np.random.default_rng(0)
    flickers = np.flatnonzero(rng.uniform(size=total) < FLICKER)
    flickers = flickers[flickers > HISTORY_S * rate]
    part(0, total, [(int(k), int(k) + 1) for k in flickers], ~everyone)
    with Takeover([skeleton] * len(parts), stop_after_s=NEVER_S, weights=weights) as takeover:
        shown = run_offline(takeover, parts, rate)

    def world(k: int) -> Array:
        return gaps.world(skeleton, shown[k].positions, shown[k].rotations)

    result = Result(clip.name)
    _errors(result, clip, truth, shown, cuts, spans, lengths, scale)
    held = len(spans)
    push, slides = [], []
    ends = []
    for k, (a, b) in enumerate(spans):
        out, (first, _) = world(k), cuts[k]
        live = shown[k].live()
        after = np.flatnonzero(live[b - first :])
        ends.append(after[0] if len(after) else len(live) - (b - first))
        stop = b + ends[-1]
        push.append(gaps.accelerations(out, rate)[max(a - first - 2, 0) : stop - first])
        heels = gaps.feet(skeleton)
        slides.append(gaps.slide(truth, out, heels, rate)[a - first - 1 : stop - first])
    whole = np.percentile(gaps.accelerations(truth, rate), gaps.SEAM_PERCENTILE)
    result.seam = float(np.percentile(np.concatenate(push), gaps.SEAM_PERCENTILE) / whole)
    still = gaps.slide(truth, truth, gaps.feet(skeleton), rate)
    result.slide = (
        float(np.concatenate(slides).mean() * scale),
        float(still.mean() * scale),
    )
    moved = _below(skeleton.parents, limb)
    ours: list[float] = []
    rest: dict[str, list[float]] = {name: [] for name in gaps.BASELINES}
    for k, (a, b) in enumerate(limb_spans):
        if b - a < round(LIMB_S * rate):
            continue
        out = world(held + k)[a - cuts[held + k][0] : b - cuts[held + k][0]]
        ours.append(gaps.errors_m(truth[a:b], out, role["hips"], moved)[0].mean())
        for name, (_, q) in gaps.baselines(clip.positions, clip.rotations, a, b - a, rate).items():
            turned = np.where(limb[:, None], q, clip.rotations[a:b])
            guess = gaps.world(skeleton, clip.positions[a:b], turned)
            rest[name].append(gaps.errors_m(truth[a:b], guess, role["hips"], moved)[0].mean())
    if ours:
        result.limb = {"ours": float(np.mean(ours) * scale)} | {
            name: float(np.mean(values) * scale) for name, values in rest.items()
        }
    if len(flickers):
        out = world(len(parts) - 1)
        error = gaps.errors_m(truth, out, role["hips"])[0]
        pushed = gaps.accelerations(out, rate)
        result.flicker = {
            "ours": float(error[flickers].mean() * scale),
            "hold": float(
                gaps.errors_m(truth[flickers], truth[flickers - 1], role["hips"])[0].mean() * scale
            ),
            "seam": float(np.percentile(pushed, gaps.SEAM_PERCENTILE) / whole),
        }
    return result


def _errors(
    result: Result,
    clip: Clip,
    truth: Array,
    shown: list,
    cuts: list[tuple[int, int]],
    spans: list[tuple[int, int]],
    lengths: list[float],
    scale: float,
) -> None:
    """Fills in the errors and the trust of every gap."""
    rate, hips = clip.rate_hz, roles(clip.skeleton)["hips"]
    sums: dict[float, dict[str, list[Array]]] = {g: {} for g in lengths}
    trust: dict[float, list[float]] = {g: [] for g in lengths}
    for k, (a, b) in enumerate(spans):
        first = cuts[k][0]
        inside = slice(a - first, b - first)
        guesses = {"ours": (shown[k].positions[inside], shown[k].rotations[inside])}
        guesses |= gaps.baselines(clip.positions, clip.rotations, a, b - a, rate)
        for name, (p, q) in guesses.items():
            error = gaps.errors_m(truth[a:b], gaps.world(clip.skeleton, p, q), hips) * scale
            for g in lengths:
                frames = round(g * rate)
                if frames <= b - a:
                    sums[g].setdefault(name, []).append(error[:, :frames].mean(axis=1))
        for g in lengths:
            frames = round(g * rate)
            if frames <= b - a:
                trust[g].append(float(shown[k].uncertainty_m[inside][:frames].mean() * scale))
    for g, rows in sums.items():
        if rows:
            result.errors[g] = {
                name: tuple(np.mean(values, axis=0).tolist()) for name, values in rows.items()
            }
            result.trust[g] = float(np.mean(trust[g]))


def _below(parents: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """(J,) bool: joints whose place hangs on how the given joints (J,) turn."""
    out = np.zeros(len(parents), bool)
    for j in range(1, len(parents)):
        out[j] = joints[parents[j]] or out[parents[j]]
    return out


def summarize(results: list[Result], lengths: list[float]) -> dict:
    """Means and medians over clips."""
    table = []
    for g in lengths:
        having = [r for r in results if g in r.errors]
        if not having:
            continue
        for which, label in ((0, "world"), (1, "root-relative")):
            by = {
                name: np.array([r.errors[g][name][which] for r in having])
                for name in ("ours", *gaps.BASELINES)
            }
            best = min(gaps.BASELINES, key=lambda name: by[name].mean())
            row = {
                "gap_s": g,
                "error": label,
                "clips": len(having),
                "ours_m": float(by["ours"].mean()),
                "ours_median_m": float(np.median(by["ours"])),
                "best": best,
                "best_m": float(by[best].mean()),
                "best_median_m": float(np.median(by[best])),
                "ratio": float(by["ours"].mean() / by[best].mean()),
                "baselines_m": {name: float(by[name].mean()) for name in gaps.BASELINES},
            }
            if which == 0:
                row["trust_m"] = float(np.mean([r.trust[g] for r in having]))
            table.append(row)
    seams = np.array([r.seam for r in results])
    out = {
        "clips": len(results),
        "errors": table,
        "seam_ratio": {
            "mean": float(seams.mean()),
            "median": float(np.median(seams)),
            "worst": float(seams.max()),
            "worst_clip": results[int(seams.argmax())].name,
        },
        "slide_mps": {
            "gaps": float(np.mean([r.slide[0] for r in results])),
            "untouched": float(np.mean([r.slide[1] for r in results])),
        },
    }
    limbs = [r.limb for r in results if r.limb]
    if limbs:
        out["limb_m"] = {name: float(np.mean([x[name] for x in limbs])) for name in limbs[0]}
    flickers = [r.flicker for r in results if r.flicker]
    if flickers:
        out["flicker"] = {k: float(np.mean([x[k] for x in flickers])) for k in flickers[0]}
    return out


def _row(result: Result) -> dict:
    return {
        "clip": result.name,
        "errors_m": {f"{g:g}": rows for g, rows in result.errors.items()},
        "trust_m": {f"{g:g}": value for g, value in result.trust.items()},
        "seam_ratio": result.seam,
        "slide_mps": {"gaps": result.slide[0], "untouched": result.slide[1]},
        "limb_m": result.limb,
        "flicker": result.flicker,
    }


def _print_clips(results: list[Result], lengths: list[float]) -> None:
    head = "".join(f"  {f'{g:g} s: ours / best':>22}" for g in lengths)
    print(f"{'clip (cm)':<24}{head}  {'seam':>5}  {'slide cm/s':>12}")
    for r in results:
        cells = ""
        for g in lengths:
            if g not in r.errors:
                cells += " " * 24
                continue
            ours = 100 * r.errors[g]["ours"][0]
            best = 100 * min(r.errors[g][name][0] for name in gaps.BASELINES)
            cells += f"  {ours:6.1f} / {best:5.1f} {ours / max(best, 1e-9):6.0%} "
        slid = f"{100 * r.slide[0]:.1f} / {100 * r.slide[1]:.1f}"
        print(f"{r.name:<24}{cells}  {r.seam:5.2f}  {slid:>12}")
    print()


def _print_summary(summary: dict) -> None:
    print(
        f"{summary['clips']} clips; mean over the gap, over the joints and over the clips; people "
        f"of {gaps.STATURE_M} m; cm\n"
    )
    names = "".join(f"{name:>15}" for name in gaps.BASELINES)
    print(f"{'gap':>7}  {'error':<14}{'ours':>7} {'median':>7}{names}   of best   asked")
    for row in summary["errors"]:
        cells = "".join(f"{100 * row['baselines_m'][name]:15.1f}" for name in gaps.BASELINES)
        asked = ""
        if row["error"] == "world" and row["gap_s"] in ASKED:
            asked = "{:.0%}, another laboratory {:.0%}".format(*ASKED[row["gap_s"]])
        elif row["error"] != "world" and row["gap_s"] in (0.5, 1.0):
            asked = "60%"
        print(
            f"{row['gap_s']:5g} s  {row['error']:<14}{100 * row['ours_m']:7.1f} "
            f"{100 * row['ours_median_m']:7.1f}{cells}   {row['ratio']:6.0%}    {asked}"
        )
    for row in summary["errors"]:
        if "trust_m" in row:
            print(
                f"trust at {row['gap_s']:g} s: expected {100 * row['trust_m']:.1f} cm, "
                f"came {100 * row['ours_m']:.1f} cm"
            )
    seam = summary["seam_ratio"]
    print(
        f"seams: {gaps.SEAM_PERCENTILE:g}th percentile of acceleration in and around gaps over the "
        f"clip's: mean {seam['mean']:.2f}, median {seam['median']:.2f}, worst {seam['worst']:.2f} "
        f"({seam['worst_clip']}); asked 1.2"
    )
    slid = summary["slide_mps"]
    print(
        f"feet near the ground slide {100 * slid['gaps']:.1f} cm/s in gaps and hand-overs, "
        f"{100 * slid['untouched']:.1f} in the untouched clips"
    )
    if "limb_m" in summary:
        cells = ", ".join(f"{name} {100 * value:.1f}" for name, value in summary["limb_m"].items())
        print(f"left arm lost for {LIMB_S:g} s, cm at what hangs on it: {cells}")
    if "flicker" in summary:
        f = summary["flicker"]
        print(
            f"{FLICKER:.0%} of single frames lost: ours {1000 * f['ours']:.1f} mm, hold "
            f"{1000 * f['hold']:.1f} mm; seams {f['seam']:.2f}"
        )


def plot(summary: dict, path: Path) -> None:
    """Error against the gap's length, ours and the baselines."""
    try:
        import matplotlib

        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
    except ImportError:
        raise Failure(distribution.lacking("matplotlib")) from None
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.6), layout="constrained")
    for axis, label in zip(axes, ("world", "root-relative"), strict=True):
        rows = [row for row in summary["errors"] if row["error"] == label]
        lengths = [row["gap_s"] for row in rows]
        for name in gaps.BASELINES:
            values = [100 * row["baselines_m"][name] for row in rows]
            axis.plot(lengths, values, "--", marker=".", lw=1, label=name)
        ours = [100 * row["ours_m"] for row in rows]
        axis.plot(lengths, ours, "k-", marker="o", lw=2, label="understudy")
        if label == "world":
            trust = [100 * row["trust_m"] for row in rows]
            axis.plot(lengths, trust, "k:", lw=1, label="understudy's own estimate")
        axis.set(
            xlabel="gap, s",
            ylabel="error, cm",
            title=f"{label}, mean over {summary['clips']} clips",
        )
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)
