"""Which files hold which take, and the takes that are never trained on. No torch here.

A take is one performance. The same one may lie in several folders under several names, on several
rigs: it is trained on in all of them or in none.
"""

from __future__ import annotations

import fnmatch
import re
from pathlib import Path

# Names of one folder of CMU's motion, and the takes (subject and trial) that they are.
_NAMED = {
    "basketball_": "06_02 06_03 06_04 06_05 06_06",
    "directing_traffic_": "13_26",
    "jumping_": "13_11 49_03 13_19 13_32 13_39",
    "running_": "35_17 - 35_23 35_25 35_24",
    "soccer_": "10_01 10_02 10_03 10_05 10_06",
    "walking_": "02_01 05_01 06_01 07_01 07_02 - - - - - - - 08_02 08_03 08_08 08_09 08_10 10_04 "
    "12_01 12_02 12_03 26_01 - 29_01 32_01 32_02 16_15 16_16 16_21 16_22 16_31 16_32 16_47 16_58",
}
TAKES = {
    f"{name}{k + 1}": number
    for name, numbers in _NAMED.items()
    for k, number in enumerate(numbers.split())
    if number != "-"
} | {"walking_51": "49_01"}
_GAME_RIG = re.compile(r"0(\d\d_\d\d)")

# By kind of motion, the takes that are kept apart: of the database that is trained on; on another
# rig; of other laboratories; walks that are uneven, veer, hop, start and stop; acts; standing idle.
KINDS = {
    "same": "02_01,12_02,16_22,walking_44,walking_52,35_24,09_07,49_03,13_39,10_06,06_06",
    "rig": "07_*",
    "lab": "dab,jumping,wave_hello",
    "walks": "03_01,131_04,131_07,131_11,131_14,16_12,16_24",
    "acts": "salsa_15,indian_15,martial_10,01_04,13_01,13_09,13_30,13_33,14_07,14_23,14_31,131_06,"
    "49_14",
    "idle": "004_acted,012_*,015_genuine",
}
HELD_OUT = ",".join(KINDS.values())


def matches(name: str, patterns: str) -> bool:
    """Whether a name fits one of the comma-separated patterns."""
    return any(fnmatch.fnmatch(name, p.strip()) for p in patterns.split(",") if p.strip())


def take(name: str) -> str:
    """The take that a reel's or a file's name stands for."""
    name = name.split("+")[0]
    game_rig = _GAME_RIG.fullmatch(name)
    return game_rig[1] if game_rig else TAKES.get(name, name)


def held(path: Path, patterns: str) -> bool:
    """Whether a file holds a take that is kept apart."""
    return matches(take(path.stem), patterns)
