"""What sets particles off: contacts, cues, and emitters on joints, props or places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from understudy.runtime.core import event as kinds
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.event import Event
from understudy.runtime.core.pose import Frame, Subject
from understudy.runtime.core.roles import roles
from understudy.runtime.core.rotation import Array, rotate

from .effects import EFFECTS, NAMES
from .flight import Floor, Records, burst, hindered

# What a floor throws up where a foot comes down hard, by its material.
UNDERFOOT = {
    "sand": ("dust", 1.0), "gravel": ("dust", 0.8), "grass": ("dust", 0.25),
    "concrete": ("dust", 0.35), "stone": ("dust", 0.35), "wood": ("dust", 0.18),
    "snow": ("dust", 0.9), "water": ("splash", 1.0),
}  # fmt: skip
HARD = ("metal", "stone", "concrete", "tile")
# A step that falls so fast is a firm one; slower ones throw up less, and softer than this nothing.
FIRM_MPS, SOFT_MPS = 1.4, 0.25
# Of a blow: metal gives sparks from here on.
SPARKS_MPS = 1.5
WET = 0.3  # from here on a floor splashes


def thrown(event: Event, wet: float = 0.0) -> tuple[str, float] | None:
    """The effect that a contact sets off, and how strongly; None where it sets off none."""
    match event.kind:
        case kinds.STEP | kinds.SCUFF:
            speed = event.speed_mps if event.kind == kinds.STEP else 0.6 * event.slip_mps
            if speed < SOFT_MPS:
                return None
            firm = min(speed / FIRM_MPS, 1.6)
            if wet > WET and event.on_material not in ("snow", "carpet"):
                return "splash", firm * wet
            name, share = UNDERFOOT.get(event.on_material, ("dust", 0.0))
            return (name, firm * share) if share else None
        case kinds.HIT | kinds.SLIDE:
            speed = event.speed_mps if event.kind == kinds.HIT else event.slip_mps
            pair = event.material, event.on_material
            if "metal" in pair and all(one in HARD for one in pair):
                return ("sparks", min(speed / 4.0, 2.0)) if speed > SPARKS_MPS else None
            if "wood" in pair and speed > 2.0:
                return "chips", min(speed / 5.0, 1.5)
            if "water" in pair:
                return "splash", min(speed / 2.0, 2.0)
            return ("dust", min(speed / 6.0, 1.0)) if speed > 1.0 else None
        case kinds.CUE:
            return (event.who, 1.0) if event.who in EFFECTS else None
    return None


@dataclass(frozen=True)
class Emitter:
    """An effect that goes on: on "ann", "ann/JOINT or role", a prop's name, or at a place (3,)."""

    effect: str
    on: str = ""
    at_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    rate: float = 1.0  # times the effect's own


def parse(line: str) -> Emitter:
    """The emitter of EFFECT@NAME, EFFECT@NAME/JOINT or EFFECT@X,Y,Z."""
    effect, at, where = line.partition("@")
    if effect not in EFFECTS or not at or not where:
        raise UnderstudyError(
            f"{line!r} is no emitter: it is EFFECT@NAME, EFFECT@NAME/JOINT or EFFECT@X,Y,Z, the "
            f"effect one of {', '.join(NAMES)}."
        )
    numbers = where.split(",")
    if len(numbers) == 3:
        try:
            x, y, z = map(float, numbers)
        except ValueError:
            return Emitter(effect, where)
        return Emitter(effect, "", (x, y, z))
    return Emitter(effect, where)


class Sources:
    """Births of particles, picture by picture.

    wind       metres a second; it carries what is light
    wet        0 to 1: floors splash
    emitters   what goes on
    missing    emitters whose place is not on stage
    """

    def __init__(
        self, emitters: Sequence[Emitter] = (), wind: Array | None = None, seed: int = 1
    ) -> None:
        self.emitters = list(emitters)
        self.wind = np.zeros(3) if wind is None else np.asarray(wind, float)
        self.wet = self.rain = self.cold = 0.0
        self.missing: set[str] = set()
        self._draw = np.random.default_rng(seed)
        self._owed: dict[int, float] = {}
        self._last: dict[str, tuple[float, Array]] = {}
        self._breath_s: dict[str, float] = {}

    def happened(
        self, events: Sequence[Event], floor: Floor | None, bodies: Array | None
    ) -> list[Records]:
        """RECORDs of what contacts and cues set off, each at its own moment."""
        born = []
        for event in events:
            if (found := thrown(event, self.wet)) is None:
                continue
            name, strength = found
            count = max(round(EFFECTS[name].count * min(strength, 2.0)), 1)
            some = burst(
                name, np.array(event.position), np.array(event.normal), event.time_ns * 1e-9,
                self._draw, count, strength,
            )  # fmt: skip
            born.append(hindered(some, self.wind, floor, bodies))
        return born

    def emitted(
        self, frame: Frame, now_s: float, dt_s: float, floor: Floor | None
    ) -> list[Records]:  # fmt: skip
        """RECORDs that emitters, rain on bodies and breath bring in dt_s up to now_s."""
        born: list[Records] = []
        joints = {subject.name: _world(subject) for subject in frame.subjects}
        for k, emitter in enumerate(self.emitters):
            found = self._place(emitter, frame, joints)
            if found is None:
                self.missing.add(emitter.on)
                continue
            self.missing.discard(emitter.on)
            place, way = found
            before = self._last.get(f"{k}")
            self._last[f"{k}"] = now_s, place
            start = before[1] if before is not None and now_s - before[0] < 0.5 else place
            count = self._due(k, EFFECTS[emitter.effect].rate * emitter.rate * dt_s)
            born += self._spread(emitter.effect, start, place, way, now_s, dt_s, count, floor)
        if self.rain > 0.0:
            for number, subject in enumerate(frame.subjects):
                born += self._rained_on(subject, joints[subject.name], now_s, dt_s, number)
        if self.cold > 0.0:
            for subject in frame.subjects:
                born += self._breathed(subject, joints[subject.name], now_s)
        return born

    def _due(self, key: int, count: float) -> int:
        """Whole particles of a rate; the rest is owed."""
        owed = self._owed.get(key, 0.0) + count
        self._owed[key] = owed - int(owed)
        return int(owed)

    def _place(
        self, emitter: Emitter, frame: Frame, joints: Mapping[str, tuple[Array, Array]]
    ) -> tuple[Array, Array] | None:
        """Where an emitter is, and the way it throws; None: not on stage."""
        up = np.array([0.0, 1.0, 0.0])
        if not emitter.on:
            return np.array(emitter.at_m), up
        for prop in frame.props:
            if prop.name == emitter.on:
                return np.asarray(prop.position, float), up
        name, _, part = emitter.on.partition("/")
        for subject in frame.subjects:
            if subject.name != name:
                continue
            skeleton = subject.skeleton
            found = roles(skeleton)
            joint = found.get(part or "hips", -1)
            if joint < 0 and part in skeleton.names:
                joint = skeleton.index(part)
            return None if joint < 0 else (joints[name][0][joint], up)
        return None

    def _spread(
        self, effect: str, start: Array, end: Array, way: Array, now_s: float, dt_s: float,
        count: int, floor: Floor | None,
    ) -> list[Records]:  # fmt: skip
        """Births along the way that an emitter went, and over the time."""
        if not count:
            return []
        some = burst(effect, end, way, now_s, self._draw, count)
        share = self._draw.random(count)
        some["begin"] -= ((end - start) * (1.0 - share)[:, None]).astype(np.float32)
        some["at_s"] -= (1.0 - share) * dt_s
        if np.linalg.norm(end - start) < 2.0:
            some["speed"] += (0.5 * (end - start) / max(dt_s, 1e-3)).astype(np.float32)
        return [hindered(some, self.wind, floor, None)]

    def _rained_on(
        self, subject: Subject, world: tuple[Array, Array], now_s: float, dt_s: float, number: int
    ) -> list[Records]:
        """Drops that jump off shoulders, head and arms."""
        found = roles(subject.skeleton)
        places = [found[name] for name in WETTED if name in found]
        count = self._due(-1 - number, 60.0 * self.rain * dt_s)
        if not places or not count:
            return []
        chosen = self._draw.choice(places, count)
        out = []
        for joint in chosen:
            away = self._draw.standard_normal(3) * [0.06, 0.02, 0.06]
            at = world[0][joint] + away + [0.0, 0.07, 0.0]
            out.append(burst("drops", at, np.array([0.0, 1.0, 0.0]), now_s, self._draw, 2))
        return out

    def _breathed(
        self, subject: Subject, world: tuple[Array, Array], now_s: float
    ) -> list[Records]:  # fmt: skip
        """A breath every four seconds, out of the mouth."""
        found = roles(subject.skeleton)
        if "head" not in found:
            return []
        due_s = self._breath_s.setdefault(subject.name, now_s + float(self._draw.uniform(0, 3)))
        if now_s < due_s:
            return []
        self._breath_s[subject.name] = now_s + float(self._draw.uniform(3.2, 4.6))
        head = found["head"]
        rest = subject.skeleton.rest_globals[1][head]
        turned = world[1][head]
        ahead = rotate(turned, rotate(rest * [-1.0, -1.0, -1.0, 1.0], np.array([0.0, 0.0, 1.0])))
        mouth = world[0][head] + 0.11 * ahead + [0.0, 0.04, 0.0]
        count = max(round(EFFECTS["breath"].count * self.cold), 1)
        some = burst("breath", mouth, ahead - DOWN, now_s, self._draw, count)
        some["at_s"] += self._draw.uniform(0.0, 0.7, count)  # it takes its time
        return [some]


DOWN = np.array([0.0, 0.15, 0.0])
WETTED = (
    "head", "left_shoulder", "right_shoulder", "left_upper_arm", "right_upper_arm",
    "left_lower_arm", "right_lower_arm", "chest",
)  # fmt: skip


def _world(subject: Subject) -> tuple[Array, Array]:
    return subject.skeleton.globals(subject.pose.positions, subject.pose.rotations)
