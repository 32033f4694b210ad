"""Resets: a subject faces another way, stands on a mark, or says in a T-pose what is off.

Each turns or moves it as a stage hand would: about where it stands, not about the origin.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from understudy.bridge.requests import AdjustSubject, ResetSubject
from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import State
from understudy.runtime.core.rotation import Array

from . import calibration
from .cast import Cast
from .member import Member

# A camera nearer than this is over the actor: there is no way to face it.
NEAREST_M = 0.05
# A reset is written in words that people read.
PLACES = 4


def reset(cast: Cast, request: ResetSubject) -> dict[str, Any]:
    """Makes a reset; gives how each subject stands then."""
    members = [cast.member(request.name)] if request.name else list(cast.members)
    if not members:
        raise UnderstudyError("Nobody is on this stage, so nobody can be reset.")
    towards = _towards(cast, request) if request.what == "camera" else None
    for member in members:
        match request.what:
            case "heading":
                _face(member, 0.0)
            case "camera":
                assert towards is not None
                _face(member, _way(member, towards))
            case "mark":
                _stand(member, np.array(request.at_m))
            case "t_pose":
                _take_t_pose(member, alone=bool(request.name))
            case "off":
                member.table.t_pose = {}
                member.calibrate()
    return {
        "subjects": [
            {
                "name": one.table.name,
                "at_m": list(one.table.at_m),
                "heading_deg": one.table.heading_deg,
                "t_pose": len(one.table.t_pose),
            }
            for one in members
        ]
    }


def adjust(cast: Cast, request: AdjustSubject) -> dict[str, Any]:
    """Mirrors a subject, or says where its root may go."""
    member = cast.member(request.name)
    if member.actor is not None:
        raise UnderstudyError(f"{request.name!r} is on a pad, which has no mirror and no root.")
    table = member.table
    table.mirror = table.mirror if request.mirror is None else request.mirror
    table.root = request.root or table.root
    return {"name": request.name, "mirror": table.mirror, "root": table.root}


def _towards(cast: Cast, request: ResetSubject) -> Array:
    """What is faced (3,)."""
    if request.towards:
        return np.array(request.towards)
    there = {camera.name: camera for camera in cast.scenery.cameras}
    if not there:
        raise UnderstudyError(
            "There is no camera on this stage to face: name a point with towards, or give the "
            "stage a camera."
        )
    if request.camera and request.camera not in there:
        raise UnderstudyError(
            f"No camera is called {request.camera!r}; there are: {', '.join(there)}."
        )
    return np.array(there[request.camera or next(iter(there))].position)


def _hips(member: Member) -> tuple[Array, float]:
    """Where its hips are in the room (3,), and the way that they face."""
    return calibration.hips(member.subject.skeleton, member.subject.pose)


def _way(member: Member, towards: Array) -> float:
    """The heading in radians that faces a point."""
    at, facing = _hips(member)
    x, _, z = towards - at
    return math.atan2(x, z) if math.hypot(x, z) > NEAREST_M else facing


def _face(member: Member, heading_rad: float) -> None:
    """Turns a subject about where it stands, so that it faces a heading."""
    at, facing = _hips(member)
    if member.actor is not None:
        member.place(_rounded((at[0], member.table.at_m[1], at[2])), math.degrees(heading_rad))
        return
    turn = math.degrees(heading_rad - facing)
    placed, turned = member.placed
    own = rotation.rotate(rotation.conjugate(turned), at - placed)  # as its source has it
    heading_deg = (member.table.heading_deg + turn + 180.0) % 360.0 - 180.0
    kept = rotation.rotate(rotation.from_yaw(math.radians(heading_deg)), own)
    x, _, z = at - kept
    # In place it is over its mark by itself.
    where = (x, placed[1], z) if member.table.root == "free" else placed
    member.place(_rounded(where), round(heading_deg, PLACES))


def _stand(member: Member, mark: Array) -> None:
    """Moves a subject so that its hips are over a mark; it faces where it did."""
    at, facing = _hips(member)
    if member.actor is not None:
        member.place(_rounded(mark), math.degrees(facing))
        return
    placed, _ = member.placed
    x, _, z = placed + mark - at if member.table.root == "free" else mark
    member.place(_rounded((x, mark[1], z)), member.table.heading_deg)


def _take_t_pose(member: Member, alone: bool) -> None:
    """Takes what is off of who stands in a T-pose now; of everybody, of those who are seen."""
    seen = member.newest is not None and member.subject.state is State.LIVE
    if not seen:
        if not alone:
            return
        raise UnderstudyError(
            f"{member.table.name!r} is {member.subject.state.name} and not seen by its source now, "
            "so it cannot say its T-pose."
        )
    assert member.newest is not None
    member.table.t_pose = calibration.off_t_pose(*member.newest)
    member.calibrate()


def _rounded(at: Any) -> tuple[float, float, float]:
    x, y, z = (round(float(value), PLACES) for value in at)
    return x, y, z
