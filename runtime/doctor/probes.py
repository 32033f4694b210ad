"""Questions to drivers, asked in processes of their own: a broken driver crashes or hangs."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

_GL = """
import json
try:
    from understudy.runtime.viewport import gl
    context = gl.headless()
    print(json.dumps({"renderer": context.info["GL_RENDERER"], "vendor": context.info["GL_VENDOR"],
                      "version": context.version_code, "software": gl.is_software(context)}))
except Exception as error:
    print(json.dumps({"error": str(error).strip().split(chr(10))[0] or type(error).__name__}))
"""
_GAMEPAD = """
import json
from understudy.runtime.sources.controls.gamepad import Gamepad
pad = Gamepad()
pad.read()
print(json.dumps({"name": pad.name, "reason": pad.reason}))
"""
_NETWORKS = """
import json, sys
import onnxruntime
found = {"version": onnxruntime.__version__, "providers": onnxruntime.get_available_providers()}
print(json.dumps(found), flush=True)
from understudy.runtime.core import networks
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
for name in ("motion", "actions", "takeover"):
    try:
        with networks.open_network(
            networks.WEIGHTS / f"{name}.onnx", skeleton=PERFORMER, kind=name
        ) as network:
            found[name] = network.provider_name
    except UnderstudyError as error:
        found[f"{name}_error"] = str(error)
from understudy.runtime.viewport.effects import contact_weights
try:
    contact_weights.load()
    found["contact"] = contact_weights.FORMAT
except UnderstudyError as error:
    found["contact_error"] = str(error)
from understudy.runtime.viewport.effects.onnx_effect import read_card
found["effects"], found["effect_errors"] = [], []
for file in sorted((networks.WEIGHTS / "effects").glob("*/effect.toml")):
    try:
        model = read_card(file.parent).model
        onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
        found["effects"].append(file.parent.name)
    except Exception as error:
        found["effect_errors"].append(f"{file.parent.name}: {str(error).splitlines()[0][:120]}")
print(json.dumps(found))
"""
PROBES = {"gl": _GL, "gamepad": _GAMEPAD, "networks": _NETWORKS}


class Probe:
    """A piece of Python that runs beside us and prints JSON on its last line."""

    def __init__(self, code: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def result(self, timeout_s: float = 60.0) -> dict[str, Any]:
        """What it printed, with "error" added when it did not get through."""
        error = ""
        try:
            output, complaint = self._process.communicate(timeout=timeout_s)
            if code := self._process.returncode:
                last = (complaint.strip().splitlines() or ["no word"])[-1][:200]
                error = f"crashed with signal {-code}" if code < 0 else last
        except subprocess.TimeoutExpired:
            self._process.kill()
            output, _ = self._process.communicate()
            error = f"hung for {timeout_s:g} s"
        lines = [line for line in output.splitlines() if line.startswith("{")]
        try:
            found = dict(json.loads(lines[-1])) if lines else {}
        except ValueError:
            found = {}
        return {**found, "error": error} if error else found
