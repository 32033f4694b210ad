"""The numbers behind a file's accessors: strided, normalised, sparse.

Rules: the glTF 2.0 specification, section 3.6, and KHR_mesh_quantization.
"""

from __future__ import annotations

import numpy as np

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.rotation import Array

from .glb import COMPONENTS, WIDTHS
from .gltf_document import File
from .gltf_schema import Accessor

MOST_VALUES = 1 << 28
# What no byte stands behind, all zeros; sparse ones begin so.
MOST_ZEROS = 1 << 24
MESHOPT = "EXT_meshopt_compression"


class Numbers:
    """Reads accessors of a file, at most MOST_VALUES values in all."""

    def __init__(self, file: File) -> None:
        self.file, self.tree = file, file.tree
        self._left = MOST_VALUES
        self.unpacked: dict[int, np.ndarray] = {}  # of accessors that stand behind no bytes

    def accessor(self, index: int) -> Accessor:
        if not 0 <= index < len(self.tree.accessors):
            raise self.file.damaged(f"there is no accessor {index}")
        return self.tree.accessors[index]

    def bounds(self, index: int) -> tuple[float, float]:
        """The least and the greatest of a SCALAR accessor."""
        said = self.accessor(index)
        if said.min and said.max:
            return said.min[0], said.max[0]
        values = self.values(index)
        return (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)

    def values(self, index: int) -> Array:
        """(count, components) float64"""
        return self._real(index, np.dtype(np.float64))

    def floats(self, index: int, components: int = 0) -> Array:
        """(count, components) float32, of so many components where some are asked for."""
        values = self._real(index, np.dtype(np.float32))
        if components and values.shape[1] != components:
            raise self.file.damaged(f"accessor {index} has not {components} components")
        return values

    def integers(self, index: int) -> np.ndarray:
        """(count, components) of an integer type."""
        values = self._stored(index)
        if values.dtype.kind not in "iu":
            raise self.file.damaged(f"accessor {index} holds no whole numbers")
        return values

    def _real(self, index: int, dtype: np.dtype) -> Array:
        stored = self._stored(index)
        values = stored.astype(dtype)
        if stored.dtype.kind in "iu" and self.accessor(index).normalized:
            values = np.maximum(values / dtype.type(np.iinfo(stored.dtype).max), -1.0)
        if not np.isfinite(values).all():
            raise self.file.damaged(f"accessor {index} has a number that is not finite")
        return values

    def view(self, index: int) -> bytes:
        """The bytes of a view."""
        if not 0 <= index < len(self.tree.bufferViews):
            raise self.file.damaged(f"there is no view {index}")
        view = self.tree.bufferViews[index]
        data = self.file.buffer(view.buffer)
        stop = view.byteOffset + view.byteLength
        if not 0 <= view.byteOffset <= stop <= len(data):
            raise self.file.damaged(f"view {index} lies outside of the file")
        return bytes(data[view.byteOffset : stop])

    def _stored(self, index: int) -> np.ndarray:
        """(count, components) as the file stores them."""
        if index in self.unpacked:
            return self.unpacked[index]
        said = self.accessor(index)
        dtype, wide = COMPONENTS.get(said.componentType), WIDTHS.get(said.type)
        if dtype is None or wide is None or said.count < 0:
            raise self.file.damaged(f"accessor {index} holds no numbers that glTF knows")
        self._left -= said.count * wide
        behind = said.bufferView is not None
        if self._left < 0 or (not behind and said.count * wide > MOST_ZEROS):
            raise UnderstudyError(
                f"{self.file.name} speaks of more numbers than can be read; export less."
            )
        if said.bufferView is None:
            out = np.zeros((said.count, wide), dtype)
        else:
            out = self._at(said.bufferView, said.byteOffset, said.count, dtype, wide, index)
        if said.sparse is None:
            return out
        one, out = said.sparse, out.copy()
        kind = COMPONENTS.get(one.indices.componentType)
        if kind is None or kind.kind != "u" or not 0 <= one.count <= said.count:
            raise self.file.damaged(f"accessor {index} is sparse by no rule of glTF")
        where = one.indices
        rows = self._at(where.bufferView, where.byteOffset, one.count, kind, 1, index)[:, 0]
        if len(rows) and int(rows.max()) >= said.count:
            raise self.file.damaged(f"accessor {index} is sparse beyond its end")
        what = one.values
        out[rows] = self._at(what.bufferView, what.byteOffset, one.count, dtype, wide, index)
        return out

    def _at(
        self, view_index: int, offset: int, count: int, dtype: np.dtype, wide: int, index: int
    ) -> np.ndarray:
        """(count, wide) that lie in a view, not copied."""
        if not 0 <= view_index < len(self.tree.bufferViews):
            raise self.file.damaged(f"there is no view {view_index}")
        view = self.tree.bufferViews[view_index]
        if MESHOPT in view.extensions:
            raise UnderstudyError(
                f"{self.file.name} is packed by meshopt, which is not read; export it without "
                "compression."
            )
        data = self.file.buffer(view.buffer)
        size = dtype.itemsize * wide
        stride = view.byteStride or size
        start = view.byteOffset + offset
        stop = start + stride * (count - 1) + size
        if not count:
            return np.zeros((0, wide), dtype)
        if not (start >= 0 and offset >= 0 and size <= stride and stop <= len(data)):
            raise self.file.damaged(f"accessor {index} lies outside of the file")
        return np.ndarray((count, wide), dtype, data, start, (stride, dtype.itemsize))
