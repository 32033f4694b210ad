"""What the sidebar says when something is wrong.  words.py NOBODY OTHER_VERSION GARBAGE"""

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


def main(nobody: str, other_version: str, garbage: str) -> None:
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
        }
    )


main(*house.WORDS)
