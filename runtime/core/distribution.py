"""The installed distribution: its name and version, and the command that brings what is missing."""

from __future__ import annotations

import re
from pathlib import Path

# `understudy` on the package index is somebody else's; the import and the command are ours.
NAME = "understudy-stage"
# What no plain installation brings, by the name it is imported under, and the extra that does.
EXTRAS = {
    "onnxruntime": "cpu",
    "torch": "train",
    "onnx": "train",
    "embreex": "train",
    "ray": "ray",
    "pxr": "usd",
    "opentimelineio": "editorial",
    "ufbx": "fbx",
    "OpenEXR": "exr",
}
# What is imported under another name than it is installed by.
_CALLED = {
    "zmq": "pyzmq",
    "PIL": "pillow",
    "skimage": "scikit-image",
    "hdrh": "hdrhistogram",
    "imgui_bundle": "imgui-bundle",
}
_ROOT = Path(__file__).resolve().parents[2]


def version() -> str:
    """Of this installation; "unknown" where it was never installed."""
    from importlib import metadata  # its import takes longer than all the rest of --help

    try:
        return metadata.version(NAME)
    except metadata.PackageNotFoundError:
        return "unknown"


def clone() -> Path | None:
    """The checkout that this runs from; None where it runs from an installed wheel."""
    return _ROOT if (_ROOT / "pyproject.toml").is_file() else None


def install(extra: str) -> str:
    """The command that adds an extra here: in a clone by its folder, else package by package.

    Double quotes, which every system's shell takes off.
    """
    if (root := clone()) is not None:
        place = "." if root == Path.cwd() else str(root)
        return f'pip install -e "{place}[{extra}]"'
    # A wheel may have come from a file, so its name alone would not find the extra again.
    return " ".join(["pip install", *(f'"{one}"' for one in _requirements(extra))])


def _requirements(extra: str) -> list[str]:
    from importlib import metadata

    marker = re.compile(rf";\s*extra\s*==\s*['\"]{extra}['\"]$")
    try:
        wanted = metadata.requires(NAME) or []
    except metadata.PackageNotFoundError:
        wanted = []
    found = [marker.sub("", one).strip() for one in wanted if marker.search(one)]
    return found or [f"{NAME}[{extra}]"]


def lacking(module: str) -> str:
    """The sentence about a module that is not installed."""
    package = module.partition(".")[0]
    if (extra := EXTRAS.get(package)) is None:
        name = _CALLED.get(package, package)
        return f"The Python package {name} is not installed: pip install {name}"
    what = {
        "cpu": "This needs ONNX Runtime",
        "train": f"Training needs {package}",
        "usd": "USD files need usd-core",
        "editorial": "OTIO files need opentimelineio",
        "fbx": "Reading FBX needs ufbx",
        "exr": "EXR frames need OpenEXR",
    }.get(extra, f"This needs {package}")
    other = f"; with an NVIDIA card {install('gpu')}" if extra == "cpu" else ""
    return f"{what}, which is not installed: {install(extra)}{other}"
