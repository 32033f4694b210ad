"""What sets particles off, and where emitters are."""

import numpy as np
import pytest

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.event import Event
from understudy.runtime.core.humanoid import PERFORMER, roles
from understudy.runtime.core.pose import Frame, Pose, Prop, Subject
from understudy.runtime.particles.effects import NUMBER
from understudy.runtime.particles.sources import Emitter, Sources, parse, thrown


def standing(x: float = 0.0) -> Subject:
    pose = Pose.rest(PERFORMER)
    pose.positions[0] += [x, 0.0, 0.0]
    return Subject("ann", PERFORMER, pose)


def frame_of(x: float = 0.0, **more) -> Frame:
    return Frame(1, 0, 0, 60, 1, "", [standing(x)], **more)


def sparks_of(born: list) -> np.ndarray:
    return np.concatenate(born) if born else np.zeros(0)


@pytest.mark.parametrize(
    ("event", "wet", "effect"),
    [
        (Event("step", on_material="sand", speed_mps=1.0), 0.0, "dust"),
        (Event("step", on_material="carpet", speed_mps=1.0), 0.0, None),
        (Event("step", on_material="sand", speed_mps=0.1), 0.0, None),
        (Event("step", on_material="concrete", speed_mps=1.0), 0.9, "splash"),
        (Event("scuff", on_material="gravel", slip_mps=1.2), 0.0, "dust"),
        (Event("hit", material="metal", on_material="metal", speed_mps=4.0), 0.0, "sparks"),
        (Event("hit", material="metal", on_material="metal", speed_mps=0.5), 0.0, None),
        (Event("hit", material="metal", on_material="cloth", speed_mps=4.0), 0.0, "dust"),
        (Event("hit", material="wood", on_material="stone", speed_mps=4.0), 0.0, "chips"),
        (Event("cue", "embers"), 0.0, "embers"),
        (Event("cue", "applause"), 0.0, None),
        (Event("lift"), 0.0, None),
    ],
)
def test_what_contacts_throw_up(event: Event, wet: float, effect: str | None) -> None:
    found = thrown(event, wet)
    assert (found[0] if found else None) == effect


def test_a_contact_throws_at_its_own_moment_and_place() -> None:
    told = Event("hit", material="metal", on_material="metal", speed_mps=5.0,
                 position=(1.0, 1.2, 3.0), time_ns=2_500_000_000)  # fmt: skip
    born = sparks_of(Sources().happened([told], None, None))
    assert len(born) > 20
    assert set(born["kind"]) == {NUMBER["sparks"]}
    np.testing.assert_allclose(born["begin"].mean(0), [1.0, 1.2, 3.0], atol=0.05)
    np.testing.assert_array_equal(born["at_s"], 2.5)


def test_an_emitter_goes_with_its_joint_and_keeps_its_rate() -> None:
    sources = Sources([parse("dust@ann/left_hand")])
    born, hand = [], roles(PERFORMER)["left_hand"]
    for k in range(120):
        frame = frame_of(0.01 * k)
        born += sources.emitted(frame, 1.0 + k / 60, 1 / 60, None)
    count = len(sparks_of(born))
    assert abs(count - 2.0 * 40.0) <= 2
    world, _ = PERFORMER.globals(standing(1.19).pose.positions, standing().pose.rotations)
    np.testing.assert_allclose(born[-1]["begin"].mean(0), world[hand], atol=0.25)


@pytest.mark.parametrize(
    ("line", "emitter"),
    [
        ("sparks@sword", Emitter("sparks", "sword")),
        ("embers@1,0.5,-2", Emitter("embers", "", (1.0, 0.5, -2.0))),
        ("smoke@ann/head", Emitter("smoke", "ann/head")),
    ],
)
def test_emitters_are_read(line: str, emitter: Emitter) -> None:
    assert parse(line) == emitter


@pytest.mark.parametrize("line", ["fire@ann", "sparks", "sparks@", "@ann"])
def test_what_is_no_emitter_is_a_sentence(line: str) -> None:
    with pytest.raises(UnderstudyError, match="is no emitter"):
        parse(line)


def test_on_a_prop_and_missing() -> None:
    sources = Sources([parse("embers@torch"), parse("smoke@nobody")])
    torch = Prop("torch", np.array([0.0, 2.0, 0.0]), np.array([0.0, 0.0, 0.0, 1.0]))
    born = []
    for k in range(30):
        born += sources.emitted(frame_of(props=[torch]), k / 30, 1 / 30, None)
    assert set(sparks_of(born)["kind"]) == {NUMBER["embers"]}
    assert sources.missing == {"nobody"}


def test_rain_jumps_off_shoulders_and_cold_breath_comes_out_of_the_mouth() -> None:
    sources = Sources()
    sources.rain = sources.cold = 1.0
    born = []
    for k in range(300):
        born += sources.emitted(frame_of(), k / 60, 1 / 60, None)
    every = sparks_of(born)
    drops = every[every["kind"] == NUMBER["drops"]]
    breath = every[every["kind"] == NUMBER["breath"]]
    world, _ = PERFORMER.globals(standing().pose.positions, standing().pose.rotations)
    head = world[roles(PERFORMER)["head"]]
    assert len(drops) > 100
    assert len(breath) > 10
    assert drops["begin"][:, 1].min() > 0.8
    assert np.linalg.norm(breath["begin"] - head, axis=1).max() < 0.35
    assert (breath["speed"][:, 2] > 0.0).mean() > 0.95  # it looks along +Z
