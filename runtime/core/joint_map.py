"""A user's map of roles to joints: which joint is the left knee, where a guess is wrong.

    [roles]
    left_upper_arm = "LShoulder"
    left_shoulder = "LClavicle"
    head = ""                       # no joint

Roles that the file leaves out are guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import msgspec

from . import typed
from .errors import UnderstudyError
from .roles import HIERARCHY, guess
from .skeleton import Skeleton


class JointMap(typed.Table, frozen=True, kw_only=True):
    """The file's one table."""

    roles: dict[str, str] = msgspec.field(default_factory=dict)


def read_map(path: Path) -> dict[str, str]:
    """Role -> joint's name of a map file."""
    return typed.read_toml(path, JointMap, "joint map").roles


def write_map(path: Path, skeleton: Skeleton) -> None:
    """Writes the roles of a skeleton, found or not, as a map to edit."""
    found = guess(skeleton).roles
    free = [name for j, name in enumerate(skeleton.names) if j not in found.values()]
    lines = ['# role = "joint"; "" is no joint.', "[roles]"]
    for role in HIERARCHY:
        name = skeleton.names[found[role]] if role in found else ""
        lines.append(f"{role} = {_quoted(name)}")
    lines += ["", "# Joints without a role:", *(f"#   {_quoted(name)}" for name in free)]
    try:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise UnderstudyError(f"{path} cannot be written: {error.strerror}.") from None


def _quoted(name: str) -> str:
    return msgspec.json.encode(name).decode()  # a TOML string is written as JSON's is


def with_roles(skeleton: Skeleton, roles: Mapping[str, str] | None, file: str) -> Skeleton:
    """The skeleton with a user's roles over the guessed ones."""
    if roles is None:
        return skeleton
    given: dict[str, int] = {}
    for role, name in roles.items():
        if role not in HIERARCHY:
            raise UnderstudyError(
                f"The map's role {role!r} is unknown; known are {', '.join(HIERARCHY)}."
            )
        if name and name not in skeleton.names:
            raise UnderstudyError(
                f"The map gives {role} the joint {name!r}, which {file} does not have; it has "
                f"{', '.join(skeleton.names)}."
            )
        if name:
            given[role] = skeleton.names.index(name)
    for role, joint in given.items():
        twice = next((r for r, j in given.items() if j == joint and r != role), None)
        if twice is not None:
            raise UnderstudyError(
                f"The map gives the joint {skeleton.names[joint]!r} two roles, {role} and {twice}."
            )
    taken = set(given.values())
    guessed = {
        role: joint
        for role, joint in guess(skeleton).roles.items()
        if role not in roles and joint not in taken
    }
    both = guessed | given
    return replace(skeleton, given_roles={r: both[r] for r in HIERARCHY if r in both})
