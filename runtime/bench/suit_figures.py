"""Eight suits for ten minutes, as figures."""

from __future__ import annotations

import os

import numpy as np

from understudy.runtime.core.errors import Failure

from . import suit_rehearsal
from .figure import Figure
from .suit_film import performed
from .suit_network import BAD, GOOD, Network, lives
from .suit_report import WHY, Report, lined_up
from .suits import rehearse

LONG_S, QUICK_S, VIRTUAL_S = 600.0, 30.0, 60.0
# So long parts are compared before they are lined up, and so long a good network is measured.
BEFORE_S = 20.0
TOGETHER_MS, FLAT_MB = 2.0, 10.0


def rehearsed(quick: bool) -> list[Figure]:
    """In virtual time, on a good network, then on the bad one: lined up, and for long."""
    clip = performed()
    made = lives(clip)
    found = told(suit_rehearsal.rehearse(QUICK_S if quick else VIRTUAL_S, clip, made), True)
    good = rehearse(BEFORE_S, clip, made, GOOD, delay="auto")
    before = rehearse(BEFORE_S, clip, made)
    if not all(map(np.isfinite, before.lag_s.values())):
        raise Failure(
            f"Eight suits are more than this machine has: of {before.ticks + before.skipped} ticks "
            f"{before.skipped} were skipped, and of some suits nothing was seen in time."
        )
    report = rehearse(QUICK_S if quick else LONG_S, clip, made, later_s=lined_up(before.lag_s))
    return [*found, *latency(good), *told(report)]


def _where(report: Report, network: Network) -> str:
    return (
        f"{report.suits} suits at {report.suits_hz} Hz, a stage of {report.stage_hz} Hz, "
        f"{report.seconds:g} s, {network.words}, {os.cpu_count()} cores, load {report.load:.1f}"
    )


def latency(report: Report) -> list[Figure]:
    """From a datagram's arrival to the wire, where nothing delays on purpose."""
    where = _where(report, GOOD)
    p50, p99 = (float(np.percentile(report.ages_ms, share)) for share in (50, 99))
    return [
        Figure("newest packet to wire, p50", p50, "ms", "", None, where),
        Figure("newest packet to wire, p99", p99, "ms", "", None, where),
    ]


def told(report: Report, virtual: bool = False) -> list[Figure]:
    """What came of the bad network; virtual: of a rehearsal in virtual time."""
    where = f"virtual time, {BAD.words}" if virtual else _where(report, BAD)
    apart = np.abs(report.apart_ms)
    apart = apart if len(apart) else np.full(1, np.nan)
    together = float(np.percentile(apart, 99))
    takeover = float(np.mean(list(report.takeover.values())))
    other = float(np.mean(list(report.other.values())))
    off, held = (
        100.0 * one if len(one) else np.full(1, np.nan) for one in (report.off_m, report.held_off_m)
    )
    lag = 1e3 * np.array(list(report.lag_s.values()))
    why = ", ".join(
        f"{100.0 * share:.0f} % {WHY[w]}" for w, share in report.why.items() if w in WHY
    )
    figures = [
        Figure("hands and body of one subject apart, p50", float(np.median(apart)), "ms", "",
               None, f"{len(apart)} poses of four subjects that moved"),
        Figure("the same, p99", together, "ms", f"<= {TOGETHER_MS:g} ms",
               together <= TOGETHER_MS, where),
        Figure("share of TAKEOVER", 100.0 * takeover, "%", "", None,
               f"{where}: {why}"),
        Figure("share of HOLD and LOST", 100.0 * other, "%", "", None, where),
        Figure("mean joint error in TAKEOVER", float(off.mean()), "cm", "", None,
               f"{len(off)} poses; p95 {np.percentile(off, 95):.1f} cm"),
        Figure("the same of who keeps the last pose", float(held.mean()), "cm", "", None,
               f"p95 {np.percentile(held, 95):.1f} cm"),
        Figure("a LIVE pose off the film", 1e3 * report.live_off_m, "mm", "", None, where),
        Figure("a LIVE pose behind its moment, least and most suit", float(lag.max()), "ms", "",
               None, f"{lag.min():.1f} to {lag.max():.1f} ms, jitter and delay among them"),
    ]  # fmt: skip
    if virtual:
        ms = report.tick_ms["tick"]
        return [*figures, Figure("thread time of a tick of them", ms, "ms", "", None, where)]
    grown = report.grown_mb
    return [
        Figure("ticks skipped", report.skipped, "ticks", "0", not report.skipped, where),
        Figure("frames lost by who listens", report.lost, "", "", None, where),
        *figures,
        Figure("memory of the stage, growth", grown, "MB", "flat", grown < FLAT_MB,
               f"{report.memory_mb[-1]:.0f} MB at the end"),
    ]  # fmt: skip
