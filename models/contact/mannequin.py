"""Our own mannequin as a body for the scenes: what the viewport will show is what is traced."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np

from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.rotation import Array
from understudy.runtime.viewport.mesh import mannequin as body

from .shapes import Mesh


def person() -> tuple[Callable[[Array, Array, np.random.Generator], Mesh], str]:
    """A maker of skinned mannequins from PERFORMER's world positions (J, 3) and turns (J, 4).

    The second value tells this mannequin from an earlier one: traced scenes are kept by it.
    """
    mesh = body.build(PERFORMER)
    digest = hashlib.blake2b(np.round(mesh.positions * 1e4).astype("<i4").tobytes(), digest_size=4)

    def make(world_p: Array, world_r: Array, rng: np.random.Generator) -> Mesh:
        matrices = body.transforms(world_p, world_r) @ mesh.unbind
        blended = np.einsum("vk,vkij->vij", mesh.weights, matrices[mesh.joints])
        turn, move = blended[:, :3, :3], blended[:, :3, 3]
        vertices = np.einsum("vij,vj->vi", turn, mesh.positions) + move
        normals = np.einsum("vij,vj->vi", turn, mesh.normals)
        normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-9)
        return Mesh(vertices, normals, mesh.triangles.astype(np.int32))

    return make, digest.hexdigest()
