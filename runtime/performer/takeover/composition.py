"""Composition: the poses of a tick, from what was seen, what is predicted and what still fades.

Bodies of one skeleton are composed together: a tick costs numpy's calls, hardly their size.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from understudy.runtime.core.kinematics import world_positions, world_rotations
from understudy.runtime.core.rotation import Array

from .blend import PoseBlend
from .body import YOUNG_S, Body
from .feet import Bodies, FootPlanting
from .forecast import sample
from .prediction import Prediction


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
    for same in by_skeleton(mixed):
        rows = np.array([body.i for body in same])
        _compose(same, rows, under_way[rows, : len(same[0].skeleton)], blend, planting)


def by_skeleton(bodies: Iterable[Body]) -> list[list[Body]]:
    """Bodies of one skeleton together."""
    groups: dict[tuple[int, bool], list[Body]] = defaultdict(list)
    for body in bodies:
        groups[body.skeleton.id, body.prediction is None].append(body)
    return list(groups.values())


def _compose(
    bodies: list[Body],
    rows: np.ndarray,
    blending: np.ndarray,
    blend: PoseBlend,
    planting: FootPlanting,
) -> None:
    """The same for bodies `rows` of one skeleton, of which something is not the source's alone."""
    time_s = np.array([body.time_s for body in bodies])
    positions = np.array([body.stream.newest.positions for body in bodies])
    rotations = np.array([body.stream.newest.rotations for body in bodies])
    _predict(bodies, positions, rotations)
    target = positions, rotations
    positions, rotations = positions.copy(), rotations.copy()
    if blending.any():
        blend.apply(rows, blending, time_s, positions, rotations)
    if bodies[0].prediction is not None:
        _plant(bodies, rows, blending, target, planting, positions, rotations)
        _distances(bodies, positions, rotations)
    for k, body in enumerate(bodies):
        body.show(positions[k], rotations[k], (target[0][k], target[1][k]))


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


def _plant(
    bodies: list[Body],
    rows: np.ndarray,
    blending: np.ndarray,
    target: tuple[Array, Array],
    planting: FootPlanting,
    positions: Array,
    rotations: Array,
) -> None:
    """Keeps feet from sliding: rotations (n, J, 4) are changed in place."""
    # What is only late is as good as seen: its feet are where they were going.
    long_lost = np.array([body.lost_for_s > YOUNG_S for body in bodies])
    missing = np.array([body.missing for body in bodies]) & long_lost[:, None]
    known = [bool(_prediction(body).forecast) for body in bodies]
    some = np.flatnonzero((planting.busy()[rows] | long_lost) & known)
    if not len(some):
        return
    predictions = [_prediction(bodies[k]) for k in some]
    transfer = predictions[0].transfer
    mode = planting.modes(rows[some], transfer.legs, missing[some])
    live = np.flatnonzero(mode.any(axis=1))
    if not len(live):
        return
    some, mode, predictions = some[live], mode[live], [predictions[k] for k in live]
    its = [bodies[k] for k in some]
    out = rotations[some]
    planting.solve(
        Bodies(
            legs=transfer.legs,
            steps=transfer.steps,
            hips=transfer.hips,
            rows=rows[some],
            mode=mode,
            time_s=np.array([body.time_s for body in its]),
            dt_s=np.array([body.step_s for body in its]),
            blending=blending[some],
            contacts=np.array([p.forecast.contacts_at(b.time_s) for p, b in zip(predictions, its)]),
            target=(target[0][some], target[1][some]),
            before=[body.before for body in its],
            floors_m=np.array([one.level.floors_m for one in predictions]) / transfer.scale,
            reliefs=[one.relief for one in predictions],
        ),
        positions[some],
        out,
    )
    rotations[some] = out


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
