"""What a joint's name says: its side, and the body words in it.

Rigs write the same joint as LeftUpLeg, lThigh, thigh_l, DEF-thigh.L, L_Hip_JNT, 左足 or
ValveBiped.Bip01_L_Thigh. A name is cut into words of one small vocabulary; prefixes and suffixes
that a whole rig shares say nothing, and words that are not in it count against a joint.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache
from typing import NamedTuple

_SIDES = {
    "left": "left", "l": "left", "lft": "left", "lt": "left", "links": "left",
    "right": "right", "r": "right", "rgt": "right", "rt": "right", "rechts": "right",
}  # fmt: skip

# canonical word -> how rigs write it
_BODY = {
    "hips": "hips hip pelvis",
    "center": "center centre cog root",
    "up": "up upper upr",
    "low": "low lower lwr",
    "fore": "fore",
    "leg": "leg",
    "thigh": "thigh thighs femur upleg",
    "shin": "calf shin tibia shank lowleg",
    "knee": "knee",
    "foot": "foot",
    "ashi": "ashi",  # Japanese: the thigh, or the foot below a shin
    "ankle": "ankle talus",
    "toe": "toe toes ball",
    "metatarsal": "metatarsal metatarsals",
    "collar": "collar clavicle clavical clav scapula",
    "shoulder": "shoulder",
    "shldr": "shldr",
    "arm": "arm",
    "uparm": "uparm uarm humerus",
    "forearm": "forearm farm lowarm radius ulna",
    "elbow": "elbow",
    "hand": "hand",
    "wrist": "wrist",
    "palm": "palm",
    "neck": "neck cervical",
    "head": "head skull",
    "face": "face",  # the head of a rig that has no other
    "thorax": "thorax",
    "spine": "spine abdomen ab belly chest ribcage torso waist back lumbar stomach sternum "
    "lowerback body",
}
# Words that every rig may add to any joint.
_NEUTRAL = (
    "jnt joint jt jnts bone bn base def rig skel skeleton bind skin sk bip biped valve valvebiped "
    "b j m c mid middle main bend mixamorig mixamo cc character actor human armature"
)
_FINGERS = "finger fingers thumb index ring pinky pinkie little metacarpal carpal inhand"
# Joints that turn, aim, end or hang beside the bone that they are named after.
_BESIDE = (
    "twist roll ik fk pole target tgt ctrl control ctl end leaf nub tip top null site effector eff "
    "goal helper share sharebone slot socket weapon prop attach skirt cloth coat cape hair muscle "
    "adj eye eyes jaw facial brow tongue lip teeth ear tail wing breast bust pec glute butt "
    "buttock rib ribs dyn jiggle corrective half mch wgt vis tweak parent nose heel big small "
    "cancel dummy"
)
# What only beasts have.
_BEAST = "front hind rear"
_PAW = "paw hoof"

_VOCABULARY: dict[str, str] = {
    **{word: kind for kind, words in _BODY.items() for word in words.split()},
    **{word: "" for word in _NEUTRAL.split()},
    **{word: "finger" for word in _FINGERS.split()},
    **{word: "beside" for word in _BESIDE.split()},
    **{word: "beast" for word in _BEAST.split()},
    **{word: "paw" for word in _PAW.split()},
}
# "twist" and "roll" are bones on the way in some rigs (CC_Base_NeckTwist01).
_VOCABULARY |= {"twist": "twist", "roll": "twist"}
_LONGEST = max(map(len, _VOCABULARY))

# MikuMikuDance, the longest first; full-width letters are narrowed before.
_JAPANESE = (
    ("全ての親", "root"), ("センター", "center"), ("グルーブ", "center"), ("キャンセル", "cancel"),
    ("スカート", "skirt"), ("ダミー", "dummy"), ("上半身", "spine"), ("下半身", "pelvis"),
    ("つま先", "toe"), ("爪先", "toe"), ("足先", "toe"), ("足首", "ankle"), ("手首", "wrist"),
    ("親指", "thumb"), ("人指", "index"), ("人差指", "index"), ("中指", "finger"),
    ("薬指", "ring"), ("小指", "little"), ("補助", "helper"), ("ひざ", "knee"), ("ヒザ", "knee"),
    ("膝", "knee"), ("ひじ", "elbow"), ("ヒジ", "elbow"), ("肘", "elbow"), ("左", "left"),
    ("右", "right"), ("太もも", "thigh"), ("太腿", "thigh"), ("大腿", "thigh"), ("下腿", "shin"),
    ("すね", "shin"), ("脛", "shin"), ("上腕", "uparm"), ("前腕", "forearm"), ("鎖骨", "collar"),
    ("足", "ashi"), ("手", "hand"), ("腕", "uparm"), ("肩", "collar"), ("首", "neck"),
    ("頭", "head"), ("腰", "hips"), ("捩", "twist"), ("髪", "hair"), ("目", "eye"), ("先", "tip"),
)  # fmt: skip
_VERTEBRA = re.compile(r"^(?:[lt]\d{1,2}|c7)$")  # Xsens: L5, L3, T12, T8
_RUN = re.compile(r"[^\W\d_]+|\d+")
_HUMP = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\WA-Z\d_]+")


class Said(NamedTuple):
    """side: "left", "right" or ""; words: kinds of the vocabulary; strange: words not in it."""

    side: str
    words: frozenset[str]
    strange: int


@lru_cache(maxsize=4096)
def _split(text: str) -> tuple[str, ...] | None:
    """A run of letters as words of the vocabulary and sides, or None where it is none."""
    if text in _VOCABULARY or text in _SIDES:
        return (text,)
    for length in range(min(_LONGEST, len(text) - 1), 1, -1):
        head = text[:length]
        if head in _VOCABULARY or (head in _SIDES and length > 2):
            rest = _split_plain(text[length:])
            if rest is not None:
                return (head, *rest)
    for mark, rest_text in ((text[0], text[1:]), (text[-1], text[:-1])):
        if mark in "lr" and len(rest_text) > 1:
            rest = _split_plain(rest_text)
            if rest is not None:
                return (mark, *rest)
    return None


def _split_plain(text: str) -> tuple[str, ...] | None:
    """As `_split`, without a side of one letter within."""
    if text in _VOCABULARY and len(text) > 1:
        return (text,)
    for length in range(min(_LONGEST, len(text) - 1), 1, -1):
        head = text[:length]
        if head in _VOCABULARY or (head in _SIDES and length > 2):
            rest = _split_plain(text[length:])
            if rest is not None:
                return (head, *rest)
    return ("l" if text == "l" else "r",) if text in ("l", "r") else None


def _runs(name: str) -> list[str]:
    """The name cut at everything that is no letter, and between letters and digits."""
    bare = unicodedata.normalize("NFKC", re.sub(r"^.*[:|]", "", name) or name)
    if not bare.isascii():
        for written, word in _JAPANESE:
            bare = bare.replace(written, f" {word} ")
    if _VERTEBRA.match(bare.lower()):
        return ["spine"]
    return _RUN.findall(bare)


@lru_cache(maxsize=64)
def read_names(names: tuple[str, ...]) -> tuple[Said, ...]:
    """What each name of a skeleton says."""
    return tuple(_said(runs) for runs in _without_what_all_share([_runs(name) for name in names]))


def _without_what_all_share(runs: list[list[str]]) -> list[list[str]]:
    """The runs less the prefix and suffix that four of five names have, unless they are sides."""
    if len(runs) < 4:
        return runs
    for end in (0, -1):
        while True:
            most, count = (
                Counter(r[end].lower() for r in runs if len(r) > 1).most_common(1)[0]
                if (any(len(r) > 1 for r in runs))
                else ("", 0)
            )
            if count < 0.8 * len(runs) or most in _SIDES:
                break
            runs = [
                (r[1:] if end == 0 else r[:-1]) if len(r) > 1 and r[end].lower() == most else r
                for r in runs
            ]
    return runs


def _said(runs: list[str]) -> Said:
    side, words, strange = "", set(), 0
    for run in runs:
        if run.isdigit():
            continue
        found = _split(run.lower())
        parts: list[str] = []
        if found is not None:
            parts += found
        else:
            for hump in _HUMP.findall(run):
                piece = _split(hump.lower())
                if piece is None:
                    strange += 1
                else:
                    parts += piece
        for part in parts:
            if part in _SIDES and not (part in ("l", "r") and side):
                side = _SIDES[part]
            elif kind := _VOCABULARY.get(part, ""):
                words.add(kind)
    return Said(side, frozenset(words), strange)
