"""A network is opened only when its card vouches for it."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from understudy.models import loader
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.skeleton import Skeleton

SHIPPED = loader.WEIGHTS / "motion.onnx"


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """A copy of the shipped network and its card."""
    path = tmp_path / "motion.onnx"
    shutil.copy(SHIPPED, path)
    shutil.copy(SHIPPED.with_suffix(".json"), path.with_suffix(".json"))
    return path


def edit(path: Path, **changes: object) -> None:
    card = json.loads(path.with_suffix(".json").read_text())
    path.with_suffix(".json").write_text(json.dumps(card | changes))


def sentence(path: Path, **options: object) -> str:
    with pytest.raises(UnderstudyError) as caught:
        loader.open_network(path, **options)  # type: ignore[arg-type]
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_the_shipped_network_opens_and_is_small():
    with loader.open_network(SHIPPED, "cpu", PERFORMER) as network:
        assert network.provider_name == "CPUExecutionProvider"
        assert network.card["training"]
    assert SHIPPED.stat().st_size < 4.5e6


def test_a_missing_file(tmp_path):
    assert "There is no network" in sentence(tmp_path / "none.onnx")


def test_a_missing_card(network):
    network.with_suffix(".json").unlink()
    assert "has no card" in sentence(network)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"sha256": 1}', "null"])
def test_a_damaged_card(network, text):
    network.with_suffix(".json").write_text(text)
    assert "is damaged" in sentence(network)


def test_a_damaged_network(network):
    content = bytearray(network.read_bytes())
    content[len(content) // 2] ^= 0xFF
    network.write_bytes(content)
    assert "is not the file its card describes" in sentence(network)


def test_a_truncated_network_whose_card_was_adjusted(network):
    content = network.read_bytes()[:5000]
    network.write_bytes(content)
    edit(network, sha256=hashlib.sha256(content).hexdigest())
    assert "cannot open" in sentence(network)


def test_another_skeleton(network):
    other = Skeleton(("a", "b"), np.array([-1, 0]), np.zeros((2, 3)))
    assert "was trained for skeleton" in sentence(network, skeleton=other)


def test_a_card_with_other_shapes(network):
    card = json.loads(network.with_suffix(".json").read_text())
    card["inputs"]["path"]["shape"][1] = 99
    edit(network, inputs=card["inputs"])
    assert "its card says" in sentence(network)


def test_another_format(network):
    edit(network, format=99)
    assert "format 99" in sentence(network)


def test_an_unknown_provider(network):
    assert "choose auto, cuda or cpu" in sentence(network, provider="gpu")
