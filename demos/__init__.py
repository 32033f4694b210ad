"""Short programs and pad scripts to copy from; `understudy demo` plays some of them."""

from pathlib import Path

PADS = Path(__file__).resolve().parent / "pads"
# Three people that `understudy character` made, under CC0.
PEOPLE = PADS.parent / "people"
