"""What a scene remembers: the address, and which object each subject, camera and prop moves.

Blender keeps these pointers right through undo, renaming, deletion, saving and loading; nothing
else in the add-on holds on to an object.
"""

# mypy: disable-error-code="valid-type"
# No `from __future__ import annotations`: Blender reads the annotations as they are.

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    PointerProperty,
    StringProperty,
)

DRIVE = "Moved by the stage; off leaves the object alone"


def _is_armature(_: object, candidate: bpy.types.Object) -> bool:
    return bool(candidate.type == "ARMATURE")


class UNDERSTUDY_PG_face(bpy.types.PropertyGroup):
    mesh: PointerProperty(type=bpy.types.Object)


class UNDERSTUDY_PG_subject(bpy.types.PropertyGroup):
    """One character of the stage; `name` is the stage's."""

    drive: BoolProperty(name="Drive", default=True, description=DRIVE)
    rig: PointerProperty(
        type=bpy.types.Object,
        poll=_is_armature,
        name="Armature",
        description="The armature that this subject moves; empty: one is made",
    )
    # The armature that the add-on made, and the id of the skeleton that it made it for.
    made: PointerProperty(type=bpy.types.Object)
    made_for: StringProperty()
    faces: CollectionProperty(type=UNDERSTUDY_PG_face)


class UNDERSTUDY_PG_thing(bpy.types.PropertyGroup):
    """One camera or prop of the stage; `name` is the stage's."""

    drive: BoolProperty(name="Drive", default=True, description=DRIVE)
    target: PointerProperty(
        type=bpy.types.Object,
        name="Object",
        description="The object that is moved; empty: one is made",
    )


class UNDERSTUDY_PG_found(bpy.types.PropertyGroup):
    """A stage that announces itself on the network."""

    address: StringProperty()
    keys: BoolProperty()


class UNDERSTUDY_PG_settings(bpy.types.PropertyGroup):
    address: StringProperty(
        name="Stage",
        default="tcp://127.0.0.1:5570",
        description="Where `understudy stage` publishes",
    )
    key_file: StringProperty(
        name="Key",
        subtype="FILE_PATH",
        description="This machine's NAME.key, for a stage that asks for keys; else empty",
    )
    rate_hz: FloatProperty(
        name="Updates a second",
        default=60.0,
        min=1.0,
        max=240.0,
        description="At most so often the newest pose is taken over; takes hold every frame anyway",
    )
    make: BoolProperty(
        name="Make what is missing",
        default=True,
        description="An armature, camera or empty for whatever the stage has and the scene lacks",
    )
    live: BoolProperty(
        name="Live", default=True, description="Off: the scene keeps its pose, to look at a take"
    )
    take_name: StringProperty(name="Take", default="take", description="The name of the actions")
    place: EnumProperty(
        name="Begins",
        items=(
            ("CURRENT", "At the current frame", "The take begins where the playhead stands"),
            ("TIMECODE", "At its timecode", "Counted from the timecode of frame 0"),
        ),
        default="CURRENT",
    )
    zero: StringProperty(
        name="Frame 0 is",
        default="00:00:00:00",
        description="Timecode of frame 0. Blender's last is 1048574, 12 hours on at 24 a second",
    )
    found: CollectionProperty(type=UNDERSTUDY_PG_found)
    subjects: CollectionProperty(type=UNDERSTUDY_PG_subject)
    cameras: CollectionProperty(type=UNDERSTUDY_PG_thing)
    props: CollectionProperty(type=UNDERSTUDY_PG_thing)
    collection: PointerProperty(type=bpy.types.Collection)


CLASSES = (
    UNDERSTUDY_PG_face,
    UNDERSTUDY_PG_subject,
    UNDERSTUDY_PG_thing,
    UNDERSTUDY_PG_found,
    UNDERSTUDY_PG_settings,
)


def link(links: bpy.types.CollectionProperty, name: str) -> bpy.types.PropertyGroup:
    """The entry of that name, made if there is none."""
    found = links.get(name)
    if found is None:
        found = links.add()
        found.name = name
    return found


def collection(scene: bpy.types.Scene) -> bpy.types.Collection:
    """Where what the add-on makes is put."""
    settings = scene.understudy
    inside = settings.collection
    if inside is None or inside.name not in scene.collection.children:
        inside = settings.collection = bpy.data.collections.new("Understudy")
        scene.collection.children.link(inside)
    return inside


def present(scene: bpy.types.Scene, thing: bpy.types.Object | None) -> bool:
    """Whether an object is there and was not deleted: a pointer keeps deleted ones in memory."""
    return thing is not None and scene.objects.get(thing.name) == thing


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.understudy = PointerProperty(type=UNDERSTUDY_PG_settings)


def unregister() -> None:
    del bpy.types.Scene.understudy
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
