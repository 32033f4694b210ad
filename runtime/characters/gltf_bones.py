"""What a file's vertices follow: bones, each a joint and a bind of its own."""

from __future__ import annotations

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.rotation import Array

from .gltf_document import File
from .gltf_numbers import Numbers
from .gltf_skeleton import Rig


class Bones:
    """Bones as they are asked for; two skins may bind one joint each in its own way."""

    def __init__(self, file: File, numbers: Numbers, rig: Rig) -> None:
        self.file, self._numbers, self._rig = file, numbers, rig
        rest_p, rest_r = rig.skeleton.rest_globals
        self._home = np.zeros((len(rest_p), 4, 4))  # the world of the rest pose into a joint
        turn = rotation.to_matrix(rotation.conjugate(rest_r))
        self._home[:, :3, :3] = turn
        self._home[:, :3, 3] = -np.einsum("jab,jb->ja", turn, rest_p)
        self._home[:, 3, 3] = 1.0
        self._known: dict[tuple[int, bytes], int] = {}
        self._binds: list[tuple[int, np.ndarray]] = []
        self._skins: dict[int, np.ndarray] = {}

    def _bone(self, joint: int, unbind: Array) -> int:
        key = (joint, np.round(unbind, 6).tobytes())
        if key not in self._known:
            self._known[key] = len(self._binds)
            self._binds.append((joint, unbind))
        return self._known[key]

    def skin(self, index: int) -> np.ndarray:
        """The bone of each of a skin's joints."""
        if index in self._skins:
            return self._skins[index]
        tree, rig = self.file.tree, self._rig
        if not 0 <= index < len(tree.skins):
            raise self.file.damaged(f"there is no skin {index}")
        said = tree.skins[index]
        count = len(said.joints)
        inverse: Array = np.tile(np.eye(4), (count, 1, 1))
        if said.inverseBindMatrices is not None:
            values = self._numbers.values(said.inverseBindMatrices)
            if values.shape[1] != 16 or len(values) < count:
                raise self.file.damaged(f"skin {index} has too few inverse bind matrices")
            inverse = values[:count].reshape(-1, 4, 4).swapaxes(1, 2)
        bones = []
        for node, bind in zip(said.joints, inverse, strict=True):
            if not 0 <= node < len(tree.nodes):
                raise self.file.damaged(f"skin {index} names node {node}")
            joint = rig.joint(node)
            bones.append(self._bone(joint, self._home[joint] @ rig.world[node] @ bind))
        self._skins[index] = np.array(bones, np.int64)
        return self._skins[index]

    def rigid(self, node: int) -> int:
        """The bone of what hangs on a node without a skin."""
        joint = self._rig.joint(node)
        return self._bone(joint, self._home[joint] @ self._rig.world[node])

    def mirrors(self, bone: int) -> bool:
        """Whether a bone turns what it carries inside out."""
        return bool(np.linalg.det(self._binds[bone][1][:3, :3]) < 0.0)

    def all(self) -> tuple[np.ndarray, Array, np.ndarray]:
        """Bones with the skeleton's joints first; and the row of each bone that was asked for."""
        count = len(self._home)
        bones, unbind = list(range(count)), [np.asarray(home) for home in self._home]
        row = np.zeros(max(len(self._binds), 1), np.int64)
        taken: set[int] = set()
        for k, (joint, bind) in enumerate(self._binds):
            if joint in taken:
                row[k] = len(bones)
                bones.append(joint)
                unbind.append(bind)
            else:
                taken.add(joint)
                row[k], unbind[joint] = joint, bind
        return np.array(bones, np.int32), np.array(unbind), row
