"""One Godot for all tests of the add-on, and skeletons as rows for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .engine import Godot


@pytest.fixture(scope="session")
def godot() -> Iterator[Godot]:
    with Godot() as engine:
        yield engine
        # of scripts and of the engine, over all tests; one test takes the port away
        assert [said for said in engine.errors() if "Port taken" not in said] == []
