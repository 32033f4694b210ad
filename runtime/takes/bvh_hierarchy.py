"""The HIERARCHY part of a BVH file: text to joints and back."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

CHANNELS = tuple(f"{axis}{kind}" for kind in ("position", "rotation") for axis in "XYZ")
_BY_LOWER = {name.lower(): name for name in CHANNELS}
Channels = tuple[tuple[str, ...], ...]
_Fail = Callable[[int, str], UnderstudyError]


# The largest rigs have some hundreds; what is told from trees of joints grows with their square.
MOST_JOINTS = 2000
# Ten thousand kilometres in millimetres: more is no place and no angle.
MOST_VALUE = 1e10
_COMMENT = re.compile(r"(?:^|(?<=\s))(?:#|//).*")
_NAMED = re.compile(r"\s*(?:ROOT|JOINT)\b", re.IGNORECASE)  # a name may hold what begins a comment


@dataclass(slots=True)
class Hierarchy:
    names: list[str] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    offsets: list[list[float] | None] = field(default_factory=list)
    channels: list[tuple[str, ...]] = field(default_factory=list)
    tips: list[list[float]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def _tokens(text: str) -> Iterator[tuple[int, list[str]]]:
    """Line number from 1 and its words, braces apart, for each line that is not blank."""
    for number, line in enumerate(text.splitlines(), 1):
        if ("#" in line or "//" in line) and not _NAMED.match(line):
            line = _COMMENT.sub("", line)
        words = line.replace("{", " { ").replace("}", " } ").split()
        if words:
            yield number, words


def read_hierarchy(name: str, text: str) -> Hierarchy:
    tree = Hierarchy()
    stack: list[int] = []  # open joints; -1 for an End Site
    pending: int | None = None  # declared, its brace not open yet
    opened: list[int] = []

    def fail(line: int, cause: str) -> UnderstudyError:
        return UnderstudyError(f"{name} line {line}: {cause}")

    for line, words in _tokens(text):
        i = 0
        while i < len(words):
            word = words[i].lower()
            i += 1
            if word == "hierarchy":
                continue
            if word in ("endsite", "end_site"):
                word = "end"
            if word in ("root", "joint", "end"):
                stop = next((k for k in range(i, len(words)) if words[k] in "{}"), len(words))
                label = " ".join(words[i:stop])
                i = stop
                if pending is not None:
                    raise fail(line, f"{word.upper()} follows a joint whose '{{' is missing.")
                if word == "end":
                    if not stack or stack[-1] < 0:
                        raise fail(line, "an End Site stands outside of any joint.")
                    pending = -1
                    continue
                if not label:
                    raise fail(line, f"{word.upper()} without a name.")
                if word == "root" and tree.names:
                    raise fail(
                        line, f"a second ROOT, {label!r}; export each character to its own file."
                    )
                if word == "joint" and (not stack or stack[-1] < 0):
                    raise fail(line, f"JOINT {label!r} hangs on no joint.")
                pending = _add_joint(tree, label, stack[-1] if stack else -1, fail, line)
            elif word == "{":
                if pending is None:
                    raise fail(line, "'{' without a joint before it.")
                stack.append(pending)
                opened.append(line)
                pending = None
            elif word == "}":
                if not stack:
                    raise fail(line, "'}' closes nothing; the braces do not match.")
                joint = stack.pop()
                opened.pop()
                if joint >= 0 and tree.offsets[joint] is None:
                    raise fail(line, f"joint {tree.names[joint]!r} ends without an OFFSET.")
            elif word == "offset":
                if not stack:
                    raise fail(line, "OFFSET stands outside of any joint.")
                offset = _offset(words[i : i + 3], fail, line)
                i += 3
                if stack[-1] >= 0:
                    tree.offsets[stack[-1]] = offset
                elif np.isnan(tree.tips[stack[-2]][0]):  # the first of several End Sites
                    tree.tips[stack[-2]] = offset
            elif word == "channels":
                if not stack or stack[-1] < 0:
                    raise fail(line, "CHANNELS stand outside of any joint.")
                tree.channels[stack[-1]], i = _channels(words, i, fail, line)
            else:
                raise fail(
                    line, f"{words[i - 1][:40]!r} is no word of a BVH hierarchy; is this a BVH?"
                )
    if not tree.names:
        raise UnderstudyError(f"{name} has no ROOT joint: the hierarchy is empty or no BVH.")
    if stack or pending is not None:
        where = f" (the '{{' of line {opened[-1]} is open)" if opened else ""
        raise UnderstudyError(f"{name}: the hierarchy ends before its last '}}'{where}.")
    if not any(tree.channels):
        raise UnderstudyError(f"{name}: no joint of the hierarchy has CHANNELS, so nothing moves.")
    return tree


def _add_joint(tree: Hierarchy, label: str, parent: int, fail: _Fail, line: int) -> int:
    if len(tree.names) == MOST_JOINTS:
        raise fail(line, f"more than {MOST_JOINTS:,} joints, which is no body's skeleton.")
    above = parent
    while above >= 0:
        if tree.names[above] == label:
            raise fail(line, f"joint {label!r} lies below itself: the hierarchy is cyclic.")
        above = tree.parents[above]
    unique, number = label, 1
    while unique in tree.names:
        number += 1
        unique = f"{label}.{number}"
    if unique != label:
        tree.notes.append(f"The second joint named {label!r} (line {line}) is called {unique!r}.")
    tree.names.append(unique)
    tree.parents.append(parent)
    tree.offsets.append(None)
    tree.channels.append(())
    tree.tips.append([np.nan] * 3)
    return len(tree.names) - 1


def _offset(words: list[str], fail: _Fail, line: int) -> list[float]:
    text = " ".join(words).replace(";", " ").replace(",", ".")  # decimal commas
    words = text.split()
    try:
        if "_" in text:  # Python alone reads 1_000
            raise ValueError
        offset = [float(word) for word in words]
    except ValueError:
        raise fail(line, f"OFFSET {' '.join(words)} is not three numbers.") from None
    if len(offset) != 3 or not all(map(math.isfinite, offset)):
        raise fail(line, f"OFFSET {' '.join(words)} is not three finite numbers.")
    if max(map(abs, offset)) > MOST_VALUE:
        raise fail(line, f"OFFSET {' '.join(words)} is longer than any bone.")
    return offset


def _channels(words: list[str], i: int, fail: _Fail, line: int) -> tuple[tuple[str, ...], int]:
    try:
        count = int(words[i])
    except (IndexError, ValueError):
        raise fail(line, "CHANNELS without a number.") from None
    found = words[i + 1 : i + 1 + count]
    for word in found:
        if word.lower() not in _BY_LOWER:
            raise fail(line, f"channel {word[:40]!r} is unknown; known are {', '.join(CHANNELS)}.")
    if len(found) != count or (words[i + 1 + count :] and words[i + 1 + count] not in "{}"):
        named = len(words) - i - 1
        raise fail(line, f"CHANNELS {count} is followed by {named} names.")
    names = tuple(_BY_LOWER[w.lower()] for w in found)
    positions = [n for n in names if n.endswith("position")]
    if len(set(positions)) != len(positions):
        raise fail(line, f"a position channel is named twice in {' '.join(found)}.")
    return names, i + 1 + count


def file_order(skeleton: Skeleton) -> list[int]:
    """Joint indices in the order in which a file nests them: each joint before its children."""
    order, stack = [], [0]
    while stack:
        joint = stack.pop()
        order.append(joint)
        stack.extend(reversed(skeleton.children(joint)))
    return order


def hierarchy_lines(
    skeleton: Skeleton, channels: Channels, offsets: Array, tips: Array
) -> list[str]:
    """The lines after HIERARCHY; offsets and tips (J, 3) are in file units."""
    lines: list[str] = []
    order = file_order(skeleton)
    depths = np.zeros(len(skeleton), int)
    for j in range(1, len(skeleton)):
        depths[j] = depths[skeleton.parents[j]] + 1
    for at, j in enumerate(order):
        depth = int(depths[j])
        tab = "\t" * depth
        lines += [
            f"{tab}{'JOINT' if depth else 'ROOT'} {_plain_name(skeleton.names[j])}",
            f"{tab}{{",
            f"{tab}\t{_offset_line(offsets[j])}",
            f"{tab}\tCHANNELS {len(channels[j])} {' '.join(channels[j])}".rstrip(),
        ]
        following = int(depths[order[at + 1]]) if at + 1 < len(order) else 0
        if following <= depth or not np.isnan(tips[j]).any():
            end = _offset_line(np.nan_to_num(tips[j]))
            lines += [f"{tab}\tEnd Site", f"{tab}\t{{", f"{tab}\t\t{end}", f"{tab}\t}}"]
        lines += ["\t" * d + "}" for d in range(depth, following - 1, -1)]
    return lines


def _offset_line(v: Array) -> str:
    return "OFFSET " + " ".join(f"{round(float(x), 6) + 0.0:.6f}" for x in v)


def _plain_name(name: str) -> str:
    """A name that a BVH can hold: on one line, without braces."""
    return " ".join(name.replace("{", "(").replace("}", ")").split()) or "joint"
