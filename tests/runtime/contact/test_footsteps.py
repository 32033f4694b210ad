"""Steps of bodies that walk: told ahead, once, and of everybody."""

import numpy as np
import pytest

from understudy.runtime.contact.footsteps import Footsteps, Surface
from understudy.runtime.core.event import LIFT, SCUFF, STEP, Event
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Pose, State, Subject
from understudy.runtime.stage.loop import Stage
from understudy.runtime.stage.session import session_of

RATE_HZ = 60
ANYWHERE = {"publish": "tcp://127.0.0.1:*", "control": "tcp://127.0.0.1:*"}


@pytest.fixture(scope="module")
def walk(tmp_path_factory) -> list[list[Subject]]:
    """Six seconds of two performers on pads, as they were published."""
    pad = tmp_path_factory.mktemp("pad") / "walk.toml"
    pad.write_text("rate_hz = 60\n[[event]]\nat_s = 0.5\nleft_stick = [0.0, 0.8]\n")
    frames: list[list[Subject]] = []
    with Stage(session_of(f"pad://{pad}", copies=2, **ANYWHERE)) as stage:  # type: ignore[arg-type]
        for number in range(6 * RATE_HZ):
            stage.tick(number)
            frames.append([
                Subject(s.name, s.skeleton, s.pose.copy(), contacts=s.contacts.copy())
                for s in stage.cast.solve()
            ])  # fmt: skip
    return frames


def told(frames: list[list[Subject]], footsteps: Footsteps) -> list[tuple[float, Event]]:
    return [
        (n / RATE_HZ, event)
        for n, subjects in enumerate(frames)
        for event in footsteps.step(subjects, n / RATE_HZ, 1 / RATE_HZ)
    ]


def landings(frames: list[list[Subject]], row: int, who: int) -> np.ndarray:
    """When a foot of the performer comes down, by the performer's own contacts."""
    down = np.array([f[who].contacts[2 * row : 2 * row + 2, 1].max() > 0.5 for f in frames])
    return np.flatnonzero(down[1:] & ~down[:-1]) / RATE_HZ


def test_each_step_of_a_walk_is_told_before_it_is_and_once(walk):
    with Footsteps(surface=Surface("leather", "gravel")) as footsteps:
        happened = told(walk, footsteps)
    steps = [(at_s, one) for at_s, one in happened if one.kind == STEP]
    for who, subject in enumerate(walk[0]):
        for side, word in enumerate(("Left", "Right")):
            due = np.array([
                one.time_ns * 1e-9 for _, one in steps
                if one.who == subject.name and one.part.startswith(word)
            ])  # fmt: skip
            true = landings(walk, side, who)
            true = true[true > 1.2]
            due = due[due > 1.0]
            assert abs(len(due) - len(true)) <= 1
            near = np.abs(due[:, None] - true).min(0)
            assert np.median(near) < 0.06
    assert {one.on_material for _, one in steps} == {"gravel"}
    assert {one.material for _, one in steps} == {"leather"}
    ahead = [one.time_ns * 1e-9 - at_s for at_s, one in steps]
    assert 0.02 < np.median(ahead) < 0.1
    assert all(one.speed_mps > 0.05 for _, one in steps)
    assert sum(one.kind == LIFT for _, one in happened) >= len(steps) - 8


def test_a_step_is_where_the_foot_comes_down(walk):
    with Footsteps() as footsteps:
        for at_s, one in told(walk, footsteps):
            if one.kind != STEP or at_s < 1.0 or at_s > 5.5:
                continue
            then = walk[min(round(one.time_ns * 1e-9 * RATE_HZ), len(walk) - 1)]
            subject = next(s for s in then if s.name == one.who)
            world, _ = subject.skeleton.globals(subject.pose.positions, subject.pose.rotations)
            foot = world[subject.skeleton.index(one.part)]
            assert np.hypot(one.position[0] - foot[0], one.position[2] - foot[2]) < 0.16


def test_who_stands_takes_no_step_and_who_slides_scuffs():
    def standing(x: float) -> list[Subject]:
        pose = Pose.rest(PERFORMER)
        pose.positions[0, 0] = x
        return [Subject("ann", PERFORMER, pose)]

    with Footsteps() as footsteps:
        still = told([standing(0.0)] * 180, footsteps)
        slide = told([standing(0.012 * n) for n in range(120)], footsteps)
    assert not [one for _, one in still if one.kind in (STEP, SCUFF)]
    scuffs = [one for _, one in slide if one.kind == SCUFF]
    assert scuffs
    assert scuffs[0].slip_mps == pytest.approx(0.72, rel=0.1)


def test_people_come_and_go_and_a_crowd_has_room(walk):
    with Footsteps() as footsteps:
        crowd = [
            Subject(f"p{k}", PERFORMER, Pose.rest(PERFORMER)) for k in range(23)
        ]  # fmt: skip
        for n in range(30):
            here = crowd[: 3 + n % 20]
            footsteps.step(here, n / RATE_HZ, 1 / RATE_HZ)
        gone = [Subject("p0", PERFORMER, Pose.rest(PERFORMER), state=State.LOST)]
        assert footsteps.step(gone, 1.0, 1 / RATE_HZ) == []


def test_one_body_is_told_alike_alone_and_beside_another(walk):
    with Footsteps() as both, Footsteps() as alone:
        of_both = [e for _, e in told(walk, both) if e.who == walk[0][0].name]
        of_one = [e for _, e in told([[f[0]] for f in walk], alone)]
    key = [(e.kind, e.part, round(e.time_ns * 1e-9, 3)) for e in of_both]
    assert key == [(e.kind, e.part, round(e.time_ns * 1e-9, 3)) for e in of_one]


def test_a_stage_that_is_asked_tells_of_steps_and_one_that_is_not_does_not(pad):
    for steps in (False, True):
        session = session_of(f"pad://{pad}", **ANYWHERE)  # type: ignore[arg-type]
        session.contact.steps = steps
        with Stage(session) as stage:
            for number in range(150):
                stage.tick(number)
            assert (stage.figures()["events"] > 2) == steps
