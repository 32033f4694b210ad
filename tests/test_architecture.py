"""The arrows of the design, held by reading every import: who may know whom."""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
TOPS = ("runtime", "bridge", "models", "shaders", "demos")
# Rooms from the ground up. An import goes down or stays on its floor, and nowhere in a circle.
FLOORS: tuple[tuple[str, ...], ...] = (
    ("runtime.core", "bridge.schema", "shaders"),
    ("bridge.wire", "bridge.security", "bridge.protocols"),
    ("bridge",),
    (
        "runtime.characters",
        "runtime.contact",
        "runtime.characters.people",
        "runtime.retarget",
        "runtime.performer",
        "runtime.performer.ik",
        "runtime.performer.control",
        "runtime.performer.takeover",
        "runtime.takes",
        "runtime.sources",
        "runtime.outputs",
        "runtime.particles",
        "runtime.props",
        "runtime.viewport.mesh",  # bodies without a picture: exports wear them too
    ),
    (
        "runtime.simulators",
        "runtime.stage",
        "runtime.takes.processing",
        "runtime.viewport",
        "runtime.monitor",
        "runtime.doctor",
        "runtime.foley",
    ),
    (
        "models",
        "models.actions",
        "models.contact",
        "models.effects",
        "models.footsteps",
        "models.matching",
        "models.motion",
        "models.people",
        "models.takeover",
        "models.voice",
    ),
    ("runtime.bench",),
    ("runtime", "runtime.cli", "demos"),
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
# A stage knows sources and outputs, and no protocol by name.
PROTOCOLS = re.compile(
    r"vmc|freed|opentrackio|live_?link|rokoko|natnet|optitrack|\bmvn|xsens|mocopi|ifacialmocap|"
    r"axis_?studio|\bpsn\b|art_?net",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Import:
    """One name that a file imports."""

    path: Path
    line: int
    name: str
    importer: str
    lazy: bool  # within a function, or for type checkers alone

    @property
    def rooms(self) -> tuple[str, str]:
        return room(self.importer), room(self.name)

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}, line {self.line}, imports {self.name}"


def room(name: str) -> str:
    """The room of a module: the longest name of a room that it begins with."""
    parts = name.removeprefix("understudy.").split(".")
    for count in range(len(parts), 0, -1):
        if (one := ".".join(parts[:count])) in FLOOR:
            return one
    return parts[0]


def sources() -> list[Path]:
    """Python files of the package; an engine's client and a plug-in are their own."""
    return [
        path
        for top in TOPS
        for path in sorted((ROOT / top).rglob("*.py"))
        if not {"clients", "plugin"} & set(path.relative_to(ROOT).parts)
    ]


@cache
def imports() -> tuple[Import, ...]:
    found: list[Import] = []
    for path in sources():
        parts = ["understudy", *path.relative_to(ROOT).with_suffix("").parts]
        package = parts[:-1]
        module = ".".join(package if parts[-1] == "__init__" else parts)

        def visit(node: ast.AST, lazy: bool, path=path, package=package, module=module) -> None:
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = package[: len(package) + 1 - node.level] if node.level else []
                base = [*base, *([node.module] if node.module else [])]
                names = [".".join([*base, alias.name]) for alias in node.names]
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or (
                isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
            ):
                lazy = True
            found.extend(Import(path, node.lineno, name, module, lazy) for name in names)
            for child in ast.iter_child_nodes(node):
                visit(child, lazy)

        visit(ast.parse(path.read_text(encoding="utf-8")), False)
    return tuple(found)


def ours() -> list[Import]:
    """Imports from one room of ours into another."""
    return [
        one for one in imports() if one.name.startswith("understudy.") and len(set(one.rooms)) > 1
    ]


def said(offences: list[str]) -> str:
    return "\n".join(offences)


def test_every_room_has_a_floor():
    unknown = {r for one in ours() for r in one.rooms if r not in FLOOR}
    assert not unknown, f"Give these rooms a floor in {Path(__file__).name}: {sorted(unknown)}."


def test_the_ground_floor_imports_nothing_of_ours():
    offences = [
        f"{one}: runtime/core imports nothing of ours."
        for one in ours()
        if one.rooms[0] == "runtime.core"
    ]
    assert not offences, said(offences)


def test_imports_point_down():
    offences = [
        f"{one}: {one.rooms[0]} is below {one.rooms[1]}."
        for one in ours()
        if FLOOR[one.rooms[0]] < FLOOR[one.rooms[1]]
    ]
    assert not offences, said(offences)


def test_rooms_import_each_other_in_no_circle():
    examples: dict[str, dict[str, Import]] = defaultdict(dict)
    for one in ours():
        examples[one.rooms[0]].setdefault(one.rooms[1], one)
    circles: set[tuple[str, ...]] = set()

    def walk(way: list[str]) -> None:
        for following in examples.get(way[-1], {}):
            if following in way:
                circle = way[way.index(following) :]
                first = circle.index(min(circle))
                circles.add((*circle[first:], *circle[:first]))
            elif following not in done:
                walk([*way, following])
        done.add(way[-1])

    done: set[str] = set()
    for start in sorted(examples):
        walk([start])
    offences = []
    for circle in sorted(circles):
        links = [examples[a][b] for a, b in zip(circle, (*circle[1:], circle[0]))]
        offences.append(
            f"{' -> '.join((*circle, circle[0]))} is a circle: {'; '.join(map(str, links))}."
        )
    assert not offences, said(offences)


def test_nothing_at_run_time_imports_the_training():
    offences = []
    for one in ours():
        asks, what = one.rooms
        if not what.startswith("models") or asks.startswith("models") or asks == "demos":
            continue
        if asks not in ("runtime.cli", "runtime.bench"):
            offences.append(f"{one}: nothing at run time imports models/.")
        elif not one.lazy:
            offences.append(f"{one} at its top: import models/ within the function that needs it.")
    assert not offences, said(offences)


def test_torch_is_imported_under_models_alone():
    offences = [
        f"{one}: torch is for training, under models/ alone."
        for one in imports()
        if one.name.split(".")[0] == "torch" and not room(one.importer).startswith("models")
    ]
    assert not offences, said(offences)


# What takes a tenth of a second or ten megabytes to import, and what few stages need.
HEAVY = ("scipy", "PIL", "torch", "av", "moderngl", "trimesh", "mujoco", "pxr")


def test_a_stage_starts_without_what_few_stages_need():
    program = "import sys, understudy.runtime.stage.loop; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not set(HEAVY) & set(done.stdout.split())


def test_the_stage_names_no_protocol():
    offences = []
    for path in sorted((ROOT / "runtime/stage").rglob("*.py")):
        for token in tokenize.generate_tokens(
            io.StringIO(path.read_text(encoding="utf-8")).readline
        ):
            if token.type in (tokenize.NAME, tokenize.STRING) and PROTOCOLS.search(token.string):
                offences.append(
                    f"{path.relative_to(ROOT)}, line {token.start[0]}, names a protocol: "
                    f"{token.string[:60]}."
                )
    assert not offences, said(offences)


def test_every_folder_of_python_is_a_package_that_is_installed():
    content = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = {
        name.removeprefix("understudy.") for name in content["tool"]["setuptools"]["packages"]
    }
    folders = {path.relative_to(ROOT).parent for path in sources()}
    # Scripts that are no package, and an example that is a package of its own.
    apart = (Path("demos/pads"), Path("demos/plugin"))
    there = {".".join(f.parts) for f in folders if not any(f.is_relative_to(a) for a in apart)}
    lacking, gone = sorted(there - listed), sorted(listed - there)
    assert not lacking, f"pyproject.toml does not list these packages: {', '.join(lacking)}."
    assert not gone, f"pyproject.toml lists packages without a folder: {', '.join(gone)}."
