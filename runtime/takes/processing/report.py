"""The page that says what was done to a shoot: one HTML file with a plot a subject, no script."""

from __future__ import annotations

import os
from collections.abc import Sequence
from html import escape
from pathlib import Path

from .job import Done, Row

WIDE, HIGH = 640, 96
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;
color:#1b1f24;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.05rem;margin:2rem 0 .2rem}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
td,th{text-align:left;padding:.15rem .9rem .15rem 0}
svg{width:100%;height:auto;background:#f4f6f8;border-radius:6px;margin-top:.4rem}
.filled{fill:#e8a33d}.left{fill:#cf4b3f}.line{fill:none;stroke:#2b6a99;stroke-width:1.5}
.note{color:#5a636e}.wrong{color:#b3261e}
@media(prefers-color-scheme:dark){body{color:#e6e9ec;background:#15181c}svg{background:#20252b}
.note{color:#9aa4af}.line{stroke:#7ab8e8}.wrong{color:#ff8a80}}
"""


def write(path: Path, title: str, results: Sequence[Done]) -> None:
    """Writes the page, whole or not at all."""
    rows = [row for done in results for row in done.rows]
    filled = [gap for row in rows for gap in row.gaps if gap[3]]
    left = [gap for row in rows for gap in row.gaps if not gap[3]]
    wrong = sum(bool(done.error) for done in results) + sum(bool(row.error) for row in rows)
    seconds = sum(row.seconds for row in rows)
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        "<meta name=viewport content='width=device-width'>",
        f"<title>{escape(title)}</title><style>{_STYLE}</style><h1>{escape(title)}</h1>",
        "<table>",
        _pair("Files", f"{len(results)}, {len(rows)} subjects, {seconds:.1f} s of motion"),
        _pair("Gaps filled", f"{len(filled)}, {sum(gap[1] for gap in filled):.2f} s"),
        _pair("Gaps left", f"{len(left)}, {sum(gap[1] for gap in left):.2f} s"),
        _pair("Failed", str(wrong)),
        "</table>",
        "<p class=note>Height of the hips over time. Orange: filled. Red: left as it was.</p>",
    ]
    for done in results:
        name = escape(Path(done.source).name)
        if done.error:
            parts.append(f"<h2>{name}</h2><p class=wrong>{escape(done.error)}</p>")
        for row in done.rows:
            parts += _row(name, row)
    part = path.with_name(path.name + ".part")
    part.write_text("\n".join(parts) + "\n", encoding="utf-8")
    os.replace(part, path)


def _pair(name: str, value: str) -> str:
    return f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>"


def _row(name: str, row: Row) -> list[str]:
    words = [f"{row.seconds:.2f} s at {row.rate_hz:g} Hz", f"{row.joints} joints"]
    if row.start_timecode:
        words.append(f"from {row.start_timecode}")
    words.append(f"{100.0 * row.missing_share:.1f} % was missing")
    if row.skate_before_cm_s is not None and row.skate_after_cm_s is not None:
        words.append(f"planted feet {row.skate_before_cm_s:.1f} -> {row.skate_after_cm_s:.1f} cm/s")
    head = f"<h2>{name}, {escape(row.subject)}</h2><div>{escape(', '.join(words))}</div>"
    notes = [f"<div class=note>{escape(note)}</div>" for note in row.notes]
    if row.error:
        notes.append(f"<div class=wrong>{escape(row.error)}</div>")
    files = ", ".join(f"<a href='{escape(f, quote=True)}'>{escape(f)}</a>" for f in row.files)
    return [head, *notes, _plot(row), f"<div>{files}</div>"]


def _plot(row: Row) -> str:
    """The hips' height as a line over the gaps."""
    seconds = max(row.seconds, 1e-6)
    marks = [
        f"<rect class={'filled' if filled else 'left'} x={WIDE * at / seconds:.1f} y=0 "
        f"width={max(1.0, WIDE * long / seconds):.1f} height={HIGH} opacity=.45>"
        f"<title>{at:.2f} s, {long:.2f} s, {joints} joints</title></rect>"
        for at, long, joints, filled in row.gaps
    ]
    line = ""
    if len(row.height_m) > 1:
        low, high = min(row.height_m), max(row.height_m)
        span = max(high - low, 0.05)
        across, up = WIDE / (len(row.height_m) - 1), (HIGH - 16) / span
        points = " ".join(
            f"{across * k:.1f},{HIGH - 8 - up * (h - low):.1f}" for k, h in enumerate(row.height_m)
        )
        line = f"<polyline class=line points='{points}'/>"
    return f"<svg viewBox='0 0 {WIDE} {HIGH}' role=img>{''.join(marks)}{line}</svg>"
