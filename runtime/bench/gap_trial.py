"""Gaps in one clip: error against four baselines, seams, feet, a lost arm, flicker, trust.

Every clip goes through the very live path (`takeover.offline`), on its own skeleton, at its own
rate. Gaps begin every STEP_S from HISTORY_S on, further apart in long clips. A run is causal, so
the first quarter of a second of a gap is what a gap of a quarter of a second would have shown: each
beginning is run once, for the longest gap that fits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from understudy.runtime.core.humanoid import roles
from understudy.runtime.core.rotation import Array
from understudy.runtime.takes.clip import Clip
from understudy.runtime.takes.processing import skate

from . import gaps, motion

HISTORY_S = 0.5
WARM_S = 1.2  # of true motion before each gap, where the clip has it
STEP_S = 0.5
LEAST_STARTS, MOST_STARTS = 3, 8
TAIL_S = 0.8  # after a gap: the hand-over
LIMB = ("upper_arm", "lower_arm", "hand")
LIMB_S = 0.5
FLICKER = 0.1  # share of frames that are lost
NEVER_S = float("inf")


@dataclass(slots=True)
class Result:
    """One clip: errors in metres by gap and method, world and root-relative, and the rest."""

    name: str
    kind: str = ""
    errors: dict[float, dict[str, tuple[float, float]]] = field(default_factory=dict)
    trust: dict[float, float] = field(default_factory=dict)
    seam: float = np.nan
    slide: tuple[float, float] = (np.nan, np.nan)  # m/s in gaps and hand-overs, and in the clip
    limb: dict[str, float] = field(default_factory=dict)
    flicker: dict[str, float] = field(default_factory=dict)


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
    """Frames at which gaps begin: several in every clip, however short."""
    last_s = (len(clip) - 1) / clip.rate_hz - shortest_s
    count = int(np.clip((last_s - HISTORY_S) / STEP_S + 1, LEAST_STARTS, MOST_STARTS))
    if (last_s - HISTORY_S) * clip.rate_hz < count:
        count = 1
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

    result = Result(clip.name, motion.kind(clip))
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
        heels = skate.feet(skeleton)
        slides.append(skate.slide(truth, out, heels, rate)[a - first - 1 : stop - first])
    whole = np.percentile(gaps.accelerations(truth, rate), gaps.SEAM_PERCENTILE)
    result.seam = float(np.percentile(np.concatenate(push), gaps.SEAM_PERCENTILE) / whole)
    still = skate.slide(truth, truth, skate.feet(skeleton), rate)
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
