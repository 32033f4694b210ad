"""Packs the Blender add-on: addon/, and the parts of Understudy that it stands on, into one zip.

    python build.py understudy-blender.zip
    python build.py understudy-blender.zip --wheels DIR    # with pyzmq's wheels, for no internet

Blender's Python does not have the understudy package, so the modules that the add-on imports from
it go along, under wire/, and `from understudy.` becomes the add-on's own namespace.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ADDON = HERE / "addon"
ROOT = HERE.parents[2]
NAME = "understudy"
MANIFEST = "blender_manifest.toml"
# What Blender brings, and pyzmq; anything else would be missing there.
PROVIDED = {"bpy", "mathutils", "numpy", "zmq", "pip", *sys.stdlib_module_names}
_OURS = re.compile(rf"^(\s*)from {NAME}\.", re.MULTILINE)


def imports(source: str, package: tuple[str, ...]) -> list[Path]:
    """Files of ours, from ROOT, that a module of this package imports; refuses what is missing."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                _refuse_foreign(alias.name.split(".")[0], package)
        elif isinstance(node, ast.ImportFrom):
            words = tuple((node.module or "").split(".")) if node.module else ()
            if node.level:
                words = (*package[: len(package) - node.level + 1], *words)
            elif words[0] == NAME:
                words = words[1:]
            else:
                _refuse_foreign(words[0], package)
                continue
            found += [_file(words, alias.name) for alias in node.names]
    return found


def _refuse_foreign(name: str, package: tuple[str, ...]) -> None:
    if name not in PROVIDED:
        sys.exit(f"A module in {'/'.join(package)} imports {name}, which Blender does not have.")


def _file(words: tuple[str, ...], name: str) -> Path:
    module = Path(*words, f"{name}.py")
    return module if (ROOT / module).is_file() else Path(*words).with_suffix(".py")


def wire() -> list[Path]:
    """The modules of ours, from ROOT, that the add-on needs, and those that these need."""
    package = ADDON.relative_to(ROOT).parts
    waiting = [f for m in sorted(ADDON.glob("*.py")) for f in imports(m.read_text(), package)]
    needed: set[Path] = set()
    while waiting:
        module = waiting.pop()
        if module in needed or module.is_relative_to(ADDON.relative_to(ROOT)):
            continue
        needed.add(module)
        waiting += imports((ROOT / module).read_text(), module.parent.parts)
    return sorted(needed)


def files() -> dict[str, str]:
    """Text files of the add-on, by their path in the zip."""
    packed = {
        path.name: _OURS.sub(r"\1from .wire.", path.read_text())
        for path in sorted(ADDON.iterdir())
        if path.suffix in (".py", ".toml")
    }
    for module in wire():
        up = "." * len(module.parts)
        text = _OURS.sub(rf"\1from {up}", (ROOT / module).read_text())
        packed[f"wire/{module.as_posix()}"] = text
        for folder in module.parents:
            packed.setdefault(f"{(Path('wire') / folder).as_posix()}/__init__.py", "")
    packed["LICENSE"] = (ROOT / "LICENSE").read_text() if (ROOT / "LICENSE").is_file() else ""
    return packed


def build(out: Path, wheels: Path | None = None) -> list[str]:
    """Writes the zip; returns the names of the wheels in it."""
    packed = files()
    found = sorted(wheels.glob("pyzmq-*.whl")) if wheels else []
    if wheels and not found:
        sys.exit(f"There is no pyzmq-*.whl in {wheels}: pip download pyzmq --dest {wheels}")
    if found:
        lines = "".join(f'  "./wheels/{wheel.name}",\n' for wheel in found)
        packed[MANIFEST] = packed[MANIFEST].replace("wheels = []", f"wheels = [\n{lines}]")
    out.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in sorted(packed.items()):
            archive.writestr(name, text)
        for wheel in found:
            archive.write(wheel, f"wheels/{wheel.name}")
    return [wheel.name for wheel in found]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="the zip to write")
    parser.add_argument(
        "--wheels",
        type=Path,
        metavar="DIR",
        help="a folder with pyzmq's wheels, one for each system and Python that is to use it",
    )
    chosen = parser.parse_args()
    inside = build(chosen.out, chosen.wheels)
    print(
        f"{chosen.out}, with {', '.join(inside) or 'no wheels'}: install it in Blender from disk."
    )
