"""What the wheel brings: everything, and it runs outside the checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

FOLDERS = ("runtime", "bridge", "models", "shaders", "demos")


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory) -> Path:
    """Built from a copy, so that nothing stale in the checkout's build folder can get in."""
    source = tmp_path_factory.mktemp("source")
    for name in (*FOLDERS, "pyproject.toml", "README.md", "LICENSE"):
        path = root / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, source / name)
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "-q",
            "--no-deps",
            "--no-build-isolation",
            "-w",
            str(out),
            str(source),
        ],
        check=True,
    )
    return next(out.glob("*.whl"))


def test_the_wheel_holds_every_module_shader_weight_and_schema(root: Path, wheel: Path):
    held = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        f"understudy/{path.relative_to(root).as_posix()}"
        for folder in FOLDERS
        for path in (root / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert wanted - held == set()


def test_the_wheel_performs_in_a_fresh_environment_outside_the_checkout(wheel, tmp_path, pad):
    home = tmp_path / "venv"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", wheel], check=True)
    # The dependencies come from the environment of this test. A path line adds the packages alone:
    # the .pth of the editable install is not read from there.
    site = Path(sysconfig.get_path("purelib", vars={"base": str(home)}))
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    where = subprocess.run(
        [python, "-c", "import understudy.runtime as r; print(r.__file__)"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
    )
    assert str(home) in where.stdout
    take = tmp_path / "take.bvh"
    subprocess.run(
        [home / "bin" / "understudy", "perform", "--pad", pad, "--seconds", "1", "--out", take],
        check=True,
        cwd=tmp_path,
    )
    assert take.read_text().startswith("HIERARCHY")
    code = (
        "from understudy import demos; from understudy.runtime.core import distribution as d;"
        "print((demos.PADS / 'demo.toml').is_file(), d.clone(), d.version() != 'unknown');"
        "print(d.install('train'))"
    )
    said = subprocess.run(
        [python, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True
    ).stdout
    assert said.startswith('True None True\npip install "torch==')
