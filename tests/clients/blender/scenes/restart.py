"""Outlives the stage.  restart.py ADDRESS"""

import bpy
import house
from sidebar import drawn


def main(address: str) -> None:
    session = house.connect(address)
    house.first_frame(session)
    rig = bpy.context.scene.understudy.subjects[0].rig.name
    text = drawn()
    house.ready()
    house.until(lambda: "The stage is silent" in drawn())
    house.ready("silent")
    house.until(lambda: session.receiver.statistics.restarts == 1)
    back = drawn()
    shown = session.receiver.statistics.frames
    house.until(lambda: session.receiver.statistics.frames > shown + 5)
    rigs = [o.name for o in bpy.context.scene.objects if o.type == "ARMATURE"]
    house.finish({"live": text, "back": back, "rig": rig, "rigs": rigs})


main(*house.WORDS)
