"""Puts the Understudy plugin into an Unreal project, with the headers and libraries it needs.

    python install.py C:/Projects/MyStage --libraries C:/vcpkg/installed/x64-windows-static-md

The folder of libraries holds include/zmq.h, include/zmq.hpp, include/flatbuffers/ and lib/ with
ZeroMQ in it, as vcpkg lays them out; on Linux it is /usr, as Debian does. Run it again to update.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CPP = HERE.parent / "cpp"
CORE = CPP / "include" / "understudy"
GENERATED = "understudy_generated.h"
PLATFORM = {"win32": "Win64", "darwin": "Mac"}.get(sys.platform, "Linux")
# What to take of a platform's libraries: the first group of which there is something.
LIBRARIES = {
    "Win64": [["lib/libzmq*.lib", "lib/libsodium*.lib", "bin/libzmq*.dll", "bin/libsodium*.dll"]],
    "Linux": [["lib/libzmq.so.?", "lib/*/libzmq.so.?", "lib64/libzmq.so.?"], ["lib/lib*.a"]],
    "Mac": [["lib/libzmq.?.dylib"], ["lib/libzmq.a", "lib/libsodium.a"]],
}
REMEDY = (
    "install it, e.g. `vcpkg install zeromq[curve,sodium] cppzmq flatbuffers --triplet "
    "x64-windows-static-md` or `apt install libzmq3-dev cppzmq-dev flatbuffers-compiler`, "
    "and give its folder with --libraries."
)


def headers(libraries: Path, flatc: str | None, into: Path) -> None:
    """include/ of the plugin: ours, ZeroMQ's and FlatBuffers', the last two of one version."""
    for wanted in ("zmq.h", "zmq.hpp", "flatbuffers/flatbuffers.h"):
        if not (libraries / "include" / wanted).is_file():
            sys.exit(f"There is no include/{wanted} in {libraries}: {REMEDY}")
    shutil.copytree(CORE, into / "understudy")
    shutil.copytree(libraries / "include" / "flatbuffers", into / "flatbuffers")
    for name in ("zmq.h", "zmq.hpp"):
        shutil.copy(libraries / "include" / name, into / name)
    version = ".".join(
        re.findall(
            r"#define FLATBUFFERS_VERSION_(?:MAJOR|MINOR|REVISION) (\d+)",
            (into / "flatbuffers" / "base.h").read_text(),
        )
    )
    ours = into / "understudy" / GENERATED
    if _is_of(ours, version):
        return
    beside = [*libraries.glob("tools/flatbuffers/flatc*"), *libraries.glob("bin/flatc*")]
    tool = flatc or (str(beside[0]) if beside else "flatc")
    command = [sys.executable, str(CPP / "generate.py"), "--flatc", tool, "--out", str(ours.parent)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr.strip())
    if not _is_of(ours, version):
        sys.exit(
            f"{tool} is of another version than the FlatBuffers headers in {libraries}, {version}: "
            "give the flatc of that version with --flatc."
        )


def _is_of(generated: Path, version: str) -> bool:
    return f"written by flatc {version} " in generated.read_text()


def zeromq(libraries: Path, platform: str, into: Path) -> list[str]:
    """lib/PLATFORM of the plugin; the names of what was copied."""
    for group in LIBRARIES[platform]:
        found = sorted({file for pattern in group for file in libraries.glob(pattern)})
        if any("zmq" in file.name for file in found):
            into.mkdir(parents=True)
            for file in found:
                shutil.copy(file, into / file.name)
                if ".so." in file.name:  # linked by the short name, loaded by the long one
                    shutil.copy(file, into / (file.name.partition(".so.")[0] + ".so"))
            return [file.name for file in found]
    sys.exit(f"There is no ZeroMQ library for {platform} in {libraries}: {REMEDY}")


def install(project: Path, libraries: Path, platform: str, flatc: str | None) -> None:
    if not any(project.glob("*.uproject")):
        sys.exit(f"{project} is no Unreal project: there is no .uproject file in it.")
    target = project / "Plugins" / "Understudy"
    new = target.with_name(".Understudy-new")
    shutil.rmtree(new, ignore_errors=True)
    try:
        shutil.copytree(HERE / "Understudy", new)
        third_party = new / "Source" / "ThirdParty"
        headers(libraries, flatc, third_party / "include")
        names = zeromq(libraries, platform, third_party / "lib" / platform)
        shutil.rmtree(target, ignore_errors=True)
        new.rename(target)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    print(f"{target}, with {', '.join(names)}. Open the project: Unreal offers to build it.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("project", type=Path, help="the folder with the .uproject file")
    parser.add_argument(
        "--libraries",
        type=Path,
        default=Path("/usr"),
        metavar="DIR",
        help="include/ and lib/ of ZeroMQ, cppzmq and FlatBuffers (/usr)",
    )
    parser.add_argument("--platform", choices=sorted(LIBRARIES), default=PLATFORM)
    parser.add_argument("--flatc", help="FlatBuffers' compiler, of the version of the headers")
    chosen = parser.parse_args()
    install(chosen.project, chosen.libraries, chosen.platform, chosen.flatc)
