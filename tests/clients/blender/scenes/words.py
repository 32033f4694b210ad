"""What the sidebar says when something is wrong.  words.py NOBODY OTHER_VERSION GARBAGE STAGE"""

import bpy
import house
from sidebar import drawn


def refused(address: str, key: str = "") -> str:
    """The sentence with which Connect refuses."""
    settings = bpy.context.scene.understudy
    settings.address, settings.key_file = address, key
    try:
        bpy.ops.understudy.connect()
    except RuntimeError as error:
        assert str(error).removeprefix("Error: ").strip() in drawn()
        return str(error)
    raise AssertionError("it was not refused")


def said(address: str, word: str) -> str:
    """What the sidebar says once it has this word."""
    settings = bpy.context.scene.understudy
    settings.address, settings.key_file = address, ""
    assert bpy.ops.understudy.connect() == {"FINISHED"}
    assert "Connecting ..." in drawn()
    house.until(lambda: word in drawn())
    text = drawn()
    assert bpy.ops.understudy.disconnect() == {"FINISHED"}
    return text


def hidden(address: str) -> str:
    """What is said when what the add-on makes would lie in a collection that is switched off."""
    scene = bpy.context.scene
    house.module("settings").collection(scene)
    bpy.context.view_layer.layer_collection.children["Understudy"].exclude = True
    scene.understudy.address = address
    bpy.ops.understudy.connect()
    session = house.module("session")
    while session.current is not None:
        session._run()
    assert not [o for o in scene.objects if o.type == "ARMATURE"]
    return drawn()


def main(nobody: str, other_version: str, garbage: str, stage: str) -> None:
    house.install()
    idle = drawn()
    house.finish(
        {
            "idle": idle,
            "no address": refused("stage:5570"),
            "no key": refused(nobody, "/nowhere/laptop.key"),
            "nobody": said(nobody, "Nothing comes"),
            "version": said(other_version, "schema version 2"),
            "garbage": said(garbage, "no stage's"),
            "hidden": hidden(stage),
        }
    )


main(*house.WORDS)
