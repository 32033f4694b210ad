"""GLSL sources, found in the installed package; `#include "name.glsl"` pastes another file."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

_INCLUDE = re.compile(r'^[ \t]*#include[ \t]+"([^"]+)"[ \t]*$', re.MULTILINE)


@cache
def source(name: str) -> str:
    """The text of a shader file with its includes pasted in."""
    text = (files(__name__) / name).read_text(encoding="utf-8")
    return _INCLUDE.sub(lambda found: source(found.group(1)), text)


def stage(name: str, which: str, **defines: object) -> str:
    """One stage ("VERTEX" or "FRAGMENT") of a pass's file, ready to compile.

    A pass is one file; its stages stand between `#ifdef VERTEX` and `#ifdef FRAGMENT`.
    """
    lines = ["#version 330 core", f"#define {which}"]
    lines += [f"#define {key} {value}" for key, value in defines.items()]
    return "\n".join(lines) + "\n" + source(name)
