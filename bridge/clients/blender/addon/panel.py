"""The tab "Understudy" in the 3D view's sidebar."""

import textwrap

import bpy

from understudy.runtime.core.pose import State

from . import pyzmq
from .operators import session_module

ICONS = {
    State.LIVE: "COLORSET_03_VEC",
    State.TAKEOVER: "COLORSET_02_VEC",
    State.HOLD: "COLORSET_01_VEC",
    State.LOST: "COLORSET_01_VEC",
}
_LETTER_PX = 7.0


def say(layout: bpy.types.UILayout, sentence: str, width_px: float, icon: str = "NONE") -> None:
    """A sentence on as many lines as it needs; Blender's labels do not wrap."""
    column = layout.column(align=True)
    scale = bpy.context.preferences.system.ui_scale or 1.0  # 0 without a window
    letters = max(20, int(width_px / (_LETTER_PX * scale)) - 6)
    for line in textwrap.wrap(sentence, letters):
        column.label(text=line, icon=icon)
        icon = "BLANK1" if icon != "NONE" else "NONE"


class _Tab:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Understudy"


class UNDERSTUDY_PT_stage(_Tab, bpy.types.Panel):
    bl_label = "Stage"
    bl_idname = "UNDERSTUDY_PT_stage"

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings, width = self.layout, context.scene.understudy, context.region.width
        session = session_module()
        if session is None:
            say(layout, pyzmq.MISSING, width, "ERROR")
            layout.operator("understudy.install_pyzmq", icon="IMPORT")
            return
        live = session.current
        column = layout.column()
        column.enabled = live is None
        column.prop(settings, "address")
        column.prop(settings, "key_file")
        if live is None:
            layout.operator("understudy.find", icon="VIEWZOOM")
            for one in settings.found:
                lock = "LOCKED" if one.keys else "WORLD"
                text = f"{one.name}, {one.address.removeprefix('tcp://')}"
                layout.operator("understudy.choose", text=text, icon=lock).address = one.address
            layout.operator("understudy.connect", icon="LINKED")
            if session.failure:
                say(layout, session.failure, width, "ERROR")
            return
        layout.operator("understudy.disconnect", icon="UNLINKED")
        sentence = live.receiver.sentence()
        if sentence:
            say(layout, sentence, width, "INFO")
        seen = live.receiver.statistics
        if live.frame is None:
            return
        sent, shown = seen.rates_hz()
        column = layout.column(align=True)
        column.label(text=f"{live.frame.timecode}   {sent:.1f} Hz, shown {shown:.1f} Hz")
        if live.receiver.clocks_agree:
            column.label(text=f"Age {seen.age_ms:.1f} ms, on the way {seen.latency_ms:.1f} ms")
        else:
            column.label(text="Age unknown: the stage has another clock")
        layout.prop(settings, "live", toggle=True, icon="PLAY")
        layout.prop(settings, "make")
        layout.prop(settings, "rate_hz")


class UNDERSTUDY_PT_take(_Tab, bpy.types.Panel):
    bl_label = "Take"
    bl_idname = "UNDERSTUDY_PT_take"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return session_module() is not None

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.understudy
        live = session_module().current
        layout.prop(settings, "take_name")
        layout.prop(settings, "place")
        if settings.place == "TIMECODE":
            layout.prop(settings, "zero")
        if live is not None and live.receiver.recording:
            layout.operator("understudy.record_stop", icon="SNAP_FACE")
            count, lost = len(live.receiver.take), live.receiver.statistics.lost
            layout.label(text=f"{count} frames, {lost} lost", icon="ERROR" if lost else "REC")
        else:
            layout.operator("understudy.record_start", icon="REC")
            layout.operator("understudy.write_take", icon="FILE_REFRESH")


class UNDERSTUDY_PT_cast(_Tab, bpy.types.Panel):
    bl_label = "Cast"
    bl_idname = "UNDERSTUDY_PT_cast"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        session = session_module()
        return session is not None and session.current is not None

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.understudy
        live = session_module().current
        if live.frame is None:
            return
        for subject in live.frame.subjects:
            entry = settings.subjects.get(subject.name)
            if entry is None:
                continue
            box = layout.box()
            _head(box, entry, subject.name, subject.state, subject.reason, context.region.width)
            box.prop(entry, "rig", text="")
            for sentence in live.said.get(subject.name, ()):
                say(box, sentence, context.region.width)
            if subject.skeleton.curve_names:
                row = box.row(align=True)
                meshes = ", ".join(f.mesh.name for f in entry.faces if f.mesh) or "no meshes"
                row.label(text=f"Face: {meshes}", icon="SHAPEKEY_DATA")
                row.operator("understudy.add_faces", text="", icon="ADD").subject = subject.name
                row.operator("understudy.clear_faces", text="", icon="X").subject = subject.name
        for links, things in (
            (settings.cameras, live.frame.cameras),
            (settings.props, live.frame.props),
        ):
            for thing in things:
                entry = links.get(thing.name)
                if entry is not None:
                    box = layout.box()
                    width = context.region.width
                    _head(box, entry, thing.name, thing.state, thing.reason, width)
                    box.prop(entry, "target", text="")


def _head(
    box: bpy.types.UILayout,
    entry: bpy.types.PropertyGroup,
    name: str,
    state: State,
    reason: str,
    width: float,
) -> None:
    row = box.row()
    row.alert = state in (State.HOLD, State.LOST)
    row.prop(entry, "drive", text="")
    row.label(text=f"{name}: {state.name}", icon=ICONS[state])
    if reason:
        say(box, reason, width)


CLASSES = (UNDERSTUDY_PT_stage, UNDERSTUDY_PT_take, UNDERSTUDY_PT_cast)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
