"""What this machine has and lacks for a performance: one function a subject, no side effects.

Whatever loads a driver (OpenGL, ONNX Runtime, GLFW) runs as a probe in a process of its own.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from understudy.runtime.core import distribution, plugins, processes

from .probes import PROBES, Probe

OK, LACKING, BROKEN = "ok", "lacking", "broken"


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. BROKEN: nothing works without it; LACKING: something works less well.

    group  findings of one group have the same level and remedy, and are told to people in one line
    item   what that line says of this one
    """

    name: str
    level: str
    found: str
    remedy: str = ""
    group: str = ""
    item: str = ""


# distribution -> does the stage need it
PACKAGES = {
    "numpy": True,
    "pyzmq": True,
    "msgspec": True,
    "flatbuffers": True,
    "timecode": True,
    "psutil": True,
    "cbor2": False,
    "lz4": False,
    "moderngl": False,
    "glfw": False,
    "imgui-bundle": False,
    "av": False,
    "pillow": False,
    "scikit-image": False,
    "scipy": False,
    "matplotlib": False,
    "rich": False,
}
RUNTIMES = ("onnxruntime", "onnxruntime-gpu")


def examine() -> Iterator[Check]:
    """Every check but the network's, in the order in which a user reads them."""
    probes = {name: Probe(code) for name, code in PROBES.items()}
    yield python()
    yield cores()
    yield from packages()
    yield from plug_ins()
    card = nvidia()
    yield card
    yield from networks(probes["networks"].result(), has_nvidia=card.level == OK)
    yield opengl(probes["gl"].result())
    yield display()
    yield gamepad(probes["gamepad"].result())
    yield realtime()


def python() -> Check:
    found = f"{platform.python_version()}, {platform.system()} {platform.machine()}"
    step_s = time.get_clock_info("monotonic").resolution
    if step_s > 0.001:  # Windows before Python 3.13
        return Check(
            "python",
            LACKING,
            f"{found}; its clock has steps of {1000.0 * step_s:.1f} ms",
            "Ticks cannot be on time by this clock: take Python 3.13 or newer.",
        )
    return Check("python", OK, found)


def cores() -> Check:
    """The cores this process may use, which a container may have cut down."""
    allowed = getattr(os, "sched_getaffinity", None)
    count = len(allowed(0)) if allowed else os.cpu_count() or 1
    if count < 2:
        return Check(
            "processor",
            LACKING,
            "1 core",
            "Stage and viewport share one core here, so ticks will be late: run the viewport "
            "on another machine or give this one two cores.",
        )
    return Check("processor", OK, f"{count} cores")


def packages() -> Iterator[Check]:
    """One check for all that is there, and one for each package that is not."""
    there, missing = [], []
    for name in PACKAGES:
        version = _version(name)
        if version is None:
            missing.append(name)
        else:
            there.append(f"{name} {version}")
    yield Check("packages", OK, ", ".join([f"understudy {distribution.version()}", *there]))
    for name in missing:
        level = BROKEN if PACKAGES[name] else LACKING
        yield Check(name, level, "not installed", f"pip install {name}")
    if all(_version(name) for name in RUNTIMES):
        yield Check(
            "onnxruntime",
            LACKING,
            "installed twice, as onnxruntime and as onnxruntime-gpu, which overwrite each other",
            "pip uninstall -y onnxruntime onnxruntime-gpu, then install the one you want.",
        )


def plug_ins() -> Iterator[Check]:
    """What other packages bring, by entry points; none is no finding."""
    from understudy.runtime.outputs import sender
    from understudy.runtime.sources import registry
    from understudy.runtime.takes import exporters

    brought = (
        (plugins.SOURCES, registry.known()),
        (plugins.OUTPUTS, sender.known()),
        (plugins.EXPORTERS, exporters.known()),
        (plugins.EFFECTS, plugins.load(plugins.EFFECTS, (), ("__path__",))),
    )
    sound = []
    for group, known in brought:
        for name in plugins.names(group):
            one = known.get(name)
            if isinstance(one, plugins.Broken):
                remedy = f"Mend or remove the package {one.package}."
                yield Check(f"{one.noun} {name}", LACKING, f"cannot be loaded ({one.why})", remedy)
            else:
                sound.append(f"{plugins.NOUN[group]} {name}")
    if sound:
        yield Check("plug-ins", OK, ", ".join(sound))


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def nvidia() -> Check:
    """The NVIDIA driver and its card, by nvidia-smi or else by the kernel's word."""
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=20)
        if done.returncode == 0 and done.stdout.strip():
            return Check("nvidia", OK, "; ".join(done.stdout.strip().splitlines()))
    except (OSError, subprocess.TimeoutExpired):
        pass
    try:
        text = Path("/proc/driver/nvidia/version").read_text()
        version = re.search(r"\b\d+\.\d+(\.\d+)?\b", text)
        return Check("nvidia", OK, f"driver {version[0] if version else 'of unknown version'}")
    except OSError:
        return Check(
            "nvidia",
            LACKING,
            "no NVIDIA driver",
            "Everything runs without; with an NVIDIA card install its driver for CUDA networks.",
        )


def networks(found: dict[str, Any], has_nvidia: bool) -> Iterator[Check]:
    """ONNX Runtime, its providers, and whether each trained file is whole."""
    if "providers" not in found:
        yield Check(
            "onnxruntime",
            BROKEN,
            found.get("error", "no answer"),
            f"{distribution.install('cpu')} (or, for an NVIDIA card, "
            f"{distribution.install('gpu')}), one of them only.",
        )
        return
    names = ", ".join(p.removesuffix("ExecutionProvider") for p in found["providers"])
    said = f"{found['version']}, providers {names}"
    if has_nvidia and "CUDAExecutionProvider" not in found["providers"]:
        yield Check(
            "onnxruntime",
            LACKING,
            f"{said}; an NVIDIA card is there and unused",
            "pip uninstall -y onnxruntime && pip install onnxruntime-gpu",
        )
    else:
        yield Check("onnxruntime", OK, said)
    restore = "Install understudy again, or restore the file from its release."
    for name in ("motion", "actions", "takeover"):
        if name in found:
            runs_on = found[name].removesuffix("ExecutionProvider")
            yield Check(f"{name} network", OK, f"card and file agree, runs on {runs_on}")
        else:
            cause = found.get(f"{name}_error") or found.get("error", "no answer")
            yield Check(f"{name} network", BROKEN, cause, restore)
    if "contact" in found:
        yield Check("contact network", OK, str(found["contact"]))
    else:
        cause = found.get("contact_error") or found.get("error", "no answer")
        yield Check("contact network", LACKING, cause, restore)
    for cause in found.get("effect_errors", []):
        yield Check("effect", LACKING, cause, restore)
    if found.get("effects"):
        yield Check("effects", OK, ", ".join(found["effects"]))


def opengl(found: dict[str, Any]) -> Check:
    """The renderer that the viewport gets without a window."""
    if "renderer" not in found:
        return Check(
            "opengl",
            LACKING,
            found.get("error", "no answer"),
            "The stage runs without; for pictures install your GPU's driver"
            + (
                ", or Mesa's software renderer: apt-get install libegl1 libgl1-mesa-dri"
                if sys.platform == "linux"
                else "."
            ),
        )
    said = f"{found['renderer']}, OpenGL {found['version'] / 100:.1f}"
    if found["version"] < 330:
        return Check("opengl", LACKING, said, "The viewport needs OpenGL 3.3: update the driver.")
    if found.get("software"):
        return Check(
            "opengl",
            LACKING,
            f"{said}, a software renderer",
            "It works, slowly; install your GPU's driver for a viewport at full rate.",
        )
    return Check("opengl", OK, said)


def display() -> Check:
    if processes.has_display():
        return Check(
            "display", OK, os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY", "yes")
        )
    return Check(
        "display",
        LACKING,
        "neither DISPLAY nor WAYLAND_DISPLAY is set",
        "No window opens here; log in to a desktop, or render with --headless --out DIR.",
    )


def gamepad(found: dict[str, Any]) -> Check:
    if found.get("name"):
        return Check("gamepad", OK, found["name"])
    return Check(
        "gamepad",
        LACKING,
        found.get("reason") or found.get("error", "no answer"),
        "Plug one in, or steer with the keyboard: W A S D in the viewport's window.",
    )


def realtime() -> Check:
    """Whether the stage gets real-time priority, tried in a child so that nothing here changes."""
    if not hasattr(os, "sched_setscheduler"):
        return Check("real-time priority", LACKING, "this system has none that Python can set")
    code = (
        "import os\ntry:\n os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))\n"
        " print('{\"allowed\": true}')\nexcept OSError as error:\n"
        " import json\n print(json.dumps({'error': error.strerror}))"
    )
    found = Probe(code).result(20.0)
    if found.get("allowed"):
        return Check("real-time priority", OK, "allowed")
    return Check(
        "real-time priority",
        LACKING,
        f"refused ({found.get('error', 'no answer')})",
        "For steadier ticks: echo '@audio - rtprio 20' | sudo tee "
        "/etc/security/limits.d/understudy.conf, join the group audio and log in again.",
    )
