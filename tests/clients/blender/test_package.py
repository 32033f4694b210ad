"""The zip: whole, in order, and with wheels where they are asked for."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import zipfile

import pytest

from understudy.bridge.clients.blender import build


def names(path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def test_it_stands_on_nothing_that_blender_lacks(addon):
    inside = names(addon)
    assert {"__init__.py", "blender_manifest.toml", "wire/bridge/wire/decoder.py"} <= set(inside)
    with zipfile.ZipFile(addon) as archive:
        for name in inside:
            text = archive.read(name).decode()
            assert "from understudy" not in text and "import understudy" not in text, name
            if name.endswith(".py"):
                compile(text, name, "exec")


def test_the_installed_package_packs_the_same(addon, root, tmp_path):
    """There the folders lie under understudy/, and there is no repository around them."""
    for folder in ("bridge", "runtime"):
        shutil.copytree(root / folder, tmp_path / "understudy" / folder)
    script = tmp_path / "understudy" / "bridge" / "clients" / "blender" / "build.py"
    out = tmp_path / "out.zip"
    subprocess.run([sys.executable, script, out], check=True, capture_output=True, cwd=tmp_path)
    assert set(names(addon)) - set(names(out)) <= {"LICENSE"}


def test_a_module_that_blender_lacks_is_refused():
    with pytest.raises(SystemExit, match="imports msgspec, which Blender does not have"):
        build.imports("import msgspec", ("bridge",))


def test_wheels_are_packed_and_listed(tmp_path):
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    with pytest.raises(SystemExit, match=r"no pyzmq-\*\.whl"):
        build.build(tmp_path / "a.zip", wheels)
    for system in ("win_amd64", "macosx_11_0_arm64"):
        (wheels / f"pyzmq-27.0.0-cp311-cp311-{system}.whl").write_bytes(b"wheel")
    (wheels / "numpy-2.0.0-cp311-cp311-win_amd64.whl").write_bytes(b"not wanted")
    packed = build.build(tmp_path / "a.zip", wheels)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        manifest = tomllib.loads(archive.read("blender_manifest.toml").decode())
        assert manifest["wheels"] == [f"./wheels/{name}" for name in packed]
        for name in packed:
            assert archive.read(f"wheels/{name}") == b"wheel"
    assert len(packed) == 2


@pytest.mark.clients
def test_blender_finds_nothing_wrong_with_it(blender, addon):
    """By the tool behind `blender --command extension validate`."""
    find = (
        "import bpy, pathlib; print(pathlib.Path(bpy.utils.system_resource('SCRIPTS'), "
        "'addons_core/bl_pkg/cli/blender_ext.py'))"
    )
    found = subprocess.run([blender, "-c", find], capture_output=True, text=True, check=True)
    tool = found.stdout.splitlines()[-1]
    done = subprocess.run([blender, tool, "validate", addon], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Error" not in done.stdout, done.stdout
