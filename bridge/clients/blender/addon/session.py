"""The connection while it lasts: a timer that takes the newest frame and moves the scene.

It holds on to no object of Blender's: what it moves, it finds anew at each tick in the scene's
settings. So an undo may replace every object in memory between two ticks.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import bpy
from bpy.app.handlers import persistent

from understudy.bridge.security import keys
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import Camera, Frame, Prop, Subject

from . import armature, scenery
from .receiver import Receiver
from .rig import Binding
from .settings import link, present

IDLE_REDRAW_S = 0.25

log = logging.getLogger(__name__)


class Session:
    """A receiver, and for which scene.

    frame      the newest frame, for the panel
    said       sentences about each subject, camera and prop, by name
    """

    def __init__(self, scene: bpy.types.Scene) -> None:
        settings = scene.understudy
        path = bpy.path.abspath(settings.key_file)
        self.receiver = Receiver(settings.address, keys.read_for_stage(path) if path else None)
        self.scene_uid: int = scene.session_uid
        self.frame: Frame | None = None
        self.said: dict[str, list[str]] = {}
        self.rendering = False
        self._bindings: dict[str, tuple[tuple, Binding]] = {}

    def scene(self) -> bpy.types.Scene | None:
        return next((s for s in bpy.data.scenes if s.session_uid == self.scene_uid), None)

    def tick(self) -> bool:
        """Takes what came and moves the scene; whether there was something."""
        frame = self.receiver.poll()
        scene = self.scene()
        if frame is None or scene is None:
            return False
        self.frame = frame
        if scene.understudy.live and not self.rendering:
            self.show(scene, frame)
        return True

    def show(self, scene: bpy.types.Scene, frame: Frame) -> None:
        """Moves whatever the scene has of this frame, and makes what it lacks."""
        settings = scene.understudy
        playing = any(w.screen.is_animation_playing for w in bpy.context.window_manager.windows)
        for subject in frame.subjects:
            entry = link(settings.subjects, subject.name)
            rig = self._rig(scene, entry, subject)
            if rig is not None and not (playing and _animated(rig)):
                self._pose(rig, subject)
            for face in entry.faces if entry.drive else ():
                if face.mesh is not None and not playing:
                    scenery.move_face(face.mesh, subject)
        for camera in frame.cameras:
            entry = link(settings.cameras, camera.name)
            target = self._target(scene, entry, scenery.make_camera, camera)
            if target is not None and not (playing and _animated(target)):
                scenery.move_camera(target, camera)
        for prop in frame.props:
            entry = link(settings.props, prop.name)
            target = self._target(scene, entry, scenery.make_prop, prop)
            if target is not None and not (playing and _animated(target)):
                scenery.move_prop(target, prop)

    def _rig(
        self, scene: bpy.types.Scene, entry: bpy.types.PropertyGroup, subject: Subject
    ) -> bpy.types.Object | None:
        """The armature of a subject; made where the scene has none."""
        if not entry.drive:
            return None
        if not present(scene, entry.rig):
            entry.rig = entry.made if present(scene, entry.made) else None
        skeleton = f"{subject.skeleton.id:016x}"
        made = entry.rig is not None and entry.rig == entry.made
        if made and entry.made_for != skeleton and entry.rig.mode != "EDIT":
            if not self.binding(entry.rig, subject).same:
                # Another skeleton under the same name: the old armature stays for whoever uses it.
                entry.rig = None
            entry.made_for = skeleton
        if entry.rig is None and scene.understudy.make:
            if armature.can_make(bpy.context):
                entry.rig = entry.made = armature.make(scene, subject.name, subject.skeleton)
                entry.made_for = skeleton
            else:
                self.said[subject.name] = [
                    "Its armature is made as soon as you are in object mode."
                ]
        return entry.rig

    def _target(
        self,
        scene: bpy.types.Scene,
        entry: bpy.types.PropertyGroup,
        make: Callable[[bpy.types.Scene, Any], bpy.types.Object],
        thing: Camera | Prop,
    ) -> bpy.types.Object | None:
        """The object of a camera or a prop; made where the scene has none."""
        if entry.drive and not present(scene, entry.target):
            entry.target = make(scene, thing) if scene.understudy.make else None
        return entry.target if entry.drive else None

    def _pose(self, rig: bpy.types.Object, subject: Subject) -> None:
        if rig.mode == "EDIT":
            self._bindings.pop(subject.name, None)
            return
        armature.pose(rig, self.binding(rig, subject), subject.pose)

    def binding(self, rig: bpy.types.Object, subject: Subject) -> Binding:
        """Which joint moves which bone, worked out anew when either side is another."""
        key = (rig.session_uid, rig.data.session_uid, len(rig.pose.bones), subject.skeleton.id)
        known = self._bindings.get(subject.name)
        if known is None or known[0] != key:
            known = self._bindings[subject.name] = key, armature.bound(rig, subject.skeleton)
            self.said[subject.name] = armature.report(rig, known[1])
        return known[1]

    def forget(self) -> None:
        """What was worked out about objects may be wrong now."""
        self._bindings.clear()

    def close(self) -> None:
        self.receiver.close()


def _animated(thing: bpy.types.Object) -> bool:
    return thing.animation_data is not None and thing.animation_data.action is not None


# The one connection of this Blender, and why there is none.
current: Session | None = None
failure = ""
_drawn_s = 0.0


def connect(scene: bpy.types.Scene) -> None:
    """Opens the connection of this scene; raises UnderstudyError."""
    global current, failure
    register()
    failure = ""
    current = Session(scene)
    bpy.app.timers.register(_run, first_interval=0.0)


def disconnect() -> None:
    """Closes it, if there is one; a take that runs stays in `recording.last`."""
    global current
    if bpy.app.timers.is_registered(_run):
        bpy.app.timers.unregister(_run)
    if current is not None:
        current.close()
        current = None


def _run() -> float | None:
    """A tick of the timer; returns when the next is due, None for never."""
    global failure
    if current is None:
        return None
    scene = current.scene()
    if scene is None:
        disconnect()
        failure = "The scene that was connected is gone."
        return None
    came = True
    try:
        came = current.tick()
    except UnderstudyError as error:
        disconnect()
        failure = f"Disconnected. {error}"
        return None
    except Exception as error:  # the edge to Blender: a timer that raises dies unseen
        log.exception("A frame could not be shown.")
        disconnect()
        failure = f"Disconnected, because a frame could not be shown: {error!r}"
        return None
    finally:
        _redraw(came)
    return float(1.0 / scene.understudy.rate_hz)


def _redraw(came: bool) -> None:
    """The viewports and the sidebar; without news only now and then, for the words in it."""
    global _drawn_s
    now_s = time.monotonic()
    if not came and now_s - _drawn_s < IDLE_REDRAW_S:
        return
    _drawn_s = now_s
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.tag_redraw()


@persistent
def _on_undo(*_: object) -> None:
    if current is not None:
        current.forget()


@persistent
def _on_load(*_: object) -> None:
    disconnect()


@persistent
def _on_render(*_: object) -> None:
    if current is not None:
        current.rendering = True


@persistent
def _on_rendered(*_: object) -> None:
    if current is not None:
        current.rendering = False


HANDLERS = (
    ("undo_post", _on_undo),
    ("redo_post", _on_undo),
    ("load_pre", _on_load),
    ("render_init", _on_render),
    ("render_complete", _on_rendered),
    ("render_cancel", _on_rendered),
)


def register() -> None:
    """Handlers stay from the first connection on, through the loading of files too."""
    unregister()
    for name, handler in HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)


def unregister() -> None:
    disconnect()
    for name, handler in HANDLERS:
        handlers = getattr(bpy.app.handlers, name)
        if handler in handlers:
            handlers.remove(handler)
