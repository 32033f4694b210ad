"""Meshes packed by Draco (KHR_draco_mesh_compression), by DracoPy where it is installed."""

from __future__ import annotations

import msgspec
import numpy as np

from understudy.runtime.core.errors import UnderstudyError

from .glb import COMPONENTS, WIDTHS
from .gltf_document import extension
from .gltf_numbers import Numbers
from .gltf_schema import Primitive

DRACO = "KHR_draco_mesh_compression"


class Packed(msgspec.Struct):
    """attributes: name -> the number that Draco knows it by."""

    bufferView: int
    attributes: dict[str, int] = {}


def unpack(numbers: Numbers, primitive: Primitive) -> Primitive:
    """The primitive, the numbers of its accessors unpacked; one that is not packed as it is."""
    if DRACO not in primitive.extensions:
        return primitive
    file = numbers.file
    said = extension(primitive.extensions, DRACO, Packed)
    if said is None:
        raise UnderstudyError(
            f"{file.name} is packed by Draco and does not say where; export it without compression."
        )
    try:
        import DracoPy
    except ImportError:
        raise UnderstudyError(
            f"{file.name} is packed by Draco, which is read where DracoPy is installed "
            "(pip install DracoPy); or export it without compression."
        ) from None
    try:
        mesh = DracoPy.decode(numbers.view(said.bufferView))
        packed = {
            name: mesh.get_attribute_by_unique_id(number)["data"]
            for name, number in said.attributes.items()
            if name in primitive.attributes
        }
        faces = np.asarray(mesh.faces)
    except UnderstudyError:
        raise
    except Exception:  # of a library: whatever it raises for bytes that are none of Draco's
        raise file.damaged("what Draco packed cannot be unpacked") from None
    for name, values in packed.items():
        _put(numbers, primitive.attributes[name], np.asarray(values))
    if primitive.indices is not None:
        _put(numbers, primitive.indices, faces.reshape(-1, 1))
    return msgspec.structs.replace(primitive, mode=4)  # triangles, whatever they were packed from


def _put(numbers: Numbers, index: int, values: np.ndarray) -> None:
    said = numbers.accessor(index)
    kind, wide = COMPONENTS.get(said.componentType), WIDTHS.get(said.type)
    if kind is None or values.shape != (said.count, wide):
        raise numbers.file.damaged(f"accessor {index} has not what Draco packed for it")
    numbers.unpacked[index] = values.astype(kind)
