"""The panels of the add-on, drawn onto a list, because a module of Python has no windows."""

from __future__ import annotations

from types import SimpleNamespace

import bpy
import house


class Layout:
    """Takes what a panel draws, and refuses names that Blender would refuse."""

    icons = bpy.types.UILayout.bl_rna.functions["label"].parameters["icon"].enum_items

    def __init__(self, texts: list[str]) -> None:
        self.texts = texts
        self.alert = False
        self.enabled = True

    def label(self, *, text: str = "", icon: str = "NONE") -> None:
        assert icon in self.icons, icon
        self.texts.append(text + (" !" if self.alert else ""))

    def prop(self, data, name: str, *, text: str = "?", icon: str = "NONE", **_: object) -> None:
        assert name in data.bl_rna.properties, name
        assert icon in self.icons, icon

    def operator(self, name: str, *, text: str = "?", icon: str = "NONE") -> SimpleNamespace:
        assert icon in self.icons, icon
        group, operator = name.split(".")
        known = getattr(bpy.types, f"{group.upper()}_OT_{operator}")
        self.texts.append(f"[{known.bl_label}]")
        return SimpleNamespace()

    def row(self, **_: object) -> Layout:
        return Layout(self.texts)

    column = box = row


def drawn() -> str:
    """Everything that the sidebar says, panels that do not show left out."""
    texts: list[str] = []
    context = SimpleNamespace(scene=bpy.context.scene, region=SimpleNamespace(width=4000))
    for cls in house.module("panel").CLASSES:
        if not hasattr(cls, "poll") or cls.poll(context):
            cls.draw(SimpleNamespace(layout=Layout(texts)), context)
    return "\n".join(texts)
