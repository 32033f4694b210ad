"""The same maths on plain numbers and on arrays.

A call of numpy costs about a microsecond, and a plain number's sum a thirtieth of that. What is
written number by number runs on plain numbers for a few bodies and on arrays for many: the function
is given `Plain` or numpy as its first argument, for the four words that differ.
"""

from __future__ import annotations

import math

FEW = 4  # bodies


class Plain:
    """What of numpy's is used, for plain numbers."""

    sqrt, expm1, log1p, maximum, minimum = math.sqrt, math.expm1, math.log1p, max, min


def few(lead: tuple[int, ...]) -> bool:
    """Whether plain numbers are faster for so many bodies."""
    return math.prod(lead) <= FEW
