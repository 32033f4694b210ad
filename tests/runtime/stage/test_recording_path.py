"""A recording that is asked for over the network, with a path that can be none."""

from __future__ import annotations

import pytest

from understudy.bridge import ControlClient
from understudy.runtime.bench.processes import StageProcess
from understudy.runtime.core.errors import UnderstudyError


def test_it_is_refused_and_the_stage_goes_on(pad):
    with StageProcess("--pad", pad, "--no-realtime") as stage:
        with ControlClient(stage.control) as client:
            for path in ("a\0b.bvh", "x" * 300 + ".bvh", "y/" * 3000):
                with pytest.raises(UnderstudyError, match=r"is no path|of length"):
                    client.record(True, path)
            assert client.hello()["understudy"]
        assert stage.process.poll() is None
