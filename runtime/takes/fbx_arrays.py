"""What moves in an FBX file, as arrays: FILE OUT.npz CLIP, run as a program of its own.

The library ufbx is young: a file that makes it fall costs this process and not the stage.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np

from understudy.runtime.takes.scene_clip import even_rate

# Fewer frames than that are no motion; more would not end.
MOST_SAMPLES = 50_000_000


def arrays(file: str, clip: str) -> dict[str, Any]:
    """Local transforms of bones and what is above them, at an even rate, and what to say."""
    import ufbx

    scene = ufbx.load_file(
        file, target_axes=ufbx.axes_right_handed_y_up, target_unit_meters=1.0, ignore_embedded=True
    )
    nodes = list(scene.nodes)  # held: the library forgets what nobody holds
    stacks = list(scene.anim_stacks)
    names = [stack.name for stack in stacks]
    if not stacks:
        return {"error": "has no animation"}
    spans = [stack.time_end - stack.time_begin for stack in stacks]
    at = names.index(clip) if clip in names else int(np.argmax(spans))
    if clip and clip not in names:
        return {"error": f"has no animation {clip!r} (clip=); it has {', '.join(names)}"}
    stack, anim = stacks[at], stacks[at].anim
    index = {node.typed_id: n for n, node in enumerate(nodes)}
    above = [node.parent for node in nodes]
    parents = [-1 if up is None else index[up.typed_id] for up in above]
    kinds = [node.attrib_type for node in nodes]
    bones = [n for n, kind in enumerate(kinds) if kind == ufbx.ElementType.BONE]
    if not bones:
        return {"error": "has no bone: no skeleton in it"}
    wanted: dict[int, None] = {}
    for n in bones:
        while n >= 0 and n not in wanted:
            wanted[n] = None
            n = parents[n]
    order = sorted(wanted)  # ufbx has parents before their children
    curves = list(scene.anim_curves)
    keys: list[float] = []
    for curve in curves:
        frames = curve.keyframes
        if len(frames) > len(keys):
            keys = [key.time for key in frames]
    rate_hz, note = even_rate(np.array(keys) if keys else np.zeros(1))
    begin_s, end_s = stack.time_begin, stack.time_end
    if end_s <= begin_s and keys:  # a file that does not say how long it is
        begin_s, end_s = keys[0], keys[-1]
    count = round((end_s - begin_s) * rate_hz) + 1
    if not 2 <= count <= MOST_SAMPLES // len(order):
        return {"error": f"has {count:,} frames in its animation {names[at]!r}"}
    values = np.empty((count + 1, len(order), 10))
    for column, n in enumerate(order):
        node = nodes[n]
        for row in range(count):
            time_s = begin_s + row / rate_hz
            values[row, column] = _ten(ufbx.evaluate_transform(anim, node, time_s))
        values[count, column] = _ten(node.local_transform)
    place = {n: column for column, n in enumerate(order)}
    return {
        "values": values,
        "parents": [place.get(parents[n], -1) for n in order],
        "bones": [n in set(bones) for n in order],
        "names": [nodes[n].name for n in order],
        "clips": names,
        "clip": at,
        "rate_hz": rate_hz,
        "note": note,
    }


def _ten(t: Any) -> tuple[float, ...]:
    p, q, s = t.translation, t.rotation, t.scale
    return (p.x, p.y, p.z, q.x, q.y, q.z, q.w, s.x, s.y, s.z)


def main(file: str, out: str, clip: str) -> None:
    try:
        found = arrays(file, clip)
    except Exception as error:  # whatever the library says of a file
        found = {"error": f"is no FBX that can be read ({type(error).__name__}: {error})"}
    values = found.pop("values", np.zeros(0))
    np.savez(out, values=values, said=np.array(json.dumps(found)))


if __name__ == "__main__":
    main(*sys.argv[1:4])
