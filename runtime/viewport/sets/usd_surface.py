"""Surfaces of a USD stage: UsdPreviewSurface and its pictures, as our materials."""

from __future__ import annotations

from typing import Any

import numpy as np

from understudy.runtime.characters.character import Image, Material, Texture

Turn = tuple[tuple[float, float, float], tuple[float, float, float]]
_WRAP = {"repeat": "repeat", "mirror": "mirror", "clamp": "clamp", "black": "clamp"}


class Surfaces:
    """Materials as they are asked for, and the pictures that they need."""

    def __init__(self) -> None:
        self.made: list[Material] = []
        self.images: list[Image] = []
        self.notes: dict[str, None] = {}
        self.lies_by: dict[int, str] = {}  # a row of `made` -> the primvar that its pictures lie by
        self._rows: dict[tuple[str, bool], int] = {}
        self._pictures: dict[str, int | None] = {}
        self._lies_by = ""

    def row(self, prim: Any, double_sided: bool) -> int:
        """The row in `made` of what is bound to a prim."""
        from pxr import UsdShade

        bound = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial()[0]
        path = str(bound.GetPath()) if bound else ""
        key = path, double_sided
        if key not in self._rows:
            self._lies_by = ""
            self._rows[key] = len(self.made)
            plain = Material(name=path or "plain", double_sided=double_sided)
            self.made.append(self._material(bound, plain) if bound else plain)
            if self._lies_by:
                self.lies_by[self._rows[key]] = self._lies_by
        return self._rows[key]

    def _material(self, bound: Any, plain: Material) -> Material:
        shader = bound.ComputeSurfaceSource()[0]
        if not shader or shader.GetIdAttr().Get() != "UsdPreviewSurface":
            said = shader.GetIdAttr().Get() if shader else None
            self.notes[f"Surfaces of {said or 'no known kind'} are drawn plain."] = None
            return plain
        diffuse, colour_map = self._value(shader, "diffuseColor", (0.18, 0.18, 0.18))
        emissive, emissive_map = self._value(shader, "emissiveColor", (0.0, 0.0, 0.0))
        rough, rough_map = self._value(shader, "roughness", 0.5)
        metal, metal_map = self._value(shader, "metallic", 0.0)
        opacity, opacity_map = self._value(shader, "opacity", 1.0)
        cutoff, _ = self._value(shader, "opacityThreshold", 0.0)
        _, normal_map = self._value(shader, "normal", (0.0, 0.0, 1.0))
        alpha = "OPAQUE"
        if opacity_map is not None or opacity < 0.999:
            alpha = "MASK" if cutoff > 0.0 else "BLEND"
        white = (1.0, 1.0, 1.0)
        colour = np.clip(white if colour_map is not None else diffuse, 0.0, 1.0).tolist()
        glow = np.clip(white if emissive_map is not None else emissive, 0.0, 100.0).tolist()
        # Ours has roughness and metal in one picture, green and blue, as glTF's: theirs can be used
        # where both are of one picture, or where nothing is metal.
        shared = rough_map is not None and metal_map is not None
        if shared and rough_map is not None and metal_map is not None:
            shared = rough_map.image == metal_map.image
        if (rough_map is not None or metal_map is not None) and not (
            shared or (metal_map is None and metal == 0.0)
        ):
            self.notes["Pictures of roughness or metal alone are drawn as their mean."] = None
            rough = 0.6 if rough_map is not None else rough
            metal = 0.5 if metal_map is not None else metal
            rough_map = None
        elif rough_map is not None:
            rough, metal = 1.0, 1.0 if shared else 0.0
        return Material(
            name=plain.name,
            colour=(colour[0], colour[1], colour[2], float(np.clip(opacity, 0.0, 1.0))),
            colour_map=colour_map,
            metallic=float(np.clip(metal, 0.0, 1.0)),
            roughness=float(np.clip(rough, 0.0, 1.0)),
            rough_map=rough_map,
            normal_map=normal_map,
            emissive=(glow[0], glow[1], glow[2]),
            emissive_map=emissive_map,
            alpha=alpha,
            cutoff=float(cutoff) or 0.5,
            double_sided=plain.double_sided,
        )

    def _value(self, shader: Any, name: str, usual: Any) -> tuple[Any, Texture | None]:
        """What an input says, or the picture that it is read from."""
        from pxr import UsdShade

        given = shader.GetInput(name)
        if not given:
            return usual, None
        sources = UsdShade.Utils.GetValueProducingAttributes(given)
        if not sources:
            return usual, None
        source = UsdShade.Shader(sources[0].GetPrim())
        if sources[0].GetPrim().IsA(UsdShade.Shader) and (
            source.GetIdAttr().Get() == "UsdUVTexture"
        ):
            fallback = source.GetInput("fallback")
            value = fallback.Get() if fallback and fallback.Get() is not None else usual
            if not isinstance(usual, float):
                value = tuple(value)[: len(usual)]
            return (usual if isinstance(usual, float) else value), self._texture(source)
        value = sources[0].Get()
        if value is None:
            return usual, None
        return (float(value) if isinstance(usual, float) else tuple(value)), None

    def _texture(self, source: Any) -> Texture | None:
        file = source.GetInput("file")
        said = file.Get() if file else None
        if said is None:
            return None
        row = self._picture(said.resolvedPath, said.path)
        if row is None:
            return None
        wraps = []
        for axis in ("wrapS", "wrapT"):
            given = source.GetInput(axis)
            wraps.append(_WRAP.get(str(given.Get()) if given else "repeat", "repeat"))
        return Texture(row, turn=self._turn(source), wrap=(wraps[0], wraps[1]))

    def _turn(self, source: Any) -> Turn:
        """How a picture is moved and turned from the mesh's coordinates; notes which those are."""
        from pxr import UsdShade

        turn, at = np.eye(3), source.GetInput("st")
        for _ in range(8):
            sources = UsdShade.Utils.GetValueProducingAttributes(at) if at else []
            prim = sources[0].GetPrim() if sources else None
            if prim is None or not prim.IsA(UsdShade.Shader):
                break
            shader = UsdShade.Shader(prim)
            if shader.GetIdAttr().Get() != "UsdTransform2d":
                name = shader.GetInput("varname")
                said = UsdShade.Utils.GetValueProducingAttributes(name) if name else []
                self._lies_by = str(said[0].Get() or "") if said else ""
                break
            x, y = self._value(shader, "scale", (1.0, 1.0))[0]
            u, v = self._value(shader, "translation", (0.0, 0.0))[0]
            radians = np.radians(self._value(shader, "rotation", 0.0)[0])
            c, s = np.cos(radians), np.sin(radians)
            turn = turn @ [[c * x, -s * y, u], [s * x, c * y, v], [0.0, 0.0, 1.0]]
            at = shader.GetInput("in")
        # Ours goes down where theirs goes up.
        flip = np.array([[1.0, 0.0, 0.0], [0.0, -1.0, 1.0], [0.0, 0.0, 1.0]])
        (a, b, u), (d, e, v) = (flip @ turn @ flip)[:2].tolist()
        return (a, b, u), (d, e, v)

    def _picture(self, resolved: str, said: str) -> int | None:
        """A row in `images`; None of a picture that is not there."""
        from pxr import Ar

        if resolved not in self._pictures:
            asset = Ar.GetResolver().OpenAsset(Ar.ResolvedPath(resolved)) if resolved else None
            if not asset:
                self.notes[f"Its picture {said} is not there."] = None
                self._pictures[resolved] = None
            else:
                self._pictures[resolved] = len(self.images)
                self.images.append(Image(said, bytes(asset.GetBuffer())))
        return self._pictures[resolved]
