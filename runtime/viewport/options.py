"""What is drawn besides the cast, and how."""

from __future__ import annotations

from dataclasses import dataclass, field

from understudy.runtime.core.rotation import Array

from .look import Look

ANTIALIAS = ("fxaa", "taa", "none")  # of one picture, over time, not at all


@dataclass
class Options:
    """What to draw besides the cast."""

    effect: bool = True  # the learned contact shading
    image_effect: bool = True  # the effect of `Renderer.set_effect`, where one is set
    shadows: bool = True
    lens: bool = False  # depth of field, where the camera has a stop and something in focus
    shutter_deg: float = 0.0  # how long of a picture's time it is open, for motion blur; 0: sharp
    antialias: str = "fxaa"  # one of ANTIALIAS
    life: bool = True  # faces of characters blink and glance where nobody moves them
    skeleton: bool = False
    trajectory: bool = False
    contacts: bool = False
    labels: bool = False
    hud: bool = False
    aspect: float = 0.0  # of the picture that is meant: what lies outside is shaded; 0: all of it
    guides: bool = False  # its thirds, middle, and safe areas
    hidden: str | None = None  # the subject whose eyes the camera looks through
    hidden_cameras: frozenset[str] = frozenset()  # those that are this eye
    followed: str | None = None  # the subject that gets its name shown first
    veils: dict[str, Array] = field(
        default_factory=dict
    )  # a subject's name: `Cast.place` says what
    look: Look = field(default_factory=Look)
