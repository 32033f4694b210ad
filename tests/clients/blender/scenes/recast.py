"""An edited armature of ours stays; another skeleton gets another.  recast.py ADDRESS"""

import bpy
import house


def main(address: str) -> None:
    session = house.connect(address)
    house.first_frame(session)
    entry = bpy.context.scene.understudy.subjects["Ann"]
    first = entry.rig.name
    bpy.context.view_layer.objects.active = entry.rig
    bpy.ops.object.mode_set(mode="EDIT")
    entry.rig.data.edit_bones["LeftHand"].head.z += 0.05
    shown = session.receiver.statistics.frames
    house.until(lambda: session.receiver.statistics.frames > shown + 3)
    bpy.ops.object.mode_set(mode="OBJECT")
    house.until(lambda: "retargeted" in session.said["Ann"][0])
    edited = entry.rig.name
    house.ready()
    house.until(lambda: entry.rig.name not in (first, edited))
    house.until(lambda: session.said["Ann"] == ["2 of 2 bones, the stage's own skeleton."])
    house.finish(
        {
            "first": first,
            "edited": edited,
            "recast": entry.rig.name,
            "bones": [bone.name for bone in entry.rig.data.bones],
            "still there": first in bpy.context.scene.objects,
        }
    )


main(*house.WORDS)
