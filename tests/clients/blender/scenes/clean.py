"""Switched off and on again; nothing stays behind.  clean.py ADDRESS"""

import gc
import os
import sys

import bpy
import house


def threads() -> int:
    return len(os.listdir("/proc/self/task"))


def traces() -> dict[str, object]:
    handlers = {
        f"{name}: {handler}"
        for name in dir(bpy.app.handlers)
        if isinstance(getattr(bpy.app.handlers, name), list)
        for handler in getattr(bpy.app.handlers, name)
        if "understudy" in getattr(handler, "__module__", "")
    }
    classes = [
        name
        for kind in (bpy.types.Operator, bpy.types.Panel, bpy.types.PropertyGroup)
        for name in (cls.__name__ for cls in kind.__subclasses__())
        if name.startswith("UNDERSTUDY") and hasattr(bpy.types, name)
    ]
    return {
        "handlers": sorted(handlers),
        "classes": classes,
        "property": hasattr(bpy.types.Scene, "understudy"),
        "operators": hasattr(bpy.types, "UNDERSTUDY_OT_connect"),
        "paths": [path for path in sys.path if "understudy" in path and ".local" not in path],
    }


def main(address: str) -> None:
    import addon_utils  # bpy brings it

    house.install()
    timer = None
    for _ in range(3):
        before = threads()
        bpy.context.scene.understudy.address = address
        assert bpy.ops.understudy.connect() == {"FINISHED"}
        session = house.module("session")
        timer = session._run
        house.first_frame(session.current)
        bpy.ops.understudy.record_start()
        assert bpy.app.timers.is_registered(timer)
        assert threads() > before
        there = traces()
        assert len(there["handlers"]) == 6 and there["property"], there
        addon_utils.disable(house.NAME)
        assert not bpy.app.timers.is_registered(timer)
        assert traces() == {
            "handlers": [],
            "classes": [],
            "property": False,
            "operators": False,
            "paths": [],
        }, traces()
        gc.collect()
        assert threads() == before
        addon_utils.enable(house.NAME)
    house.finish("done")


main(*house.WORDS)
