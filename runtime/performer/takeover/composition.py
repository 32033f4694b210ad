"""Composition: the poses of a tick, from what was seen, what is predicted and what still fades.

Bodies of one skeleton are composed together, and the feet of all: a tick costs numpy's calls,
hardly their size.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from understudy.runtime.core.kinematics import world_positions, world_rotations
from understudy.runtime.core.rotation import Array

from .blend import PoseBlend
from .body import YOUNG_S, Body
from .feet import Bodies, FootPlanting
from .forecast import sample
from .prediction import Prediction


@dataclass(slots=True)
class Mixed:
    """Bodies `rows` (n,) of one skeleton of which something is not the source's alone.

    blending (n, J) says which joints are handed over; target is the pose without what fades.
    """

    bodies: list[Body]
    rows: np.ndarray
    blending: np.ndarray
    target: tuple[Array, Array]
    positions: Array
    rotations: Array


def compose(bodies: Sequence[Body], blend: PoseBlend, planting: FootPlanting) -> None:
    """Pose, state and reason of every body at this tick."""
    under_way = blend.under_way(np.array([body.time_s for body in bodies]))
    fades = np.asarray(under_way.any(axis=1)).tolist()
    steps = planting.busy().tolist()
    mixed = []
    for body in bodies:
        if not body.stream.packets:
            continue
        if body.any_missing or fades[body.i] or steps[body.i]:
            mixed.append(body)
        else:
            body.show_source()
    groups = []
    for same in by_skeleton(mixed):
        rows = np.array([body.i for body in same])
        groups.append(_blended(same, rows, under_way[rows, : len(same[0].skeleton)], blend))
    _plant([one for one in groups if one.bodies[0].prediction is not None], planting)
    for one in groups:
        if one.bodies[0].prediction is not None:
            _distances(one.bodies, one.positions, one.rotations)
        for k, body in enumerate(one.bodies):
            aim = one.target[0][k], one.target[1][k]
            body.show(one.positions[k], one.rotations[k], aim)


def by_skeleton(bodies: Iterable[Body]) -> list[list[Body]]:
    """Bodies of one skeleton together."""
    groups: dict[tuple[int, bool], list[Body]] = defaultdict(list)
    for body in bodies:
        groups[body.skeleton.id, body.prediction is None].append(body)
    return list(groups.values())


def _blended(bodies: list[Body], rows: np.ndarray, blending: np.ndarray, blend: PoseBlend) -> Mixed:
    """Bodies `rows` of one skeleton with what is predicted and what fades."""
    time_s = np.array([body.time_s for body in bodies])
    positions = np.array([body.stream.newest.positions for body in bodies])
    rotations = np.array([body.stream.newest.rotations for body in bodies])
    _predict(bodies, positions, rotations)
    target = positions, rotations
    positions, rotations = positions.copy(), rotations.copy()
    if blending.any():
        blend.apply(rows, blending, time_s, positions, rotations)
    return Mixed(bodies, rows, blending, target, positions, rotations)


def _predict(bodies: list[Body], positions: Array, rotations: Array) -> None:
    """Writes what is predicted to where it is missing, positions (n, J, 3), rotations (n, J, 4)."""
    rows, forecasts = [], []
    for k, body in enumerate(bodies):
        if body.prediction is None or not body.prediction.forecast:
            continue
        if body.any_missing:
            rows.append(k)
            forecasts.append(body.prediction.forecast)
            body.expect(body.prediction.forecast.errors_at(body.time_s))
        else:
            body.prediction.stop_using()
    if rows:
        there_p, there_r = sample(forecasts, [bodies[k].time_s for k in rows])
        missing = np.array([bodies[k].missing for k in rows])[..., None]
        positions[rows] = np.where(missing, there_p, positions[rows])
        rotations[rows] = np.where(missing, there_r, rotations[rows])
    for body in bodies:
        if body.prediction is not None and body.prediction.forecast:
            body.prediction.forecast.trim(body.time_s)


def _plant(groups: Sequence[Mixed], planting: FootPlanting) -> None:
    """Keeps feet from sliding: rotations are changed in place."""
    by_legs = defaultdict(list)
    for one in groups:
        some, bodies = _planted(one, planting)
        if bodies is not None:
            by_legs[bodies.mode.shape[1]].append((one, some, bodies))
    for alike in by_legs.values():
        planting.solve([bodies for _, _, bodies in alike])
        for one, some, bodies in alike:
            one.rotations[some] = bodies.rotations


def _planted(of: Mixed, planting: FootPlanting) -> tuple[np.ndarray, Bodies | None]:
    """Which of the bodies have a foot to be planted, and these."""
    bodies, rows = of.bodies, of.rows
    # What is only late is as good as seen: its feet are where they were going.
    long_lost = np.array([body.lost_for_s > YOUNG_S for body in bodies])
    missing = np.array([body.missing for body in bodies]) & long_lost[:, None]
    known = [bool(_prediction(body).forecast) for body in bodies]
    some = np.flatnonzero((planting.busy()[rows] | long_lost) & known)
    if not len(some):
        return some, None
    transfer = _prediction(bodies[0]).transfer
    mode = planting.modes(rows[some], transfer.legs, missing[some])
    live = np.flatnonzero(mode.any(axis=1))
    some, mode = some[live], mode[live]
    if not len(some):
        return some, None
    its = [bodies[k] for k in some]
    predictions = [_prediction(body) for body in its]
    return some, Bodies(
        legs=transfer.legs,
        steps=transfer.steps,
        hips=transfer.hips,
        rows=rows[some],
        mode=mode,
        time_s=np.array([body.time_s for body in its]),
        dt_s=np.array([body.step_s for body in its]),
        blending=of.blending[some],
        contacts=np.array([p.forecast.contacts_at(b.time_s) for p, b in zip(predictions, its)]),
        target=(of.target[0][some], of.target[1][some]),
        before=[body.before for body in its],
        floors_m=np.array([one.level.floors_m for one in predictions]) / transfer.scale,
        reliefs=[one.relief for one in predictions],
        positions=of.positions[some],
        rotations=of.rotations[some],
    )


def _distances(bodies: list[Body], positions: Array, rotations: Array) -> None:
    """Where the truth is known again: how far what is shown still is from it."""
    back = [k for k, body in enumerate(bodies) if body.returns or not body.any_missing]
    if not back:
        return
    newest = [bodies[k].stream.newest for k in back]
    both_p = np.array([positions[back], [packet.positions for packet in newest]])
    both_r = np.array([rotations[back], [packet.rotations for packet in newest]])
    steps = _prediction(bodies[0]).transfer.steps
    world = world_positions(both_p, world_rotations(both_r, steps), steps)
    off = world[0] - world[1]
    apart_m = np.sqrt((off * off).sum(-1))
    for k, metres in zip(back, apart_m, strict=True):
        bodies[k].expect(np.concatenate([[metres.mean()], metres]))


def _prediction(body: Body) -> Prediction:
    assert body.prediction is not None
    return body.prediction
