"""A lens by the counts of its encoders: a CSV file that whoever measured the lens wrote.

Its first line names the columns: zoom and focal_mm, focus and focus_m, iris and f_stop, in pairs of
which one at least is there. Each row is a measured point; between points a straight line goes on,
beyond the last ones the lens stays where it is. Cells of a pair may be empty where another pair has
more points.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.rotation import Array

PAIRS = {"zoom": "focal_mm", "focus": "focus_m", "iris": "f_stop"}
_COLUMNS = "zoom,focal_mm,focus,focus_m,iris,f_stop"
_MOST_BYTES = 1 << 20


class LensTable:
    """Counts to millimetres, metres and stops; 0 where the table has none."""

    def __init__(self, points: dict[str, tuple[Array, Array]] | None = None) -> None:
        self._points = points or {}

    @classmethod
    def read(cls, path: Path) -> LensTable:
        """The table of a file; raises a sentence that names the line."""
        try:
            if path.stat().st_size > _MOST_BYTES:
                raise UnderstudyError(f"{path} is larger than a table of a lens can be (1 MB).")
            text = path.read_text(encoding="utf-8-sig")
        except OSError as error:
            raise UnderstudyError(f"Cannot read the lens {path}: {error.strerror}.") from None
        except UnicodeDecodeError:
            raise UnderstudyError(f"The lens {path} is no CSV file: it is not UTF-8.") from None
        rows = list(csv.reader(text.splitlines(), delimiter=";" if ";" in text else ","))
        names = [cell.strip().lower() for cell in rows[0]] if rows else []
        pairs = [(a, b) for a, b in PAIRS.items() if a in names and b in names]
        unknown = [n for n in names if n not in (*PAIRS, *PAIRS.values())]
        lonely = [
            n for a, b in PAIRS.items() if (a in names) != (b in names) for n in {a, b} & set(names)
        ]
        if unknown or lonely or not pairs or len(set(names)) < len(names):
            raise UnderstudyError(
                f"The lens {path} has the columns {', '.join(names) or 'of nothing'}; its first "
                f"line needs pairs of {_COLUMNS}, each once."
            )
        points: dict[str, dict[float, float]] = {count: {} for count, _ in pairs}
        for line, row in enumerate(rows[1:], 2):
            if not any(cell.strip() for cell in row):
                continue
            for count, value in pairs:
                cells = [
                    row[names.index(n)].strip() if names.index(n) < len(row) else ""
                    for n in (count, value)
                ]
                if cells == ["", ""]:
                    continue
                at, measured = (_number(cell) for cell in cells)
                if not (0.0 <= at < 2**24 and 0.0 < measured < 1e6):
                    raise UnderstudyError(
                        f"{path}, line {line}: {count} is {cells[0]!r} and {value} {cells[1]!r}; a "
                        "count is 0 to 16777215 and what it stands for above 0."
                    )
                if at in points[count]:
                    raise UnderstudyError(f"{path}, line {line}: {count} {at:g} is there twice.")
                points[count][at] = measured
        for count, known in points.items():
            if len(known) < 2:
                raise UnderstudyError(
                    f"The lens {path} has {len(known)} points of {count}; it needs two at least."
                )
        return cls(
            {
                c: (np.array(sorted(k)), np.array([k[at] for at in sorted(k)]))
                for c, k in points.items()
            }
        )

    def focal_mm(self, count: int) -> float:
        return self._at("zoom", count)

    def focus_m(self, count: int) -> float:
        return self._at("focus", count)

    def f_stop(self, count: int) -> float:
        return self._at("iris", count)

    def _at(self, what: str, count: int) -> float:
        if what not in self._points:
            return 0.0
        return float(np.interp(count, *self._points[what]))


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan
