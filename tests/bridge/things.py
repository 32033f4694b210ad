"""Skeletons and frames for tests: a small fixed one, and any that hypothesis likes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from understudy.runtime.core.pose import Camera, Frame, Intent, Pose, Prop, State, Subject
from understudy.runtime.core.skeleton import Skeleton

ARM = Skeleton(
    ("root", "hand"),
    np.array([-1, 0]),
    np.array([[0.0, 1.0, 0.0], [0.5, 0.0, 0.0]]),
    tips=np.array([[np.nan] * 3, [0.25, 0.0, 0.0]]),
)
FACE = replace(ARM, curve_names=("jawOpen", "eyeBlinkLeft"))
# As many joints as a body with fingers has.
SIXTY = Skeleton(
    tuple(f"joint {i}" for i in range(60)),
    np.array([-1, *(max(0, i - 1 - i % 4) for i in range(1, 60))]),
    np.tile([0.0, 0.1, 0.0], (60, 1)),
)


def small_frame(sequence: int = 7, skeleton: Skeleton = ARM, subjects: int = 1) -> Frame:
    """A frame in which every field has a value of its own."""
    count = len(skeleton)
    pose = Pose(
        np.arange(count * 3, dtype=float).reshape(count, 3) / 8,
        np.tile([0.5, -0.5, 0.5, 0.5], (count, 1)),
    )
    intent = Intent(
        np.array([0.25, 0.75]), np.array([0.0, 1.0]), frozenset({"run", "action4"}), 1_000_000_001
    )
    return Frame(
        sequence=sequence,
        capture_ns=1_000_000_002,
        publish_ns=1_000_000_003,
        rate_num=30000,
        rate_den=1001,
        timecode="01:00:00;02",
        subjects=[
            Subject(
                f"Ann {i}",
                skeleton,
                pose,
                State.TAKEOVER,
                "signal lost",
                intent,
                np.array([[1.0, 0.5]]),
                np.array([[1.0, 2.0, 0.0, 1.0]]),
                0.0625,
                np.array([0.25, 0.5][: len(skeleton.curve_names)], np.float32),
                1_000_000_004,
            )
            for i in range(subjects)
        ],
        stats={"late": 3.0, "tick_ms": 1.25},
        cameras=[
            Camera(
                "A",
                np.array([0.0, 2.0, 4.0]),
                np.array([0.0, 0.0, 0.0, 1.0]),
                50.0,
                (36.0, 24.0),
                2.5,
                5.6,
                State.HOLD,
                "silent",
                1_000_000_005,
            )
        ],
        props=[
            Prop(
                "sword",
                np.array([1.0, 1.0, 1.0]),
                np.array([0.0, 0.0, 0.0, 1.0]),
                State.LOST,
                "out of sight",
                1_000_000_006,
            )
        ],
    )


def numbers(*shape: int, width: int = 32) -> st.SearchStrategy[np.ndarray]:
    """Arrays of finite numbers that a stage may hold; float32's own, so that they come back."""
    values = st.floats(-1e4, 1e4, width=width)
    return nps.arrays(np.float64 if width == 64 else np.float32, shape, elements=values)


@st.composite
def rotations(draw: st.DrawFn, *shape: int) -> np.ndarray:
    """(.., 4) unit quaternions, float32's own."""
    turns = draw(numbers(*shape, 4)).astype(np.float64)
    norms = np.linalg.norm(turns, axis=-1, keepdims=True)
    turns = np.where(norms > 1e-3, turns / np.maximum(norms, 1e-3), (0.0, 0.0, 0.0, 1.0))
    return turns.astype(np.float32)


stamps = st.integers(-(2**63), 2**63 - 1)
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)


@st.composite
def skeletons(draw: st.DrawFn) -> Skeleton:
    names = draw(st.lists(texts, min_size=1, max_size=12, unique=True))
    parents = [-1] + [draw(st.integers(0, j - 1)) for j in range(1, len(names))]
    tips = draw(numbers(len(names), 3, width=64))
    tips[draw(nps.arrays(bool, len(names)))] = np.nan
    return Skeleton(
        tuple(names),
        np.array(parents),
        draw(numbers(len(names), 3, width=64)),
        draw(numbers(len(names), 4, width=64)),
        tips,
        tuple(draw(st.lists(texts, max_size=4, unique=True))),
    )


@st.composite
def intents(draw: st.DrawFn) -> Intent:
    buttons = ("run", "strafe", "jump", "mirror", "action1", "action4", "action20")
    return Intent(
        draw(numbers(2)),
        draw(numbers(2)),
        frozenset(draw(st.sets(st.sampled_from(buttons)))),
        draw(st.integers(0, 2**62)),
    )


@st.composite
def subjects(draw: st.DrawFn, cast: list[Skeleton]) -> Subject:
    skeleton = draw(st.sampled_from(cast))
    joints = len(skeleton)
    touching = draw(st.lists(st.integers(0, joints - 1), max_size=4))
    contacts = np.zeros((len(touching), 2), np.float32)
    contacts[:, 0] = touching
    contacts[:, 1] = draw(numbers(len(touching)))
    return Subject(
        draw(texts),
        skeleton,
        Pose(draw(numbers(joints, 3)), draw(rotations(joints))),
        draw(st.sampled_from(State)),
        draw(texts),
        draw(st.none() | intents()),
        contacts,
        draw(numbers(draw(st.integers(0, 5)), 4)),
        draw(st.floats(0.0, 1e3, width=32)),
        draw(numbers(len(skeleton.curve_names))),
        draw(stamps),
    )


@st.composite
def frames(draw: st.DrawFn, cast: list[Skeleton] | None = None) -> Frame:
    cast = cast or draw(st.lists(skeletons(), min_size=1, max_size=3, unique_by=lambda s: s.id))
    lens = st.floats(0, 1e3, width=32)
    return Frame(
        draw(st.integers(0, 2**64 - 1)),
        draw(stamps),
        draw(stamps),
        draw(st.integers(0, 2**32 - 1)),
        draw(st.integers(0, 2**32 - 1)),
        draw(texts),
        draw(st.lists(subjects(cast), max_size=4)),
        draw(st.dictionaries(texts, st.floats(allow_nan=False), max_size=4)),
        [
            Camera(
                draw(texts),
                draw(numbers(3)),
                draw(rotations()),
                draw(lens),
                (draw(lens), draw(lens)),
                draw(lens),
                draw(lens),
                draw(st.sampled_from(State)),
                draw(texts),
                draw(stamps),
            )
            for _ in range(draw(st.integers(0, 2)))
        ],
        [
            Prop(
                draw(texts),
                draw(numbers(3)),
                draw(rotations()),
                draw(st.sampled_from(State)),
                draw(texts),
                draw(stamps),
            )
            for _ in range(draw(st.integers(0, 2)))
        ],
    )
