"""Subjects on their characters: what was solved is carried over, all of one kind at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import Pose, State, Subject
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.retarget import touch
from understudy.runtime.retarget.fitting import Figure, Fitting
from understudy.runtime.retarget.mapped import Mapped
from understudy.runtime.retarget.retarget import NotHumanoid

# An actor's floor is looked for so far from where it is thought to be, and never further away.
LOOKS_M, FURTHEST_M = 0.1, 0.06
# It is followed at this speed, towards the height that one sole in five is under.
FOLLOWS_MPS, STANDS = 0.03, 0.2


Way = Fitting | Mapped


@dataclass
class _Fit:
    """A skeleton's way onto a figure: being measured, there, or none and why."""

    source: Skeleton
    work: Future[Any] | None = None
    fitting: Way | None = None
    refusal: str = ""


def fit(source: Skeleton, figure: Figure) -> Way | str:
    """The way of a skeleton onto a figure, or the sentence that says why there is none."""
    if figure.profile.map:
        try:
            return Mapped(source, figure.skeleton, figure.profile.map, figure.profile)
        except UnderstudyError as error:
            return str(error)
    try:
        return Fitting(source, figure)
    except NotHumanoid as error:
        return str(error)


class Costume:
    """One subject's character, and the subject as it goes out in it."""

    def __init__(self, figure: Figure, source: Skeleton, sure: bool = False) -> None:
        """sure: the source knows its floor, as whoever is acted does."""
        self.figure, self.sure = figure, sure
        self.subject = Subject("", figure.skeleton, Pose.rest(figure.skeleton))
        self.floor_m = 0.0  # of the actor, as found out
        self._fit = _Fit(source)
        self.take(fit(source, figure))

    def of(self, figure: Figure) -> Costume:
        """The same actor in another figure."""
        return Costume(figure, self._fit.source, self.sure)

    def take(self, found: Way | str) -> None:
        """The way that was measured."""
        self._fit.work = None
        if isinstance(found, str):
            self._fit.refusal = found
        else:
            self._fit.fitting = found

    def fitting(
        self,
        source: Skeleton,
        beside: Callable[..., Future[Any]],
        ready: Callable[[Future[Any]], bool],
    ) -> Way | None:
        """The way from this skeleton; None while it is measured, or where there is none."""
        if source is not self._fit.source and not _same(source, self._fit.source):
            self._fit = _Fit(source, beside(fit, source, self.figure))
        if self._fit.work is not None and ready(self._fit.work):
            self.take(self._fit.work.result())
        return self._fit.fitting

    @property
    def refusal(self) -> str:
        """Why it cannot be put on; "" where it can, or is not known yet."""
        return self._fit.refusal

    def look_for_floor(self, soles_m: Array, dt_s: float) -> None:
        """Follows how high the soles (F,) of the actor stand, which suits place some cm wrong.

        A foot on a stair or in the air is no news of the floor.
        """
        near = soles_m[np.abs(soles_m - self.floor_m) < LOOKS_M]
        for high in near:
            share = STANDS if high > self.floor_m else STANDS - 1.0
            self.floor_m += dt_s * FOLLOWS_MPS * share
        self.floor_m = min(max(self.floor_m, -FURTHEST_M), FURTHEST_M)

    def go_out(self, subject: Subject, fitting: Way | None, about: Array) -> Subject:
        """All of a subject but its pose."""
        out = self.subject
        out.name, out.state, out.reason = subject.name, subject.state, subject.reason
        out.intent, out.uncertainty_m = subject.intent, subject.uncertainty_m
        out.curves, out.capture_ns = subject.curves, subject.capture_ns
        out.skeleton = self.figure.skeleton
        if fitting is None:  # it stands as it stood until its new source is measured
            out.state, out.reason = State.HOLD, "its character is being fitted"
            return out
        out.contacts = fitting.contacts(subject.contacts)
        out.trajectory = subject.trajectory
        if len(out.trajectory):
            out.trajectory = out.trajectory.copy()
            mark = about[[0, 2]]
            out.trajectory[:, :2] = mark + fitting.scale * (out.trajectory[:, :2] - mark)
        return out


def _same(a: Skeleton, b: Skeleton) -> bool:
    """Whether two skeletons differ by the names of their curves alone."""
    return a.rest_positions is b.rest_positions and a.names is b.names


def dressed(
    worn: Sequence[tuple[Subject, Costume | None, Array]],
    beside: Callable[..., Future[Any]],
    ready: Callable[[Future[Any]], bool],
    dt_s: float,
    props: Sequence[Array] = (),
) -> list[Subject]:
    """Subjects as they go out. Of each its character's costume, and the place (3,) it scales about.

    props (3,) are where props are, which hands that hold them go on holding.

    Who cannot wear what was given to him goes out as he is, and his reason says so.
    """
    out: list[Subject] = []
    batches: dict[tuple[int, int], list[int]] = {}
    ways: dict[int, Way] = {}
    for number, (subject, costume, about) in enumerate(worn):
        if costume is None:
            out.append(subject)
            continue
        fitting = costume.fitting(subject.skeleton, beside, ready)
        if costume.refusal:
            if "no character" not in subject.reason:
                said = f"no character: {costume.refusal}"
                subject.reason = f"{subject.reason}; {said}" if subject.reason else said
            out.append(subject)
            continue
        out.append(costume.go_out(subject, fitting, about))
        if fitting is not None:
            ways[number] = fitting
            key = (id(fitting.source.rest_positions), id(costume.figure))
            batches.setdefault(key, []).append(number)
    begun: list[tuple[Way, list[int], Any, Array]] = []
    for numbers in batches.values():
        fitting = ways[numbers[0]]
        positions = np.stack([worn[n][0].pose.positions for n in numbers])
        rotations = np.stack([worn[n][0].pose.rotations for n in numbers])
        about = np.stack([worn[n][2] for n in numbers])
        costumes = [costume for n in numbers if (costume := worn[n][1]) is not None]
        positions[:, 0] -= about
        positions[:, 0, 1] -= [costume.floor_m for costume in costumes]
        posing = fitting.begin(positions, rotations)
        for costume, soles_m in zip(costumes, posing.soles_m):
            if not costume.sure:
                costume.look_for_floor(soles_m + costume.floor_m, dt_s)
        begun.append((fitting, numbers, posing, about))
    if begun and (len(worn) > 1 or len(props)):
        floors = [costume.floor_m if costume is not None else 0.0 for _, costume, _ in worn]
        _meet(begun, np.array(floors), np.array(props, float).reshape(-1, 3))
    for fitting, numbers, posing, about in begun:
        moved, turned = fitting.finish(posing)
        moved[:, 0] += about
        for row, n in enumerate(numbers):
            out[n].pose.positions, out[n].pose.rotations = moved[row], turned[row]
    return out


def _meet(
    begun: Sequence[tuple[Way, list[int], Any, Array]], floors_m: Array, props: Array
) -> None:
    """Hands that hold props, or meet those of others, on the stage do so on their characters too.

    floors_m  of each subject, how high his actor's floor was found
    """
    there: list[Array] = []
    up: list[Array] = []
    here: list[Array] = []
    who: list[Array] = []
    size: list[Array] = []
    for fitting, numbers, posing, about in begun:
        arms = posing.palms.shape[-2]
        there.append((posing.palms_there + about[:, None]).reshape(-1, 3))
        up.append(np.repeat(floors_m[numbers], arms))
        here.append((posing.palms + about[:, None]).reshape(-1, 3))
        who.append(np.repeat(numbers, arms))
        size.append(np.full(len(numbers) * arms, fitting.hands_ratio))
    if not there:
        return
    theirs, ours = np.concatenate(there), np.concatenate(here)
    moved = np.zeros_like(ours)
    if len(props):
        raised = theirs.copy()
        raised[:, 1] += np.concatenate(up)
        moved = touch.held(raised, ours, props)
    if len(begun) > 1 or len(begun[0][1]) > 1:
        shaken = touch.shaken(theirs, ours + moved, np.concatenate(who), np.concatenate(size))
        moved = moved + shaken
    if not moved.any():
        return
    first = 0
    for _, numbers, posing, _ in begun:
        count = len(numbers) * posing.palms.shape[-2]
        posing.moved = moved[first : first + count].reshape(posing.palms.shape)
        first += count
