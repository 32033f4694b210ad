"""What faces are called: ARKit's 52 curves in the words of VRM, Ready Player Me, Oculus, MetaHuman.

A table says of each word of another vocabulary what it is made of: shares of ARKit's curves. Those
of the eyes are near exact; a vowel is roughly the mouth that forms it.
"""

from __future__ import annotations

import re
from functools import lru_cache

from understudy.bridge.protocols.livelinkface import ARKIT
from understudy.bridge.protocols.vmc import VRM1_NAMES

Shares = dict[str, float]


def _both(stem: str, share: float = 0.5) -> Shares:
    return {f"{stem}Left": share, f"{stem}Right": share}


_LOOK = {
    f"look{way}": _both(f"eyeLook{way}") for way in ("Up", "Down")
} | {
    "lookLeft": {"eyeLookOutLeft": 0.5, "eyeLookInRight": 0.5},
    "lookRight": {"eyeLookInLeft": 0.5, "eyeLookOutRight": 0.5},
}  # fmt: skip
# VRM 0's clips; nine words cannot say what 52 say, and E is left to faces that have it.
CLIPS: dict[str, Shares] = {
    "A": {"jawOpen": 1.0},
    "I": _both("mouthStretch"),
    "U": {"mouthPucker": 1.0},
    "O": {"mouthFunnel": 1.0},
    "Joy": _both("mouthSmile"),
    "Angry": _both("browDown"),
    "Sorrow": _both("mouthFrown"),
    "Blink_L": {"eyeBlinkLeft": 1.0},
    "Blink_R": {"eyeBlinkRight": 1.0},
}
_VRM = {name: shares for clip, shares in CLIPS.items() for name in (clip, VRM1_NAMES[clip])} | {
    "surprised": {"browInnerUp": 0.5, **_both("eyeWide", 0.25)},
    **_LOOK,
}
# A face that closes both eyes by one word alone.
_BLINK = {name: _both("eyeBlink") for name in ("Blink", "eyesClosed")}
_READY_PLAYER_ME: dict[str, Shares] = {
    "mouthOpen": {"jawOpen": 1.0},
    "mouthSmile": _both("mouthSmile"),
    "eyesLookUp": _both("eyeLookUp"),
    "eyesLookDown": _both("eyeLookDown"),
}
_OCULUS: dict[str, Shares] = {
    "viseme_PP": {"mouthClose": 0.6, **_both("mouthPress", 0.3)},
    "viseme_FF": {"mouthRollLower": 0.8, **_both("mouthUpperUp", 0.1)},
    "viseme_TH": {"tongueOut": 1.0},
    "viseme_CH": {"mouthShrugUpper": 0.5, "mouthShrugLower": 0.5},
    "viseme_aa": {"jawOpen": 1.0},
    "viseme_E": _both("mouthStretch"),
    "viseme_I": {**_both("mouthSmile", 0.25), **_both("mouthDimple", 0.25)},
    "viseme_O": {"mouthFunnel": 1.0},
    "viseme_U": {"mouthPucker": 1.0},
}
_QUARTERS = ("UL", "UR", "DL", "DR")


def _metahuman() -> dict[str, Shares]:
    """The control curves of a MetaHuman's face, as Epic's own map of ARKit has them."""
    sides = {
        "eyeBlink": "eyeBlink", "eyeSquintInner": "eyeSquint", "eyeWiden": "eyeWide",
        "eyeLookUp": "eyeLookUp", "eyeLookDown": "eyeLookDown", "eyeCheekRaise": "cheekSquint",
        "mouthCornerPull": "mouthSmile", "mouthCornerDepress": "mouthFrown",
        "mouthDimple": "mouthDimple", "mouthStretch": "mouthStretch",
        "mouthLowerLipDepress": "mouthLowerDown", "mouthUpperLipRaise": "mouthUpperUp",
        "mouthPressU": "mouthPress", "mouthPressD": "mouthPress", "browDown": "browDown",
        "browRaiseOuter": "browOuterUp", "noseWrinkle": "noseSneer",
    }  # fmt: skip
    whole = {
        "mouthLowerLipRollIn": "mouthRollLower", "mouthUpperLipRollIn": "mouthRollUpper",
        "jawChinRaiseD": "mouthShrugLower", "jawChinRaiseU": "mouthShrugUpper",
        "browRaiseIn": "browInnerUp", "mouthCheekBlow": "cheekPuff",
    }  # fmt: skip
    out: dict[str, Shares] = {}
    for letter, side in (("L", "Left"), ("R", "Right")):
        out |= {f"{name}{letter}": {f"{curve}{side}": 1.0} for name, curve in sides.items()}
        out |= {f"{name}{letter}": {curve: 1.0} for name, curve in whole.items()}
        inward, outward = ("Right", "Left") if side == "Left" else ("Left", "Right")
        out[f"eyeLook{inward}{letter}"] = {f"eyeLookIn{side}": 1.0}
        out[f"eyeLook{outward}{letter}"] = {f"eyeLookOut{side}": 1.0}
    for name, curve in (("mouthFunnel", "mouthFunnel"), ("mouthLipsPurse", "mouthPucker"),
                        ("mouthLipsTogether", "mouthClose")):  # fmt: skip
        out |= {f"{name}{quarter}": {curve: 1.0} for quarter in _QUARTERS}
    out |= {"jawFwd": {"jawForward": 1.0}, "tongueOut": {"tongueOut": 1.0}}
    same = ("jawOpen", "jawLeft", "jawRight", "mouthLeft", "mouthRight")
    out |= {name: {name: 1.0} for name in same}
    return {f"CTRL_expressions_{name}": shares for name, shares in out.items()}


_PREFIX = re.compile(r"^.*[.:|](?=.{3})|^(?:blend_?shapes?|bs|morphs?)[_ .]?\d*[_ .](?=.{3})", re.I)
_SIDE = re.compile(r"[_ .\-](left|right|l|r)$|(left|right)$", re.I)
_LETTER = re.compile(r"(?<=[a-z])([LR])$")


@lru_cache(maxsize=4096)
def key(name: str) -> str:
    """A name for comparing: eyeBlink_L, EyeBlinkLeft and head.eyeBlinkLeft are one."""
    plain = _PREFIX.sub("", name.strip())
    if plain.lower().startswith("ctrl_expressions_"):
        return plain.lower()  # its L and R stand behind other letters too
    side = ""
    found = _SIDE.search(plain) or _LETTER.search(plain)
    if found:
        word = next(group for group in found.groups() if group)
        side = "left" if word[0] in "lL" else "right"
        plain = plain[: found.start()]
    return re.sub(r"[\W_]", "", plain).lower() + side


ARKIT_KEYS: dict[str, str] = {key(name): name for name in ARKIT}
# Word -> what it is made of. EXACT: another name of ARKit's own; ROUGH: for faces without them.
EXACT: dict[str, Shares] = {key(name): shares for name, shares in _metahuman().items()}
ROUGH: dict[str, Shares] = {
    key(name): shares
    for table in (_VRM, _BLINK, _READY_PLAYER_ME, _OCULUS)
    for name, shares in table.items()
}
# VRoid's own names of what a VRM's words move, for files that have lost the words.
_VROID = {
    "Fcl_MTH_A": "A", "Fcl_MTH_I": "I", "Fcl_MTH_U": "U", "Fcl_MTH_O": "O",
    "Fcl_EYE_Close": "Blink", "Fcl_EYE_Close_L": "Blink_L", "Fcl_EYE_Close_R": "Blink_R",
    "Fcl_ALL_Joy": "Joy",
    "Fcl_ALL_Angry": "Angry", "Fcl_ALL_Sorrow": "Sorrow",
}  # fmt: skip
SAME: dict[str, str] = {key(a): key(b) for a, b in _VROID.items()} | {
    key(new): key(old) for old, new in VRM1_NAMES.items()
}


def meant(name: str) -> str:
    """The key of a name, VRM's two versions and VRoid's own made one."""
    plain = key(name)
    return SAME.get(plain, plain)
