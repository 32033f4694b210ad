"""What the bench calls Blender's way is what Blender's constraints give: turns as in the world."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.runtime.core.product_rigs import rig
from tests.runtime.retarget.test_retarget import motion
from understudy.runtime.bench import blender_way
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.roles import roles
from understudy.runtime.retarget.fitting import Figure
from understudy.runtime.retarget.retarget import Retarget
from understudy.runtime.takes.clip import Clip


def test_constraints_in_blender_turn_joints_as_roles_do_in_the_world(blender: Path, monkeypatch):
    monkeypatch.setenv("UNDERSTUDY_BLENDER_PYTHON", str(blender))
    target, _, _ = rig("MetaHuman", down_rad=0.6)
    positions, rotations = motion(6)
    clip = Clip(PERFORMER, positions, rotations, 1 / 30)
    shown = blender_way.onto(clip, Figure(target))
    turned = target.globals(shown.positions, shown.rotations)[1]
    way = Retarget(PERFORMER, target)
    wanted = target.globals(*way.apply(positions, rotations))[1]
    joints = [j for name, j in roles(target).items() if name in roles(PERFORMER)]
    off_deg = np.degrees(rotation.angle_between(turned, wanted))[:, joints]
    assert off_deg.max() < 0.1
