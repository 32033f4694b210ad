"""A profile: how one character is to be fitted. A small TOML file that a person can edit.

file = "knight.glb"        # beside this file; a profile is given in place of it
scale = 1.0                # of its travel, beside what its legs are to the actor's
lift_m = 0.0               # its hips higher or lower
arms = 1.0                 # how far its hands are from its shoulders, beside what its arms give
floor_m = -0.01            # where its soles are in its file, where that is measured wrong
feet = true                # feet on the floor, and where the actor's were
hands = true               # hands touch what the actor's touched
hide = ["Round_Shield"]    # its meshes that are not drawn
[roles]                    # which joint is which, where the guess is wrong
left_upper_arm = "Arm.L"
[offsets_deg]              # turns of its T-pose, about X, Y and Z of the world
left_upper_arm = [0.0, 0.0, -8.0]
pointing = ["fore_leg"]    # of the map: bones that point where the motion's do
[map]                      # for what is no humanoid: its joint = the motion's role or joint
body = "hips"              # hips first
fore_leg = "left_upper_arm"
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
import tomli_w
from msgspec import Meta

from understudy.runtime.core import rotation, typed
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.roles import HIERARCHY, roles
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

SUFFIX = ".toml"
Degrees = Annotated[float, Meta(ge=-360.0, le=360.0)]
Near = Annotated[float, Meta(ge=-10.0, le=10.0)]


class Profile(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """The words of a profile; docs/characters.md explains them."""

    file: str = ""
    scale: Annotated[float, Meta(gt=0.0, le=100.0)] = 1.0
    lift_m: Near = 0.0
    arms: Annotated[float, Meta(ge=0.25, le=4.0)] = 1.0
    floor_m: Near | None = None
    feet: bool = True
    hands: bool = True
    hide: list[str] = []
    roles: dict[str, str] = {}
    offsets_deg: dict[str, tuple[Degrees, Degrees, Degrees]] = {}
    map: dict[str, str] = {}
    pointing: list[str] = []

    def offset(self, skeleton: Skeleton, world_r: Array) -> Array:
        """World rotations (J, 4) of a T-pose, each joint and what hangs on it turned as asked."""
        role, out = roles(skeleton), world_r
        for name, angles in self.offsets_deg.items():
            if name not in HIERARCHY and name not in skeleton.names:
                raise UnderstudyError(
                    f"{self.file or 'The profile'}: offsets_deg names {name!r}, which is no role "
                    "and no joint."
                )
            joint = role.get(name, -1) if name in HIERARCHY else skeleton.index(name)
            if joint < 0:
                raise UnderstudyError(
                    f"{self.file or 'The profile'}: offsets_deg names {name}, and no joint of the "
                    "character has this role."
                )
            turn = rotation.from_euler(np.radians(angles), "XYZ")
            out = out.copy()
            stack = [joint]
            while stack:
                at = stack.pop()
                out[at] = rotation.multiply(turn, out[at])
                stack += skeleton.children(at)
        return out


# What can be changed while it is worn.
LIVE = ("scale", "lift_m", "arms", "floor_m", "feet", "hands", "offsets_deg")


def changed(profile: Profile, words: dict[str, Any]) -> Profile:
    """The profile with new values for some of the words of LIVE."""
    if fixed := [word for word in words if word not in LIVE]:
        raise UnderstudyError(
            f"{fixed[0]!r} cannot be changed while it is worn; {', '.join(LIVE)} can."
        )
    return typed.convert({**msgspec.to_builtins(profile), **words}, Profile, "the profile")


def load(path: Path) -> Profile:
    """A profile's file, checked."""
    return typed.read_toml(path, Profile, "profile")


def file_of(said: Path) -> tuple[Path, Profile]:
    """The character's file that a path means, itself or a profile, and the profile."""
    if said.suffix.lower() != SUFFIX:
        return said, Profile()
    profile = load(said)
    if not profile.file:
        raise UnderstudyError(f'{said.name} names no character: it needs file = "CHARACTER.glb".')
    return said.parent / profile.file, profile


def save(to: Path, file: Path, profile: Profile, skeleton: Skeleton) -> None:
    """Writes a profile to edit: every role that was found, and all else that can be set."""
    found = roles(skeleton)
    beside = Path(os.path.relpath(file.absolute(), to.absolute().parent)).as_posix()
    said = msgspec.structs.replace(
        profile, file=beside, roles={role: skeleton.names[j] for role, j in found.items()}
    )
    lines = [
        "# How this character is fitted; docs/characters.md has every word.",
        f"scale = {said.scale}        # of its travel, beside what its legs are to the actor's",
        f"lift_m = {said.lift_m}       # its hips higher or lower",
        f"arms = {said.arms}         # how far its hands are from its shoulders",
        f"feet = {str(said.feet).lower()}        # on the floor, and where the actor's were",
        f"hands = {str(said.hands).lower()}       # touch what the actor's touched",
    ]
    lines.append(f"hide = {msgspec.json.encode(said.hide).decode()}          # meshes, not drawn")
    if said.pointing:
        lines.append(f"pointing = {msgspec.json.encode(said.pointing).decode()}")
    if said.floor_m is not None:
        lines.append(f"floor_m = {said.floor_m}")
    tables: dict[str, Any] = {
        "file": said.file,
        "roles": said.roles,
        "offsets_deg": dict(said.offsets_deg),
    }
    if said.map:
        tables["map"] = said.map
    lacks = [role for role in HIERARCHY if role not in found]
    text = "\n".join(lines) + "\n" + tomli_w.dumps(tables)
    if lacks:
        text += f"# No joint was found for: {', '.join(lacks)}.\n"
    try:
        to.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UnderstudyError(f"{to} cannot be written: {error.strerror}.") from None
