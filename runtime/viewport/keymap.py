"""The keys of the viewport's window, for its last line and for --help. The pad's are `play`'s."""

from __future__ import annotations

from understudy.runtime.core.buttons import ACTIONS

KEYS = (
    ("1-5", "camera"),
    ("drag", "turn"),
    ("wheel", "zoom"),
    ("Home or 0", "frame all"),
    ("End or 9", "frame the followed"),
    ("Tab", "follow the next"),
    ("P", "sources and subjects"),
    ("R", "record or stop"),
    ("M", "marker"),
    ("C", "circle the take"),
    ("G", "take: play or stop"),
    (", and .", "a frame back, on"),
    ("N", "the next take"),
    ("I", "learn a fader"),
    ("Y", "the followed faces this camera"),
    ("X", "stands on the mark"),
    ("J", "faces ahead"),
    ("Z", "takes a T-pose"),
    ("O", "contact shading"),
    ("E", "image effect"),
    ("B", "blinks"),
    ("K", "bones"),
    ("T", "path"),
    ("F", "feet"),
    ("L", "names"),
    ("H", "figures"),
    ("U", "guides"),
    ("V", "depth of field"),
    ("F7", "motion blur"),
    ("F8", "smoothing over time"),
    ("Ctrl+P", "search commands"),
    ("Ctrl+Z, Ctrl+Y", "undo, redo"),
    ("Ctrl+1-9", "go to a bookmark (with Shift: keep the view)"),
    ("click", "follow who is there"),
    ("F11", "full screen"),
    ("F12", "screenshot"),
    ("Esc", "quit"),
)

# Keys that put the followed subject right, by the control socket's words.
RESETS = {"Y": "camera", "X": "mark", "J": "heading", "Z": "t_pose"}


def line(gap: str = "   ") -> str:
    return gap.join(f"{key} {does}" for key, does in KEYS)


FIRST = ("action1", "action2", "action3", "action4")
KIND_NAME = {"third": "third person", "first": "first person", "orbit": "orbit", "fixed": "fixed"}
SCOPE_NAME = {"near": "", "all": ", everybody", "one": ", alone"}
HINTS = (
    line() + "\n"
    "WASD go   Shift run   Ctrl strafe   Space jump   Q mirror   "
    + "   ".join(f"Alt+{b[-1]} {does}" for b, does in ACTIONS.items() if b in FIRST)
    + "   Alt+5 .. 0, Alt+Shift+1 .. 0: more"
)
