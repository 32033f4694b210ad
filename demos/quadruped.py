"""Writes a dog of our own, and the profile by which a person's motion moves it.

    python demos/quadruped.py out/dog.glb          # and out/dog.toml
    understudy retarget walk.bvh --to out/dog.toml --out dog-walk.glb

Arms are its fore legs, legs its hind legs. The map names the roles that `understudy inspect` says,
and could name joints.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from understudy.demos.character import ball
from understudy.runtime.characters import glb
from understudy.runtime.characters.glb import ARRAY_BUFFER, INDEX_BUFFER

# joint -> its parent, and where it is (metres, facing +Z; left is +X)
JOINTS: dict[str, tuple[str, tuple[float, float, float]]] = {
    "hips": ("", (0.0, 0.56, -0.30)),
    "loin": ("hips", (0.0, 0.58, -0.10)),
    "chest": ("loin", (0.0, 0.57, 0.16)),
    "neck": ("chest", (0.0, 0.64, 0.32)),
    "head": ("neck", (0.0, 0.76, 0.42)),
    "tail": ("hips", (0.0, 0.60, -0.38)),
    "tail_end": ("tail", (0.0, 0.70, -0.55)),
}
for _side, _x in (("left", 0.11), ("right", -0.11)):
    JOINTS |= {
        f"{_side}_shoulder": ("chest", (_x, 0.50, 0.20)),
        f"{_side}_elbow": (f"{_side}_shoulder", (_x, 0.32, 0.15)),
        f"{_side}_paw": (f"{_side}_elbow", (_x, 0.06, 0.18)),
        f"{_side}_thigh": ("hips", (_x, 0.48, -0.30)),
        f"{_side}_knee": (f"{_side}_thigh", (_x, 0.30, -0.22)),
        f"{_side}_hock": (f"{_side}_knee", (_x, 0.06, -0.34)),
    }
# What lies on a joint: the joint at its other end, and how thick it is.
BONES = {
    "hips": ("loin", 0.12), "loin": ("chest", 0.13), "chest": ("neck", 0.15),
    "neck": ("head", 0.075), "tail": ("tail_end", 0.022),
    **{f"{s}_{a}": (f"{s}_{b}", r) for s in ("left", "right") for a, b, r in (
        ("shoulder", "elbow", 0.055), ("elbow", "paw", 0.035), ("thigh", "knee", 0.075),
        ("knee", "hock", 0.04))},
}  # fmt: skip
# The dog's joint -> the person's whose turns it makes, by role; hips first. Legs point as limbs do.
MAP = {
    "hips": "hips", "loin": "spine", "chest": "chest", "neck": "neck", "head": "head",
    **{f"{s}_{a}": f"{s}_{b}" for s in ("left", "right") for a, b in (
        ("shoulder", "upper_arm"), ("elbow", "lower_arm"), ("thigh", "upper_leg"),
        ("knee", "lower_leg"))},
}  # fmt: skip


def _segment(a: np.ndarray, b: np.ndarray, radius: float):
    """An ellipsoid from one joint to another."""
    way = b - a
    long = float(np.linalg.norm(way))
    points, normals, uvs, faces = ball(np.zeros(3), (radius, radius, 0.5 * long + 0.6 * radius))
    z = way / long
    x = np.cross([0.0, 1.0, 0.0] if abs(z[1]) < 0.9 else [1.0, 0.0, 0.0], z)
    x /= np.linalg.norm(x)
    turn = np.stack([x, np.cross(z, x), z])
    return points @ turn + 0.5 * (a + b), normals @ turn, uvs, faces


def write(path: Path) -> None:
    """The dog's file, and its profile beside it."""
    names = list(JOINTS)
    at = np.array([where for _, where in JOINTS.values()])
    chunk, shapes = glb.Chunk(), []
    for name, (end, radius) in BONES.items():
        shapes.append((name, _segment(at[names.index(name)], at[names.index(end)], radius)))
    head = at[names.index("head")]
    shapes.append(("head", ball(head + np.array([0.0, 0.02, 0.06]), (0.075, 0.075, 0.10))))
    shapes.append(("head", ball(head + np.array([0.0, -0.01, 0.17]), (0.038, 0.036, 0.07))))
    for sign in (1.0, -1.0):
        ear = head + np.array([0.06 * sign, 0.08, 0.0])
        shapes.append(("head", ball(ear, (0.018, 0.05, 0.03))))
    for side in ("left", "right"):
        for end in ("paw", "hock"):
            foot = at[names.index(f"{side}_{end}")] + (0.0, -0.03, 0.03)
            shapes.append((f"{side}_{end}", ball(foot, (0.04, 0.03, 0.06))))
    points, normals, faces, joints, count = [], [], [], [], 0
    for name, (p, n, _, f) in shapes:
        points.append(p)
        normals.append(n)
        faces.append(f + count)
        joints.append(np.tile([names.index(name), 0, 0, 0], (len(p), 1)))
        count += len(p)
    put, whole = chunk.put, np.concatenate
    unbind = np.tile(np.eye(4), (len(names), 1, 1)).astype("f4")
    unbind[:, :3, 3] = -at
    primitive = {
        "attributes": {
            "POSITION": put(whole(points).astype("f4"), ARRAY_BUFFER, bounds=True),
            "NORMAL": put(whole(normals).astype("f4"), ARRAY_BUFFER),
            "JOINTS_0": put(whole(joints).astype("u1"), ARRAY_BUFFER),
            "WEIGHTS_0": put(np.tile(np.float32([1, 0, 0, 0]), (count, 1)), ARRAY_BUFFER),
        },
        "indices": put(whole(faces).astype("u4").reshape(-1), INDEX_BUFFER),
        "material": 0,
    }
    binds = put(np.swapaxes(unbind, 1, 2).reshape(-1, 16))
    nodes: list[dict] = []
    for name, (parent, where) in JOINTS.items():
        from_parent = np.array(where) - (JOINTS[parent][1] if parent else 0.0)
        children = [k for k, other in enumerate(names) if JOINTS[other][0] == name]
        node = {"name": name, "translation": from_parent.tolist()}
        nodes.append(node | ({"children": children} if children else {}))
    nodes.append({"name": "dog", "mesh": 0, "skin": 0})
    coat = {"baseColorFactor": [0.32, 0.17, 0.08, 1.0], "metallicFactor": 0.0,
            "roughnessFactor": 0.8}  # fmt: skip
    tree = {
        "asset": {"version": "2.0", "generator": "understudy"},
        "scene": 0,
        "scenes": [{"nodes": [0, len(names)]}],
        "nodes": nodes,
        "meshes": [{"name": "dog", "primitives": [primitive]}],
        "skins": [{"joints": list(range(len(names))), "inverseBindMatrices": binds}],
        "materials": [{"name": "coat", "pbrMetallicRoughness": coat}],
        **chunk.parts(),
    }
    glb.write(path, tree, chunk.data)
    pointing = [name for name in MAP if name.startswith(("left", "right"))]
    lines = [
        f'file = "{path.name}"',
        f"pointing = {pointing}",
        "[map]",
        *(f'{a} = "{b}"' for a, b in MAP.items()),
    ]
    path.with_suffix(".toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description="write a dog, and its profile")
    parser.add_argument("file", type=Path, metavar="FILE.glb")
    write(parser.parse_args().file)


if __name__ == "__main__":
    main()
