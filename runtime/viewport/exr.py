"""Pictures with data: OpenEXR files for compositing, in linear light.

R G B               linear Rec. 709, before the tone map, half
Z                   metres from the camera's plane; infinite where nothing is, single
N.X N.Y N.Z         the surface's normal in the world (right-handed, +Y up), half
albedo.R .G .B      what a surface reflects, linear, half
motion.X .Y         pixels that it moved since the picture before, right and down, half
id                  the number of the subject that it is of, from 1; 0: of none, half
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from understudy.runtime.core import distribution
from understudy.runtime.core.errors import Failure, UnderstudyError
from understudy.runtime.core.rotation import Array

from .capture import make_folder

Data = dict[str, Array]  # a layer's name -> (H, W) or (H, W, 3), top row first


class Exrs:
    """A folder of EXR files, frame_000000.exr and on, each whole or not there."""

    wants_data = True

    def __init__(self, folder: Path) -> None:
        try:
            import OpenEXR
        except ImportError:
            raise Failure(distribution.lacking("OpenEXR")) from None
        self._exr = OpenEXR
        self.folder, self.written, self.dropped = Path(folder), 0, 0
        make_folder(self.folder, "frame.exr")

    def add(self, data: Data) -> None:
        """Writes the next picture."""
        path = self.folder / f"frame_{self.written:06d}.exr"
        channels = {"RGB": data["colour"].astype(np.float16), "Z": data["depth"]}
        channels["id"] = data["id"].astype(np.float16)
        for layer, names in (("N", "XYZ"), ("albedo", "RGB"), ("motion", "XY")):
            values = data["normal" if layer == "N" else layer].astype(np.float16)
            for k, name in enumerate(names):
                channels[f"{layer}.{name}"] = np.ascontiguousarray(values[..., k])
        header = {"compression": self._exr.ZIP_COMPRESSION, "type": self._exr.scanlineimage}
        part = path.with_name(f".{path.stem}.part.exr")
        try:
            with self._exr.File(header, channels) as file:
                file.write(str(part))
            os.replace(part, path)
        except Exception as error:  # OpenEXR's own are of no class that it names
            part.unlink(missing_ok=True)
            raise UnderstudyError(f"{path} could not be written: {error}") from None
        self.written += 1

    def close(self) -> None:
        """Everything is written already."""

    def abort(self) -> None:
        """Pictures that are whole stay."""
