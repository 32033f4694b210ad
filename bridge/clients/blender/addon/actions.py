"""Actions: animation curves written in one go, before and after Blender 4.4's slots."""

from __future__ import annotations

import bpy
import numpy as np

from understudy.runtime.core.rotation import Array

# A channel that moves less than this over the whole take has one key.
STILL = 1e-6


class Channels:
    """A new action of a data-block, assigned to it. The action that it had is kept in the file."""

    def __init__(self, owner: bpy.types.ID, name: str) -> None:
        self.action = bpy.data.actions.new(name)
        self.action.use_fake_user = True
        data = owner.animation_data_create()
        if data.action is not None:
            data.action.use_fake_user = True
        data.action = self.action
        self._holder = self.action
        if hasattr(self.action, "slots"):  # Blender 4.4: an action moves several data-blocks
            slot = self.action.slots.new(id_type=owner.id_type, name=owner.name)
            data.action_slot = slot
            strip = self.action.layers.new("Take").strips.new(type="KEYFRAME")
            self._holder = strip.channelbag(slot, ensure=True)

    def key(self, path: str, frames: Array, values: Array, group: str) -> None:
        """Linear keys of a property: frames (T,), values (T,) or (T, N)."""
        columns = values.reshape(len(frames), -1).T
        groups = self._holder.groups
        for index, column in enumerate(columns):
            curve = self._holder.fcurves.new(path, index=index)
            curve.group = groups.get(group) or groups.new(group)
            still = np.ptp(column) < STILL
            at, value = (frames[:1], column[:1]) if still else (frames, column)
            points = np.stack([at, value], -1).astype(np.float32)
            curve.keyframe_points.add(len(points))
            curve.keyframe_points.foreach_set("co", points.ravel())
            linear = np.full(len(points), _LINEAR, np.int32)
            curve.keyframe_points.foreach_set("interpolation", linear)
            curve.update()


_LINEAR = bpy.types.Keyframe.bl_rna.properties["interpolation"].enum_items["LINEAR"].value
