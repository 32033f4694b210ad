"""Understudy for Blender 4.2 and later: live characters, cameras and faces from a stage.

The modules that say "No bpy" know nothing of Blender and are tested without it.
"""


def register() -> None:
    from . import operators, panel, settings

    settings.register()
    operators.register()
    panel.register()


def unregister() -> None:
    import sys

    from . import operators, panel, pyzmq, settings

    session = sys.modules.get(f"{__package__}.session")
    if session is not None:
        session.unregister()
    panel.unregister()
    operators.unregister()
    settings.unregister()
    pyzmq.unregister()
