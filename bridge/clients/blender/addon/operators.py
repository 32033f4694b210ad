"""The buttons."""

from typing import ClassVar

import bpy

from understudy.runtime.core.errors import UnderstudyError

from . import pyzmq, stages


def session_module():
    """`session`, which needs zmq; None where that is missing, or is another Python's."""
    if not pyzmq.present():
        return None
    try:
        from . import session
    except ImportError:
        return None
    return session


class UNDERSTUDY_OT_connect(bpy.types.Operator):
    bl_idname = "understudy.connect"
    bl_label = "Connect"
    bl_description = "Receive from the stage; it need not run yet"

    def execute(self, context: bpy.types.Context) -> set[str]:
        session = session_module()
        if session is None:
            self.report({"ERROR"}, pyzmq.MISSING)
            return {"CANCELLED"}
        try:
            session.connect(context.scene)
        except UnderstudyError as error:
            session.failure = str(error)
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class UNDERSTUDY_OT_find(bpy.types.Operator):
    bl_idname = "understudy.find"
    bl_label = "Find stages"
    bl_description = "Looks for stages on this network for a second; Blender waits for it"

    def execute(self, context: bpy.types.Context) -> set[str]:
        found = context.scene.understudy.found
        found.clear()
        for stage in stages.look():
            one = found.add()
            one.name, one.address, one.keys = stage.name, stage.address, stage.keys
        if not len(found):
            self.report({"INFO"}, "No stage on this network announces itself; give its address.")
        return {"FINISHED"}


class UNDERSTUDY_OT_choose(bpy.types.Operator):
    bl_idname = "understudy.choose"
    bl_label = "Take this stage"
    bl_description = "Its address becomes this scene's"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}
    address: bpy.props.StringProperty()  # type: ignore[valid-type]

    def execute(self, context: bpy.types.Context) -> set[str]:
        context.scene.understudy.address = self.address
        return {"FINISHED"}


class UNDERSTUDY_OT_disconnect(bpy.types.Operator):
    bl_idname = "understudy.disconnect"
    bl_label = "Disconnect"
    bl_description = "Stop receiving; the scene stays as it is. A take that runs is written"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        session = session_module()
        if session is not None:
            if session.current is not None and session.current.receiver.recording:
                bpy.ops.understudy.record_stop()
            session.disconnect()
        return {"FINISHED"}


class UNDERSTUDY_OT_install_pyzmq(bpy.types.Operator):
    bl_idname = "understudy.install_pyzmq"
    bl_label = "Install pyzmq"
    bl_description = "Downloads pyzmq into a folder of this add-on; Blender waits for it"

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            pyzmq.install()
        except UnderstudyError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, "pyzmq is installed.")
        return {"FINISHED"}


def _recording() -> bool:
    session = session_module()
    return bool(session and session.current and session.current.receiver.recording)


class UNDERSTUDY_OT_record_start(bpy.types.Operator):
    bl_idname = "understudy.record_start"
    bl_label = "Record"
    bl_description = "Keep every frame that comes, whatever the viewport manages to show"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        session = session_module()
        return bool(session and session.current) and not _recording()

    def execute(self, context: bpy.types.Context) -> set[str]:
        from . import recording

        recording.start(context.scene)
        return {"FINISHED"}


class UNDERSTUDY_OT_record_stop(bpy.types.Operator):
    bl_idname = "understudy.record_stop"
    bl_label = "Stop"
    bl_description = "End the take and write it into the scene as actions and markers"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _recording()

    def execute(self, context: bpy.types.Context) -> set[str]:
        from . import recording

        recording.stop()
        return _write_last(self, context.scene)


class UNDERSTUDY_OT_write_take(bpy.types.Operator):
    bl_idname = "understudy.write_take"
    bl_label = "Write Last Take Again"
    bl_description = "The last take is kept until Blender ends, whatever was undone or deleted"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if session_module() is None:
            return False
        from . import recording

        return recording.last is not None

    def execute(self, context: bpy.types.Context) -> set[str]:
        return _write_last(self, context.scene)


def _write_last(operator: bpy.types.Operator, scene: bpy.types.Scene) -> set[str]:
    from . import recording

    try:
        said = recording.write(scene)
    except UnderstudyError as error:
        operator.report({"WARNING"}, str(error))
        return {"CANCELLED"}
    operator.report({"INFO"}, said)
    return {"FINISHED"}


class UNDERSTUDY_OT_add_faces(bpy.types.Operator):
    bl_idname = "understudy.add_faces"
    bl_label = "Use Selected Meshes"
    bl_description = "The subject's face curves move the shape keys of the selected meshes"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    subject: bpy.props.StringProperty()  # type: ignore[valid-type]

    def execute(self, context: bpy.types.Context) -> set[str]:
        entry = context.scene.understudy.subjects.get(self.subject)
        meshes = [o for o in context.selected_objects if o.type == "MESH" and o.data.shape_keys]
        if entry is None or not meshes:
            self.report({"WARNING"}, "Select meshes that have shape keys.")
            return {"CANCELLED"}
        there = {face.mesh for face in entry.faces}
        for mesh in meshes:
            if mesh not in there:
                entry.faces.add().mesh = mesh
        return {"FINISHED"}


class UNDERSTUDY_OT_clear_faces(bpy.types.Operator):
    bl_idname = "understudy.clear_faces"
    bl_label = "Clear"
    bl_description = "The subject moves no meshes' shape keys any more"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    subject: bpy.props.StringProperty()  # type: ignore[valid-type]

    def execute(self, context: bpy.types.Context) -> set[str]:
        entry = context.scene.understudy.subjects.get(self.subject)
        if entry is not None:
            entry.faces.clear()
        return {"FINISHED"}


CLASSES = (
    UNDERSTUDY_OT_connect,
    UNDERSTUDY_OT_find,
    UNDERSTUDY_OT_choose,
    UNDERSTUDY_OT_disconnect,
    UNDERSTUDY_OT_install_pyzmq,
    UNDERSTUDY_OT_record_start,
    UNDERSTUDY_OT_record_stop,
    UNDERSTUDY_OT_write_take,
    UNDERSTUDY_OT_add_faces,
    UNDERSTUDY_OT_clear_faces,
)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
