"""What `understudy bench takeover` tells of its clips: by kind of motion, of all, clip by clip."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from understudy.runtime.core import distribution
from understudy.runtime.core.errors import Failure

from . import gaps, motion
from .gap_trial import FLICKER, LIMB_S, Result

Summary = dict


def summaries(results: list[Result], lengths: list[float]) -> dict[str, Summary]:
    """By kind, and of all."""
    names = [k for k in motion.KINDS if any(r.kind == k for r in results)]
    names += [k for k in dict.fromkeys(r.kind for r in results) if k not in names]
    by_kind = {k: summarize([r for r in results if r.kind == k], lengths) for k in names}
    return by_kind | {"all": summarize(results, lengths)}


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


def print_kinds(by_kind: dict[str, Summary], lengths: list[float]) -> None:
    """A row a kind: ours, the best baseline and their ratio at each gap, and what was expected."""
    head = "".join(f"  {f'{g:g} s: ours / best, expected':>34}" for g in lengths)
    print(f"{'kind, clips (cm)':<18}{head}   seam  slide cm/s         arm  flicker mm")
    for kind, summary in by_kind.items():
        rows = {row["gap_s"]: row for row in summary["errors"] if row["error"] == "world"}
        cells = ""
        for g in lengths:
            if g not in rows:
                cells += " " * 36
                continue
            row = rows[g]
            worse = "!" if row["ratio"] > 1.0 else " "
            ours, best, trust = (100 * row[k] for k in ("ours_m", "best_m", "trust_m"))
            cells += f"  {ours:7.2f} / {best:6.2f} {row['ratio']:6.0%}{worse} {trust:9.2f}"
        slid, limb, flicker = (summary.get(k, {}) for k in ("slide_mps", "limb_m", "flicker"))
        best = min((limb[name] for name in gaps.BASELINES), default=np.nan) if limb else np.nan
        print(
            f"{kind:<12} {summary['clips']:4d} {cells}  {summary['seam_ratio']['mean']:5.2f}"
            f" {100 * slid['gaps']:5.1f}/{100 * slid['untouched']:5.1f}"
            f" {100 * limb.get('ours', np.nan):5.1f}/{100 * best:5.1f}"
            f" {1000 * flicker.get('ours', np.nan):5.1f}/{1000 * flicker.get('hold', np.nan):5.1f}"
        )
    lost = [
        f"{kind} at {row['gap_s']:g} s"
        for kind, summary in by_kind.items()
        for row in summary["errors"]
        if row["error"] == "world" and row["ratio"] > 1.0
    ]
    print(f"worse than the best baseline (!): {', '.join(lost) or 'nowhere'}\n")


def as_json(result: Result) -> dict:
    return {
        "clip": result.name,
        "kind": result.kind,
        "errors_m": {f"{g:g}": rows for g, rows in result.errors.items()},
        "trust_m": {f"{g:g}": value for g, value in result.trust.items()},
        "seam_ratio": result.seam,
        "slide_mps": {"gaps": result.slide[0], "untouched": result.slide[1]},
        "limb_m": result.limb,
        "flicker": result.flicker,
    }


def print_clips(results: list[Result], lengths: list[float]) -> None:
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


def print_summary(summary: dict) -> None:
    print(
        f"{summary['clips']} clips; mean over the gap, over the joints and over the clips; people "
        f"of {gaps.STATURE_M} m; cm\n"
    )
    names = "".join(f"{name:>15}" for name in gaps.BASELINES)
    print(f"{'gap':>7}  {'error':<14}{'ours':>7} {'median':>7}{names}   of best")
    for row in summary["errors"]:
        cells = "".join(f"{100 * row['baselines_m'][name]:15.1f}" for name in gaps.BASELINES)
        print(
            f"{row['gap_s']:5g} s  {row['error']:<14}{100 * row['ours_m']:7.1f} "
            f"{100 * row['ours_median_m']:7.1f}{cells}   {row['ratio']:6.0%}"
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
        f"({seam['worst_clip']})"
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
