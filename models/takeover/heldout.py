"""What is measured on the takes that are never trained on, by kind of motion."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan
from pathlib import Path

from understudy.runtime.takes import bvh

from . import evaluate, plots, trust
from .data import Reel, files, reels
from .network import Understudy
from .takes import KINDS, held, matches, take

# Of a take on several rigs, the first of these folders is measured: the actor's own bones.
MEASURED = ("cc_rig:07_*", "cmu_bvh31", "cmu_asf31", "cmu_daz43", "")
OTHER = "other"  # takes of no kind that we know
PROBED = 8  # gaps in a clip while training
# On these the expected error is fitted; the others judge it.
FITTED = (
    "12_02,walking_52,49_03,10_06,salsa_15,martial_10,07_01,07_02,07_04,07_06,131_04,131_11,16_12,"
    "01_04,13_09,13_30,14_07,131_06,012_*,wave_hello"
)


def _order(path: Path) -> int:
    for k, rule in enumerate(MEASURED):
        folder, _, patterns = rule.partition(":")
        if folder in ("", path.parent.name) and matches(take(path.stem), patterns or "*"):
            return k
    return len(MEASURED)


def paths(folders: Sequence[Path], names: str, exclude: str) -> dict[str, Path]:
    """The file by which each take is measured that is kept apart; there may be none."""
    out: dict[str, Path] = {}
    for path in sorted(files(folders, "*", exclude), key=_order):
        if held(path, names):
            out.setdefault(take(path.stem), path)
    return out


def load(measured: dict[str, Path]) -> list[Reel]:
    """Takes at the network's rate, uncut, as a stage would get them."""
    if not measured:
        print("No take is kept apart by --hold-out: nothing will be measured.", flush=True)
    return [r for p in measured.values() for r in reels(bvh.read(p), evaluate.RATE_HZ, whole=True)]


def kind(name: str) -> str:
    """Of a take."""
    return next((k for k, names in KINDS.items() if matches(take(name), names)), OTHER)


def listed(measured: dict[str, Path], path: Path) -> None:
    """Writes which files are measured as what, as `understudy bench takeover --kinds` reads it."""
    rows = [f"{p.parent.name}/{p.stem},{kind(name)}" for name, p in measured.items()]
    path.write_text("\n".join(["file,kind", *rows]) + "\n", encoding="utf-8")


def grouped(held: Sequence[Reel]) -> dict[str, list[Reel]]:
    """Takes by kind."""
    groups = {g: [r for r in held if kind(r.name) == g] for g in (*KINDS, OTHER)}
    return {g: some for g, some in groups.items() if some}


def probe(net: Understudy, held: Sequence[Reel]) -> list[float]:
    """Ratios to the best baseline, for each kind by gap, NaN where no clip is as long.

    Of each clip, only some gaps.
    """
    out = []
    for some in grouped(held).values():
        rows = evaluate.summary(evaluate.measure(net, some, most=PROBED))
        out += [rows[f"{g:g}"]["ratio"] if f"{g:g}" in rows else nan for g in evaluate.GAPS_S]
    return out


def judge(net: Understudy, held: Sequence[Reel], out: Path) -> tuple[dict[str, object], trust.Line]:
    """Measures and prints everything, draws how reliable the expected error is, and fits it."""
    measured: dict[str, object] = {}
    for group, some in grouped(held).items():
        table = evaluate.measure(net, some)
        evaluate.show(group, table)
        measured[group] = evaluate.summary(table)
    for limb, joints in (("arm", evaluate.ARM), ("leg", evaluate.LEG)):
        table = evaluate.measure(net, held, joints)
        evaluate.show(f"left {limb} missing", table, verbose=False)
        measured[limb] = evaluate.summary(table)
    fitted = [r for r in held if matches(take(r.name), FITTED)]
    others = [r for r in held if not matches(take(r.name), FITTED)] or list(held)
    line = trust.fit([trust.pairs(net, r) for r in fitted]) if fitted else trust.AS_IT_IS
    clips = [trust.pairs(net, r) for r in others]
    told: dict[str, list[list[float]]] = {}
    measured["expected_cm"] = told
    for group in grouped(others):
        those = [pair for r, pair in zip(others, clips, strict=True) if kind(r.name) == group]
        told[group] = [[round(100 * v, 2) for v in pair] for pair in trust.means(those, line)]
        cells = "   ".join(f"{said:5.2f} / {came:5.2f}" for said, came in told[group])
        print(f"expected / came, cm, {group:6s} {len(those):3d} clips   {cells}")
    rows = {"a joint": trust.bins(clips, line), "mean of all joints": trust.bins(clips, line, True)}
    plots.reliability(rows, out / "reliability.png")
    measured["reliability_cm"] = {k: (100 * r[:, :2]).round(2).tolist() for k, r in rows.items()}
    return measured, line
