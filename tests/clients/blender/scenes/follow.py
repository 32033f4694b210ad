"""Follows the stage on an armature that the add-on made, or on one that was there before.

follow.py ADDRESS COUNT made|rolled|game
"""

import random

import bpy
import house
from mathutils import Matrix, Vector

ROLES = {
    "Hips": "pelvis",
    "Spine": "spine_01",
    "Spine1": "spine_02",
    "Spine2": "spine_03",
    "Neck": "neck_01",
    "Head": "head",
    "Shoulder": "clavicle",
    "Arm": "upperarm",
    "ForeArm": "lowerarm",
    "Hand": "hand",
    "UpLeg": "thigh",
    "Leg": "calf",
    "Foot": "foot",
    "ToeBase": "ball",
}


def game_name(name: str) -> str:
    """A joint's name as game engines have it."""
    for side, letter in (("Left", "l"), ("Right", "r")):
        if name.startswith(side):
            return f"{ROLES[name.removeprefix(side)]}_{letter}"
    return ROLES[name]


def build(kind: str, skeleton, space):
    """An armature by somebody else: other rolls and tails; `game`: lying on its back, in cm."""
    rng = random.Random(4)
    game = kind == "game"
    # The way of FBX: +Y up in the file, and an object that stands it up and scales it.
    file = Matrix.Rotation(-1.5707963267948966, 4, "X") @ Matrix.Scale(100.0 * 1.2, 4)
    data = bpy.data.armatures.new("Theirs")
    rig = bpy.data.objects.new("Theirs", data)
    bpy.context.scene.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    heads = space.positions(skeleton.rest_globals[0])
    made = []
    if game:
        root = data.edit_bones.new("root")
        root.head, root.tail = (0, 0, 0), (0, 0, 20)
    for j, name in enumerate(skeleton.names):
        bone = data.edit_bones.new(game_name(name) if game else name)
        head = Vector(heads[j])
        tail = head + Vector([rng.uniform(-1, 1) for _ in range(3)]).normalized() * 0.1
        bone.head, bone.tail = (file @ head, file @ tail) if game else (head, tail)
        bone.roll = rng.uniform(-3, 3)
        parent = int(skeleton.parents[j])
        bone.parent = made[parent] if parent >= 0 else (root if game else None)
        if game and name.endswith("Hand"):  # a bone that nobody drives, between two that are
            bone.parent = data.edit_bones.new(f"twist_{j}")
            bone.parent.head, bone.parent.tail = made[parent].head, bone.head
            bone.parent.parent = made[parent]
        made.append(bone)
    bpy.ops.object.mode_set(mode="OBJECT")
    for bone in rig.pose.bones:
        bone.rotation_mode = "XYZ"
    if game:
        rig.rotation_euler.x = 1.5707963267948966
        rig.scale = (0.01, 0.01, 0.01)
    return rig


def main(address: str, count: str, kind: str) -> None:
    session = house.connect(address)
    settings = bpy.context.scene.understudy
    settings.make = kind == "made"
    house.until(lambda: session.frame is not None)
    subject = session.frame.subjects[0]
    entry = settings.subjects[subject.name]
    if kind != "made":
        entry.rig = build(kind, subject.skeleton, house.module("space"))
    house.ready()
    house.wait()
    house.until(lambda: session.receiver.poll() is not None)
    frames = []
    while len(frames) < int(count):
        before = session.frame.sequence
        house.until(lambda: session.frame.sequence != before)  # noqa: B023
        frames.append({"sequence": session.frame.sequence, "bones": house.bones(entry.rig)})
    objects = [o.name for o in bpy.context.scene.objects if o.type == "ARMATURE"]
    house.finish({"frames": frames, "said": session.said, "armatures": objects})


main(*house.WORDS)
