"""Undo, redo, deletion and another file, in the middle of a connection.  undo.py ADDRESS"""

import bpy
import house


def push(message: str) -> None:
    bpy.ops.ed.undo_push(message=message)


def main(address: str) -> None:
    house.install()
    cube = "Cube"
    push("empty")
    push("before")
    bpy.context.scene.understudy.address = address
    bpy.ops.understudy.connect()
    session = house.module("session").current

    def entry():
        return bpy.context.scene.understudy.subjects[0]

    def still_driven() -> None:
        """The next frames arrive, and move the one armature that there is."""
        before = session.receiver.statistics.frames
        house.until(lambda: session.receiver.statistics.frames > before + 3)
        house.bones(entry().rig)
        rigs = [o for o in bpy.context.scene.objects if o.type == "ARMATURE"]
        assert rigs == [entry().rig], rigs
        assert session.said[entry().name] == ["22 of 22 bones, the stage's own skeleton."]
        head = entry().rig.pose.bones["Hips"].head
        hips = session.frame.subjects[0].pose.positions[0]
        assert abs(head.x - hips[0]) + abs(head.z - hips[1]) < 1e-3

    house.first_frame(session)
    push("live")
    still_driven()
    bpy.data.objects[cube].location.x = 7
    push("moved")
    bpy.ops.ed.undo()
    assert bpy.data.objects[cube].location.x == 0
    still_driven()
    bpy.ops.ed.redo()
    assert bpy.data.objects[cube].location.x == 7
    still_driven()
    for _ in range(3):  # to before there was a connection, and an armature
        if bpy.ops.ed.undo.poll():
            bpy.ops.ed.undo()
    assert house.module("session").current is session
    house.first_frame(session)
    still_driven()
    for _ in range(3):
        if bpy.ops.ed.redo.poll():
            bpy.ops.ed.redo()
    still_driven()

    # Deleted, renamed, edited.
    bpy.data.objects.remove(entry().rig)
    house.until(lambda: entry().rig is not None)
    still_driven()
    entry().rig.name = "Somebody else"
    still_driven()
    entry().rig.select_set(True)
    entry().rig.users_collection[0].objects.unlink(entry().rig)
    house.until(lambda: entry().rig is not None and entry().rig.users_collection)
    still_driven()
    bpy.context.view_layer.objects.active = entry().rig
    bpy.ops.object.mode_set(mode="EDIT")
    shown = session.receiver.statistics.frames
    house.until(lambda: session.receiver.statistics.frames > shown + 3)
    bpy.ops.object.mode_set(mode="OBJECT")
    still_driven()

    # A take: an undo while it runs, an undo of what came after it, an undo of itself.
    push("take")
    bpy.ops.understudy.record_start()
    house.until(lambda: len(session.receiver.take) > 5)
    bpy.data.objects[cube].location.x = 3
    push("moved in the take")
    bpy.ops.ed.undo()
    house.until(lambda: len(session.receiver.take) > 15)
    assert bpy.ops.understudy.record_stop("EXEC_DEFAULT", True) == {"FINISHED"}
    name = entry().rig.animation_data.action.name
    bpy.data.objects[cube].location.x = 4
    push("moved after the take")
    bpy.ops.ed.undo()
    assert entry().rig.animation_data.action.name == name
    still_driven()
    bpy.ops.ed.undo()
    assert name not in bpy.data.actions
    still_driven()
    assert bpy.ops.understudy.write_take() == {"FINISHED"}
    assert len(house.module("recording").last.recorded) > 15
    assert entry().rig.animation_data.action is not None

    # A take that is cut off is kept too.
    bpy.ops.understudy.record_start()
    take = session.receiver.take
    house.until(lambda: len(take) > 5)

    # Another file: the connection belongs to the old one.
    bpy.ops.wm.read_homefile(app_template="")
    session_module = house.module("session")
    assert session_module.current is None
    assert not bpy.app.timers.is_registered(session_module._run)
    assert len(house.module("recording").last.recorded) > 5
    bpy.context.scene.understudy.address = address
    assert bpy.ops.understudy.connect() == {"FINISHED"}
    session = session_module.current
    house.first_frame(session)
    still_driven()
    house.finish("done")


main(*house.WORDS)
