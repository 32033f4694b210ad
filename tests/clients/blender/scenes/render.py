"""Renders while connected, as `blender -b` does; the pose is held meanwhile.  render.py ADDRESS"""

import bpy
import house


def main(address: str) -> None:
    session = house.connect(address)
    house.first_frame(session)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 1
    scene.render.resolution_x = scene.render.resolution_y = 16
    scene.render.filepath = house.OUT + ".png"
    during = []

    def look(*_: object) -> None:
        rig = scene.understudy.subjects[0].rig
        before = list(rig.pose.bones["Hips"].location)
        shown = session.receiver.statistics.frames
        house.until(lambda: session.receiver.statistics.frames > shown + 3)
        during.append(list(rig.pose.bones["Hips"].location) == before)

    bpy.app.handlers.render_pre.append(look)
    assert bpy.ops.render.render(write_still=True) == {"FINISHED"}
    bpy.app.handlers.render_pre.remove(look)  # left in place it crashes Blender 4.2's exit
    assert during == [True]
    moved = list(scene.understudy.subjects[0].rig.pose.bones["Hips"].location)
    house.until(lambda: list(scene.understudy.subjects[0].rig.pose.bones["Hips"].location) != moved)
    house.finish("done")


main(*house.WORDS)
