"""Completion, in real shells."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from understudy.runtime.cli.completion import SHELLS


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with files of several kinds, and `understudy` on the path."""
    for name in ("walk.bvh", "Run.BVH", "pad.toml", "net.onnx", ".hidden.bvh"):
        (tmp_path / name).touch()
    (tmp_path / "takes").mkdir()
    program = tmp_path / "bin" / "understudy"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m understudy.runtime.cli.main "$@"\n')
    program.chmod(0o755)
    return tmp_path


def shell(place: Path, program: str, code: str) -> str:
    if shutil.which(program) is None:
        pytest.skip(f"no {program} here: apt install {program}")
    env = {**os.environ, "PATH": f"{place / 'bin'}:{os.environ['PATH']}", "HOME": str(place)}
    words = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[program]
    done = subprocess.run(
        [program, *words, "-c", code], capture_output=True, text=True, timeout=120,
        cwd=place, env=env,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done.stdout


def bash(place: Path, line: str) -> list[str]:
    """What bash would offer at the end of this line."""
    code = f"""
        set -e
        source <(understudy completion bash)
        COMP_LINE='{line}'
        COMP_POINT=${{#COMP_LINE}}
        COMP_TYPE=9
        COMP_WORDS=($COMP_LINE)
        COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
        _python_argcomplete understudy
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    return sorted(word.strip() for word in shell(place, "bash", code).split("\n") if word.strip())


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("understudy li", ["listen"]),
        (
            "understudy train ",
            ["actions", "effect", "face", "footsteps", "measures", "motion", "takeover"],
        ),
        ("understudy keys re", ["revoke"]),
        ("understudy viewport --camera f", ["first", "fixed"]),
        ("understudy stage --takeover-w", ["--takeover-weights"]),
        ("understudy stage --bvh ", ["Run.BVH", "bin/", "takes/", "walk.bvh"]),
        ("understudy render w", ["walk.bvh"]),
        ("understudy perform --pad ", ["bin/", "pad.toml", "takes/"]),
        ("understudy perform --weights n", ["net.onnx"]),
        ("understudy viewport --out t", ["takes/"]),
        ("understudy loopback free", ["freed"]),
        ("understudy completion z", ["zsh"]),
        ("understudy bench late", ["latency"]),
        ("understudy stage --rate ", []),
    ],
)
def test_bash_offers(place, line, offered):
    assert bash(place, line) == offered


def test_bash_offers_the_schemes_of_sources_and_outputs(place):
    assert {"vmc://", "freed://", "opentrackio://"} <= set(bash(place, "understudy stage --from "))
    assert "livelinkface://" in bash(place, "understudy send --to liv")


def test_zsh_offers(place):
    code = """
        autoload -U compinit && compinit -u -D
        source <(understudy completion zsh)
        print -r -- ${_comps[understudy]}
        words=(understudy) BUFFER='understudy stage --bvh w' CURSOR=24
        _describe() { print -rl -- $completions }
        _python_argcomplete
    """
    lines = shell(place, "zsh", code).split()
    assert lines == ["_python_argcomplete", "walk.bvh:"]  # a colon, and no description


def test_fish_offers(place):
    code = "understudy completion fish | source; complete -C 'understudy viewport --camera f'"
    lines = shell(place, "fish", code).splitlines()  # each with its description
    assert [line.split("\t")[0] for line in lines] == ["first", "fixed"]


def test_the_examples_name_every_shell():
    from understudy.runtime.cli import completion

    assert all(f"understudy completion {name}" in completion.EXAMPLES for name in SHELLS)
