"""The takes that are never trained on, and what is measured on them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from understudy.runtime.takes import bvh

from . import evaluate, plots, trust
from .data import Reel, files, matches, reels
from .network import Understudy

# How they are reported: the same database; other people, other rigs, other kinds of motion.
GROUPS = {
    "same": "walking_*,running_*,jumping_*",
    "other": "007_*,salsa_*,indian_*,martial_*",
    "ball": "soccer_*,basketball_*",
}
# On these the expected error is fitted; the others judge it.
FITTED = "walking_20,walking_52,jumping_2,soccer_5,salsa_15,martial_10,007_01,007_02,007_04,007_06"


def load(folders: Sequence[Path], names: str, exclude: str) -> list[Reel]:
    """Takes at the network's rate, uncut, as a stage would get them; there may be none."""
    paths = [p for p in files(folders, "*", exclude) if matches(p.stem, names)]
    if not paths:
        print("No take is kept apart by --hold-out: nothing will be measured.", flush=True)
    return [r for p in paths for r in reels(bvh.read(p), evaluate.RATE_HZ, whole=True)]


def grouped(held: Sequence[Reel]) -> dict[str, list[Reel]]:
    """Takes by group; names that are in no group are "same" where nothing else is."""
    groups = {g: [r for r in held if matches(r.name, names)] for g, names in GROUPS.items()}
    groups = {g: some for g, some in groups.items() if some}
    return groups or {"same": list(held)}


def probe(net: Understudy, held: Sequence[Reel]) -> list[float]:
    """Ratios to the best baseline by gap, of the same database and then of the others."""
    groups = grouped(held)
    tables = [evaluate.measure(net, groups[g]) for g in ("same", "other") if g in groups]
    return [row["ratio"] for table in tables for row in evaluate.summary(table).values()]


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
    fitted = [r for r in held if matches(r.name, FITTED)]
    others = [r for r in held if not matches(r.name, FITTED)] or list(held)
    line = trust.fit([trust.pairs(net, r) for r in fitted]) if fitted else trust.AS_IT_IS
    clips = [trust.pairs(net, r) for r in others]
    rows = {"a joint": trust.bins(clips, line), "mean of all joints": trust.bins(clips, line, True)}
    plots.reliability(rows, out / "reliability.png")
    measured["reliability_cm"] = {k: (100 * r[:, :2]).round(2).tolist() for k, r in rows.items()}
    return measured, line
