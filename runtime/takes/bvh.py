"""BVH files, in and out.

Reading is strict about what would make a wrong motion (and names file, line and cause) and lenient
about dress: case, tabs, CRLF, blank lines, frames that run over several lines. Position channels
replace the joint's OFFSET, on any joint, as Blender, MotionBuilder and Maya have it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

from .clip import Clip, Raw, guess_unit, guess_up, has_tpose_first_frame
from .rest import rest_of_motion, stands

CHANNELS = tuple(f"{axis}{kind}" for kind in ("position", "rotation") for axis in "XYZ")
_BY_LOWER = {name.lower(): name for name in CHANNELS}
_JSON = msgspec.json.Decoder(list[float])
_Z_UP_TO_Y_UP = rotation.from_axis_angle([1.0, 0.0, 0.0], -0.5 * np.pi)
ROOT_CHANNELS = (*CHANNELS[:3], "Zrotation", "Yrotation", "Xrotation")
JOINT_CHANNELS = ROOT_CHANNELS[3:]


@dataclass(slots=True)
class _Hierarchy:
    names: list[str] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    offsets: list[list[float] | None] = field(default_factory=list)
    channels: list[tuple[str, ...]] = field(default_factory=list)
    tips: list[list[float]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read(path: Path | str, unit_m: float | None = None, up: str | None = None) -> Clip:
    """The clip of a BVH file, in metres and +Y up.

    unit_m is the length of the file's unit and up its vertical axis, "Y" or "Z"; left out, both are
    guessed and the guess is in `clip.notes`.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnderstudyError(f"{path} cannot be read: {error.strerror}.") from None
    start = re.search(rb"(?im)^[ \t]*MOTION[ \t\r]*$", content)
    head = content[: start.start()] if start else content
    tree = _read_hierarchy(path.name, head.decode("utf-8-sig", errors="replace"))
    if start is None:
        raise UnderstudyError(
            f"{path.name} has no line MOTION: the file ends with its hierarchy or was cut there."
        )
    frame_time_s, values = _read_motion(
        path.name, content, start.end(), sum(len(c) for c in tree.channels)
    )
    return _clip(path, tree, frame_time_s, values, unit_m, up)


def _tokens(text: str) -> Iterator[tuple[int, list[str]]]:
    """Line number from 1 and its words, braces apart, for each line that is not blank."""
    for number, line in enumerate(text.splitlines(), 1):
        words = line.replace("{", " { ").replace("}", " } ").split()
        if words:
            yield number, words


def _read_hierarchy(name: str, text: str) -> _Hierarchy:
    tree = _Hierarchy()
    stack: list[int] = []  # open joints; -1 for an End Site
    pending: int | None = None  # declared, its brace not open yet
    opened: list[int] = []
    words_of: list[tuple[int, str]] = []

    def fail(line: int, cause: str) -> UnderstudyError:
        return UnderstudyError(f"{name} line {line}: {cause}")

    for line, words in _tokens(text):
        words_of.clear()
        i = 0
        while i < len(words):
            word = words[i].lower()
            i += 1
            if word == "hierarchy":
                continue
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


def _add_joint(tree: _Hierarchy, label: str, parent: int, fail, line: int) -> int:  # type: ignore[no-untyped-def]
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


def _offset(words: list[str], fail, line: int) -> list[float]:  # type: ignore[no-untyped-def]
    try:
        offset = [float(w) for w in words]
    except ValueError:
        raise fail(line, f"OFFSET {' '.join(words)} is not three numbers.") from None
    if len(offset) != 3 or not np.all(np.isfinite(offset)):
        raise fail(line, f"OFFSET {' '.join(words)} is not three finite numbers.")
    return offset


def _channels(words: list[str], i: int, fail, line: int) -> tuple[tuple[str, ...], int]:  # type: ignore[no-untyped-def]
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


def _read_motion(name: str, content: bytes, at: int, columns: int) -> tuple[float, Array]:
    """Frame time in seconds and the values (T, C) that follow the line MOTION at byte `at`."""

    def line_at(position: int) -> int:
        return content.count(b"\n", 0, position) + 1

    def header(label: str, position: int) -> tuple[bytes, int]:
        pattern = rb"\s*" + label.replace(" ", r"[ \t]*").encode() + rb"[ \t]*:[ \t]*([^\r\n]*)"
        found = re.compile(pattern, re.IGNORECASE).match(content, position)
        if found is None:
            raise UnderstudyError(
                f"{name} line {min(line_at(position) + 1, line_at(len(content)))}: "
                f"'{label}:' is missing after MOTION."
            )
        return found[1].strip(), found.end()

    text, after_frames = header("Frames", at)
    try:
        frames = int(text)
    except ValueError:
        raise UnderstudyError(
            f"{name} line {line_at(after_frames)}: Frames: {text.decode(errors='replace')[:40]!r} "
            "is not a whole number."
        ) from None
    if frames < 1:
        raise UnderstudyError(f"{name} line {line_at(after_frames)}: {frames} frames, no motion.")
    text, end = header("Frame Time", after_frames)
    try:
        frame_time_s = float(text)
    except ValueError:
        frame_time_s = np.nan
    if not (np.isfinite(frame_time_s) and frame_time_s > 0.0):
        raise UnderstudyError(
            f"{name} line {line_at(end)}: frame time {text.decode(errors='replace')[:40]!r}; "
            "it must be more than 0 seconds."
        )
    return frame_time_s, _read_values(name, content[end:], line_at(end), frames, columns)


def _read_values(name: str, block: bytes, first_line: int, frames: int, columns: int) -> Array:
    """(T, C) values of the motion block; one line of text at a time, so that each is counted."""
    lines = block.split(b"\n")
    values = np.empty((frames, columns))
    row = 0
    if b"," in block:  # a decimal comma; JSON would take it for two numbers
        raise _damage(name, lines, first_line, frames, columns)
    for line in lines:
        line = line.strip()
        if not line:
            continue
        try:
            numbers = _numbers(line)
        except ValueError:
            raise _damage(name, lines, first_line, frames, columns) from None
        if len(numbers) != columns or row == frames:
            return _read_wrapped(name, lines, first_line, frames, columns)
        values[row] = numbers
        row += 1
    if row != frames or not np.isfinite(values).all():
        raise _damage(name, lines, first_line, frames, columns)
    return values


def _numbers(line: bytes) -> list[float]:
    """The numbers of a line. Most lines are JSON but for the commas, and that is read four times
    as fast as by float or NumPy; what is no JSON (.5, 1., two spaces, nan) goes the slow way."""
    try:
        return _JSON.decode(b"[%b]" % line.replace(b" ", b","))
    except msgspec.DecodeError:
        return [float(word) for word in line.split()]


def _read_wrapped(
    name: str, lines: list[bytes], first_line: int, frames: int, columns: int
) -> Array:
    """(T, C) values where a frame takes several lines, each frame beginning on a new one."""
    counts = np.array([len(line.split()) for line in lines])
    ends = np.cumsum(counts)
    if ends[-1] != frames * columns or not np.isin(np.arange(1, frames + 1) * columns, ends).all():
        raise _damage(name, lines, first_line, frames, columns)
    try:
        values = np.array(b" ".join(lines).split(), dtype=float)
    except ValueError:
        raise _damage(name, lines, first_line, frames, columns) from None
    if not np.isfinite(values).all():
        raise _damage(name, lines, first_line, frames, columns)
    return values.reshape(frames, columns)


def _damage(
    name: str, lines: list[bytes], first_line: int, frames: int, columns: int
) -> UnderstudyError:
    """What is wrong with a motion block that could not be taken: the first fault and its line."""
    row, last = 0, first_line
    for number, line in enumerate(lines, first_line):
        words = line.split()
        if not words:
            continue
        for column, word in enumerate(words):
            try:
                good = bool(np.isfinite(float(word)))
            except ValueError:
                good = False
            if not good:
                shown = word.decode(errors="replace")[:40]
                return UnderstudyError(
                    f"{name} line {number}: value {column + 1} is {shown!r}, not a finite number."
                )
        if row == frames:
            return UnderstudyError(
                f"{name} line {number}: a line beyond the {frames} frames that the header promises."
            )
        if len(words) != columns:
            return UnderstudyError(
                f"{name} line {number}: {len(words)} values, the hierarchy has {columns} channels"
                + (
                    ", and the file ends there."
                    if not any(map(bytes.strip, lines[number - first_line + 1 :]))
                    else "."
                )
            )
        row, last = row + 1, number
    return UnderstudyError(
        f"{name} line {last}: the file ends after {row} of the {frames} frames that the header "
        "promises; it was cut."
    )


def _clip(
    path: Path,
    tree: _Hierarchy,
    frame_time_s: float,
    values: Array,
    unit_m: float | None,
    up: str | None,
) -> Clip:
    """The clip of a file's hierarchy and channel values (T, C)."""
    offsets = np.array(tree.offsets, float)
    tips = np.array(tree.tips, float)
    parents = np.array(tree.parents)
    positions = np.array(np.broadcast_to(offsets, (len(values), *offsets.shape)))
    rotations = rotation.identity((len(values), len(offsets)))
    spun: dict[str, tuple[list[int], list[list[int]]]] = {}
    column = 0
    for joint, names in enumerate(tree.channels):
        order, columns = "", []
        for name in names:
            if name.endswith("position"):
                positions[:, joint, "XYZ".index(name[0])] = values[:, column]
            else:
                order += name[0]
                columns.append(column)
            column += 1
        if order:
            joints, picks = spun.setdefault(order, ([], []))
            joints.append(joint)
            picks.append(columns)
    for order, (joints, picks) in spun.items():
        rotations[:, joints] = rotation.from_euler(np.deg2rad(values[:, np.array(picks)]), order)

    notes = list(tree.notes)
    in_units = Skeleton(tuple(tree.names), parents, offsets, tips=tips)
    if up is None:
        up = guess_up(in_units, positions, rotations)
        if up != "Y":
            notes.append(f"{up} is taken for the vertical axis: there the head is above the feet.")
    elif up not in ("Y", "Z"):
        raise UnderstudyError(f"The vertical axis {up!r} is unknown; it is 'Y' or 'Z'.")
    rest = rotation.identity(len(offsets))
    if up == "Z":
        positions[:, 0] = rotation.rotate(_Z_UP_TO_Y_UP, positions[:, 0])
        rotations[:, 0] = rotation.multiply(_Z_UP_TO_Y_UP, rotations[:, 0])
        offsets[0] = rotation.rotate(_Z_UP_TO_Y_UP, offsets[0])
        rest[0] = _Z_UP_TO_Y_UP
    if unit_m is None:
        world = in_units.globals(positions[0], rotations[0])[0]
        unit_m, note = guess_unit(in_units, float(np.ptp(world[:, 1])))
        notes.append(note)
    elif not (np.isfinite(unit_m) and unit_m > 0.0):
        raise UnderstudyError(f"A unit of {unit_m} m is no length; it must be more than 0.")
    positions *= unit_m
    for array in (positions, rotations):
        array.setflags(write=False)  # a changed copy then differs from what `raw` describes
    clip = Clip(
        Skeleton(tuple(tree.names), parents, offsets * unit_m, rest, tips * unit_m),
        positions,
        rotations,
        frame_time_s,
        path.stem,
        tuple(tree.channels),
        unit_m,
        tuple(notes),
        Raw(values, np.array(tree.offsets, float), tips, positions, rotations),
    )
    return _with_rest(clip)


def _with_rest(clip: Clip) -> Clip:
    """The clip with a rest pose that stands, where its zero pose does not."""
    skeleton = clip.skeleton
    if stands(skeleton, skeleton.rest_globals[0]):
        return clip
    if has_tpose_first_frame(clip):
        rest, source = clip.rotations[0], "its first frame, a T-pose"
    else:
        rest = rest_of_motion(skeleton, clip.positions, clip.rotations)
        source = "the average bearing of the clip"
    return replace(
        clip,
        skeleton=replace(skeleton, rest_rotations=rest),
        notes=(*clip.notes, f"The pose of zero angles does not stand; rest is {source}."),
    )


def write(path: Path | str, clip: Clip) -> None:
    """Writes the clip as a BVH file, whole or not at all, the same bytes for the same clip.

    Channels are the clip's own, else six for the root and for joints that move, three for others.
    Angles run on over half a turn instead of jumping.
    """
    path = Path(path)
    channels = clip.channels or _default_channels(clip)
    if clip.raw is not None and clip.raw.is_of(clip):
        values, offsets, tips = clip.raw.values, clip.raw.offsets, clip.raw.tips
    else:
        values = _values(clip, channels)
        offsets, tips = clip.skeleton.rest_positions / clip.unit_m, clip.skeleton.tips / clip.unit_m
    lines = [
        "HIERARCHY",
        *_hierarchy_lines(clip.skeleton, channels, offsets, tips),
        "MOTION",
        f"Frames: {len(values)}",
        f"Frame Time: {clip.frame_time_s:.8f}",
    ]
    row_format = " ".join(["%.6f"] * values.shape[1])
    # Rounding first leaves no "-0.000000" behind.
    rows = (np.round(values, 6) + 0.0).tolist()
    lines += [row_format % tuple(row) for row in rows]
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(("\n".join(lines) + "\n").encode())
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise UnderstudyError(f"{path} cannot be written: {error.strerror}.") from None


def _default_channels(clip: Clip) -> tuple[tuple[str, ...], ...]:
    moved = np.abs(clip.positions - clip.skeleton.rest_positions).max(axis=(0, 2)) > 1e-6
    moved[0] = True
    return tuple(ROOT_CHANNELS if m else JOINT_CHANNELS for m in moved)


def _values(clip: Clip, channels: tuple[tuple[str, ...], ...]) -> Array:
    """(T, C) channel values in file units and degrees."""
    columns: list[Array] = []
    spun: dict[str, list[int]] = {}
    for joint, names in enumerate(channels):
        order = "".join(n[0] for n in names if n.endswith("rotation"))
        if order:
            spun.setdefault(order, []).append(joint)
    angles = {
        order: np.rad2deg(continuous_euler(clip.rotations[:, joints], order))
        for order, joints in spun.items()
    }
    for joint in _file_order(clip.skeleton):
        names = channels[joint]
        order = "".join(n[0] for n in names if n.endswith("rotation"))
        turn = 0
        for name in names:
            if name.endswith("position"):
                columns.append(clip.positions[:, joint, "XYZ".index(name[0])] / clip.unit_m)
            else:
                columns.append(angles[order][:, spun[order].index(joint), turn])
                turn += 1
    return np.stack(columns, axis=-1).astype(np.float64)


def continuous_euler(q: Array, order: str) -> Array:
    """(T, ..., 3) intrinsic angles in radians that run on from frame to frame.

    Every rotation has two triples, (a, b, c) and (a + pi, pi - b, c + pi), and whole turns on top.
    Going from a triple to its twin keeps distances, so that which of the two comes next is a
    matter of each step alone, and the choices add up (exclusive or) along time.
    """
    if len(set(order)) != 3:
        raise UnderstudyError(
            f"Rotations cannot be written as {order!r}: three different axes are needed."
        )
    angles = rotation.to_euler(np.asarray(q, np.float64), order)
    twin = np.stack(
        [angles[..., 0] + np.pi, np.pi - angles[..., 1], angles[..., 2] + np.pi], axis=-1
    )

    def apart(a: Array, b: Array) -> Array:
        return np.abs((a - b + np.pi) % (2.0 * np.pi) - np.pi).sum(axis=-1)

    flips = apart(angles[1:], angles[:-1]) > apart(twin[1:], angles[:-1])
    odd = np.cumsum(flips, axis=0) % 2 == 1
    angles[1:][odd] = twin[1:][odd]
    return np.unwrap(angles, axis=0)


def _file_order(skeleton: Skeleton) -> list[int]:
    """Joint indices in the order in which a file nests them: each joint before its children."""
    order, stack = [], [0]
    while stack:
        joint = stack.pop()
        order.append(joint)
        stack.extend(reversed(skeleton.children(joint)))
    return order


def _hierarchy_lines(
    skeleton: Skeleton, channels: tuple[tuple[str, ...], ...], offsets: Array, tips: Array
) -> list[str]:
    lines: list[str] = []

    def offset(v: Array) -> str:
        return "OFFSET " + " ".join("%.6f" % (round(float(x), 6) + 0.0) for x in v)

    def joint_lines(j: int, depth: int) -> None:
        tab = "\t" * depth
        lines.append(f"{tab}{'JOINT' if depth else 'ROOT'} {skeleton.names[j]}")
        lines.append(f"{tab}{{")
        lines.append(f"{tab}\t{offset(offsets[j])}")
        lines.append(f"{tab}\tCHANNELS {len(channels[j])} {' '.join(channels[j])}".rstrip())
        children = skeleton.children(j)
        for child in children:
            joint_lines(child, depth + 1)
        if not children or not np.isnan(tips[j]).any():
            lines.append(f"{tab}\tEnd Site")
            lines.append(f"{tab}\t{{")
            lines.append(f"{tab}\t\t{offset(np.nan_to_num(tips[j]))}")
            lines.append(f"{tab}\t}}")
        lines.append(f"{tab}}}")

    joint_lines(0, 0)
    return lines
