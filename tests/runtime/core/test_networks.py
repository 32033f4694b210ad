"""A network is opened only when its card vouches for it."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from understudy.runtime.core import networks
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Intent
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.performer.control.card import MotionCard
from understudy.runtime.performer.control.performer import Performer

SHIPPED = networks.WEIGHTS / "motion.onnx"


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
        networks.open_network(path, **options)  # type: ignore[arg-type]
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_the_shipped_network_opens_and_is_small():
    with networks.open_network(SHIPPED, "cpu", PERFORMER) as network:
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
    said = sentence(network)
    assert "motion.json" in said and said.endswith("; restore it, or train the network again.")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sha256": 1}, "sha256 is 1; it must be text"),
        ({"skeleton": {}}, "skeleton: id is missing"),
        ({"inputs": []}, "inputs is []; it must be a table of tables"),
        ({"outputs": {"x": {"shape": 3}}}, "outputs.x.shape is 3; it must be a list"),
    ],
)
def test_a_card_whose_parts_are_of_another_kind(network, changes, said):
    edit(network, **changes)
    assert said in sentence(network)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"start": [0.0, 1.0]}, "start, low or high has 2 numbers, a body has 280"),
        ({"start": None}, "start is null"),
        ({"limits": {"mean": []}}, "limits.mean is []; it must be a list of 22 entries"),
        ({"inputs": {"path": {"shape": ["count", 26]}}}, "motion.onnx is no motion network"),
        (
            {"inputs": {n: {"shape": ["count", 24]} for n in ("body", "path", "memory")}},
            "bodies have 24 numbers and paths 24, in this program 280 and 26; restore it, or train",
        ),
    ],
)
def test_a_performers_card_has_what_the_performer_needs(network, changes, said):
    edit(network, **changes)
    with pytest.raises(UnderstudyError) as caught:
        Performer(1, network, "cpu")
    assert said in str(caught.value) and "motion." in str(caught.value)


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


def ring(network: networks.Network, resident: tuple[str, ...], steps: int, wipe: int = -1):
    """Bodies after so many calls that hand state to and fro; at one of them a memory is wiped."""
    shapes = {n: e["shape"][1:] for n, e in network.card["inputs"].items()}
    rng = np.random.default_rng(0)
    path = rng.normal(size=(3, *shapes["path"])).astype(np.float32)
    sets = [
        {n: np.zeros((3, *shapes[n]), np.float32) for n in ("body", "memory")} for _ in range(2)
    ]
    sets[0]["body"][:] = network.card["start"]
    turns = np.zeros((3, 22, 4), np.float32)
    runs = [
        network.bind(
            {"path": path, **sets[k]},
            {
                "next_body": sets[1 - k]["body"],
                "next_memory": sets[1 - k]["memory"],
                "rotations": turns,
            },
            resident,
        )
        for k in (0, 1)
    ]
    for step in range(steps):
        memory = sets[step % 2]["memory"]
        if step == wipe:
            network.pull(memory)
            memory[1] = 0.0
            network.push(memory)
        path[:] = np.roll(path, 1, axis=1)  # the host writes its input anew
        runs[step % 2]()
    last = sets[steps % 2]
    network.pull(last["memory"])
    return last["body"].copy(), last["memory"].copy()


@pytest.mark.parametrize("resident", [(), ("memory", "next_memory")])
@pytest.mark.parametrize("wipe", [-1, 4])
def test_memory_on_a_device_gives_what_the_hosts_own_arrays_give(resident, wipe):
    # A stand-in on the CPU: memory apart from the host's, with the copies that CUDA needs.
    with networks.open_network(SHIPPED, "cpu", PERFORMER) as network:
        expected = ring(network, (), 9, wipe)
    with networks.open_network(SHIPPED, "cpu", PERFORMER) as network:
        network.staged = True
        found = ring(network, resident, 9, wipe)
    for ours, theirs in zip(found, expected):
        np.testing.assert_array_equal(ours, theirs)


def test_a_resident_state_is_not_copied():
    with networks.open_network(SHIPPED, "cpu", PERFORMER) as network:
        network.staged = True
        copied = []
        push, pull = network.push, network.pull
        network.push = lambda a: (copied.append(a.shape), push(a))
        network.pull = lambda a: (copied.append(a.shape), pull(a))
        ring(network, ("memory", "next_memory"), 5)
        memory = (3, *network.card["inputs"]["memory"]["shape"][1:])
        assert copied.count(memory) == 1, "only the last look at it"
        assert len(copied) == 5 * 4 + 1


def test_bodies_on_a_device_move_as_bodies_on_the_host(monkeypatch):
    """The whole performer over the stand-in: its buffers are written and read by both sides."""
    plain = networks.open_network

    def staged(*words, **options):
        network = plain(*words, **options)
        network.staged = True
        return network

    def walked() -> np.ndarray:
        rotations = []
        with Performer(3, provider="cpu") as performer:
            for tick in range(90):
                if tick == 40:
                    performer.reset(1, (1.0, 2.0), 0.5)
                way = np.array([np.sin(0.03 * tick), 1.0])
                performer.step([Intent(way / np.linalg.norm(way), np.zeros(2))] * 3)
                rotations.append(performer.rotations.copy())
        return np.array(rotations)

    expected = walked()
    monkeypatch.setattr(networks, "open_network", staged)
    np.testing.assert_array_equal(walked(), expected)


def places(tree: object, path: tuple = ()) -> list[tuple]:
    """Every path in a card, of long lists the first entries."""
    found = [path]
    entries = tree.items() if isinstance(tree, dict) else []
    for key, value in entries or (enumerate(tree[:2]) if isinstance(tree, list) else []):
        found += places(value, (*path, key))
    return found


CARD = json.loads(SHIPPED.with_suffix(".json").read_text())


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(where=("sha256",), value="\x1e")
@given(
    st.sampled_from([p for p in places(CARD) if p and p[0] not in ("training", "measured")]),
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
    | st.sampled_from([[], {}, [[]], [1.0], {"shape": []}, {"shape": [1]}, 10**400]),
)  # fmt: skip
def test_a_card_with_any_part_replaced_is_read_or_refused_in_a_sentence(network, where, value):
    card = json.loads(json.dumps(CARD))
    holder = card
    for step in where[:-1]:
        holder = holder[step]
    holder[where[-1]] = value
    network.with_suffix(".json").write_text(json.dumps(card))
    try:
        networks.read_card(network, PERFORMER, "motion", MotionCard)
    except UnderstudyError as error:
        assert len(str(error).splitlines()) == 1 and "motion" in str(error)
