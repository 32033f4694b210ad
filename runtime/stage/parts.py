"""Assembling a subject: its body from one stream, its hands from another, each with its own delay.

packets of the source -> delay -> filter -> joint mask -> head, hands -> the body's stand-in
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from understudy.runtime.core import humanoid, rotation
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.retarget.fingers import Gloves, gloves
from understudy.runtime.sources.one_euro import OneEuro
from understudy.runtime.sources.packet import Packet
from understudy.runtime.sources.playout import Playout
from understudy.runtime.sources.streams import Motion

from . import heads

# Hands that were seen longer ago than this are missing, as a body's own would be; those that come
# less often than a stage ticks are kept for so many times as long as they usually take.
HANDS_KEPT_S, USUALLY, GAPS = 0.1, 1.5, 8
# How late a part is by itself is measured over so long, and followed by playing so much slower or
# faster; further off it is taken at once.
LAGS_S, PLAYS, LOST_S = 1.0, 0.05, 0.25
NO_CUTOFF_HZ = 1e9


class Smooth(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A One Euro filter: the cutoff at rest in Hz, and by how much speed raises it.

    joints: those and all below them; none: all.
    """

    cutoff_hz: Annotated[float, Meta(gt=0.0, le=1000.0)] = 1.5
    beta: Annotated[float, Meta(ge=0.0, le=100.0)] = 0.3
    joints: list[str] = []


class Part(
    msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, rename={"source": "from"}
):
    """Where a part of a subject comes from: "SOURCE" or "SOURCE/KEY", and how it is taken.

    delay_s  shown so much later, interpolated, so that a slower part is in step with it
    joints   the joints that are taken, with all below them; none: all. The rest is acted
    smooth   a filter, for a source that trembles; or several, each for joints of its own
    """

    source: str
    delay_s: Annotated[float, Meta(ge=0.0, le=2.0)] = 0.0
    joints: list[str] = []
    smooth: Smooth | list[Smooth] | None = None

    @property
    def address(self) -> tuple[str, str]:
        """Source and key."""
        source, _, key = self.source.partition("/")
        return source, key

    @property
    def plain(self) -> bool:
        """Whether packets are taken as they come."""
        return not (self.delay_s or self.joints or self.smooth)


class HeadPart(Part, forbid_unknown_fields=True, omit_defaults=True, rename={"source": "from"}):
    """A head's, of a device with a room of its own, which is turned by so much about +Y."""

    heading_deg: Annotated[float, Meta(ge=-3600.0, le=3600.0)] = 0.0


class Feed:
    """The packets of one part, delayed, filtered and masked."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self._playout = Playout() if part.delay_s else None
        said = part.smooth
        self._smooth = said if isinstance(said, list) else [said] if said else []
        self._filter: tuple[Skeleton, OneEuro] | None = None
        self._mask: tuple[Skeleton, Array] | None = None
        self._ahead_s = 0.0  # of the packets' clock before the stage's
        self._lags: deque[tuple[float, float]] = deque()
        self._lag_s: float | None = None  # of what is shown without this delay, behind its moment
        self._now_s = 0.0

    def packets(self, now_s: float, came: Sequence[Packet], skeleton: Skeleton) -> list[Packet]:
        """What is to be shown at this tick of the packets that came."""
        packets = list(came)
        if self._playout is not None:
            for packet in packets:
                if packet.tick_s is not None:
                    self._ahead_s = packet.tick_s - now_s
                self._playout.add(packet)
            lag_s = self._behind(now_s, packets[-1] if packets else None)
            shown = self._playout.at(now_s + self._ahead_s - self.part.delay_s - lag_s)
            packets = [shown] if shown is not None else []
        if self._smooth:
            packets = [self._filtered(packet, skeleton) for packet in packets]
        if self.part.joints:
            packets = [self._masked(packet, skeleton) for packet in packets]
        return packets

    def _behind(self, now_s: float, newest: Packet | None) -> float:
        """By how much the part is late without its delay: as long as its packets take at best.

        A source that plays out late itself would else have nothing to show at a shorter delay.
        """
        if newest is not None and newest.tick_s is not None:
            self._lags.append((now_s, newest.tick_s - newest.capture_s))
        while self._lags and self._lags[0][0] < now_s - LAGS_S:
            self._lags.popleft()
        if not self._lags:
            return self._lag_s or 0.0
        least_s = min(lag_s for _, lag_s in self._lags)
        most_s = PLAYS * min(max(now_s - self._now_s, 0.0), 0.1)
        self._now_s = now_s
        if self._lag_s is None or abs(least_s - self._lag_s) > LOST_S:
            self._lag_s = least_s
        self._lag_s += min(max(least_s - self._lag_s, -most_s), most_s)
        return self._lag_s

    def _filtered(self, packet: Packet, skeleton: Skeleton) -> Packet:
        if self._filter is None or self._filter[0] is not skeleton:
            # A joint of no filter goes where it is sent.
            cutoff_hz, beta = np.full(len(skeleton), NO_CUTOFF_HZ), np.zeros(len(skeleton))
            for one in self._smooth:
                which = below(skeleton, one.joints) if one.joints else slice(None)
                cutoff_hz[which], beta[which] = one.cutoff_hz, one.beta
            self._filter = skeleton, OneEuro(cutoff_hz, beta)
        return self._filter[1].applied(packet)

    def _masked(self, packet: Packet, skeleton: Skeleton) -> Packet:
        if self._mask is None or self._mask[0] is not skeleton:
            self._mask = skeleton, below(skeleton, self.part.joints)
        mask = self._mask[1]
        seen = mask if packet.seen is None else np.logical_and(packet.seen, mask)
        return replace(packet, seen=seen)


class Kept:
    """Whether what a part said last still holds.

    Of what came at every tick of late a tick without it is missing at once, as a body's own joints
    would be: kept on, it would stand still on a body that goes on.
    """

    def __init__(self) -> None:
        self._at_s = self._now_s = float("-inf")
        self._tick_s = HANDS_KEPT_S  # from tick to tick, of a stage that is not late
        self._gaps: deque[float] = deque(maxlen=GAPS)
        self._ticks = 0  # in a row at which it came

    def came(self, now_s: float) -> None:
        """It came at this tick."""
        if (gap_s := now_s - self._at_s) <= 0.0:
            return
        if gap_s <= HANDS_KEPT_S:
            # How late a tick is says nothing of who sends.
            self._gaps.append(min(gap_s, self._tick_s) if self._ticks else gap_s)
        self._at_s, self._ticks = now_s, self._ticks + 1

    def holds(self, now_s: float) -> bool:
        """Whether it holds at a tick; to be asked at every one."""
        self._tick_s = min(self._tick_s, now_s - self._now_s)
        self._now_s, gone_s = now_s, now_s - self._at_s
        if gone_s <= 0.0:
            return True
        every, self._ticks = self._ticks >= GAPS, 0
        if every:
            self._at_s = float("-inf")
            return False
        usual_s = sorted(self._gaps)[len(self._gaps) // 2] if self._gaps else HANDS_KEPT_S
        return gone_s <= min(USUALLY * usual_s, HANDS_KEPT_S)


def below(skeleton: Skeleton, names: Sequence[str]) -> Array:
    """(J,) bool: the joints of these names and all that hang on them; unknown names are left out.

    A name is a joint's own, a performer's (`LeftArm`), or a role (`left_upper_arm`).
    """
    role = humanoid.roles(skeleton)
    mask = np.zeros(len(skeleton), bool)
    for name in names:
        if name in role:
            mask[role[name]] = True
        elif name in skeleton.names:
            mask[skeleton.names.index(name)] = True
        elif name in humanoid.PERFORMER.names:
            mask[humanoid.joint(skeleton, name)] = True
    for j in range(1, len(skeleton)):
        mask[j] |= mask[skeleton.parents[j]]
    return mask


class Assembly:
    """One subject's motion out of its parts, as a Motion of its own."""

    def __init__(self, body: Part, hands: Part | None, head: HeadPart | None = None) -> None:
        self._body, self._hands = Feed(body), Feed(hands) if hands is not None else None
        self._head = Feed(head) if head is not None else None
        self._room = rotation.from_yaw(math.radians(head.heading_deg if head is not None else 0.0))
        self._looks: Array | None = None
        self._seen_head, self._seen_hands = Kept(), Kept()
        self._way: tuple[Skeleton, Skeleton, Gloves | None] | None = None
        self._held: Packet | None = None  # the newest of the hands
        self.plain = body.plain and hands is None and head is None

    def skeleton(self, body: Motion, hands: Motion | None) -> Skeleton:
        """The body's, with the fingers of the hands where it has none itself."""
        if hands is None:
            return body.skeleton
        way = self._way
        if way is None or way[0] is not body.skeleton or way[1] is not hands.skeleton:
            way = body.skeleton, hands.skeleton, gloves(body.skeleton, hands.skeleton)
            self._way, self._held = way, None
        return way[2].skeleton if way[2] is not None else body.skeleton

    def packets(
        self,
        now_s: float,
        body: Motion,
        came: Sequence[Packet],
        hands: Motion | None,
        came_hands: Sequence[Packet],
    ) -> list[Packet]:
        """The packets of the whole subject that are to be shown at this tick."""
        packets = self._body.packets(now_s, came, body.skeleton)
        packets = self.with_head(now_s, packets, body.skeleton)
        if self._hands is None or hands is None:
            return packets
        self.skeleton(body, hands)
        for packet in self._hands.packets(now_s, came_hands, hands.skeleton):
            self._held = packet
            self._seen_hands.came(now_s)
        late = not self._seen_hands.holds(now_s)
        assert self._way is not None
        way = self._way[2]
        if way is None:
            return packets
        return [self._with_hands(packet, way, late) for packet in packets]

    def turn_head(self, now_s: float, head: Motion, came: Sequence[Packet]) -> None:
        """Takes what came of the head's device, before the body's packets of the same tick."""
        assert self._head is not None
        for packet in self._head.packets(now_s, came, head.skeleton):
            if (turn := heads.looks(packet, head.skeleton)) is not None:
                self._looks = rotation.multiply(self._room, turn)
                self._seen_head.came(now_s)

    def with_head(self, now_s: float, packets: list[Packet], skeleton: Skeleton) -> list[Packet]:
        """The packets with the head of its device; one that is silent is not seen."""
        if self._head is None:
            return packets
        turn = self._looks if self._seen_head.holds(now_s) else None
        return [heads.with_head(packet, skeleton, turn) for packet in packets]

    def _with_hands(self, packet: Packet, way: Gloves, late: bool) -> Packet:
        """The packet on the whole skeleton; fingers of which nothing is known are not seen."""
        count, own = len(way.skeleton), len(packet.rotations)
        positions, rotations = (
            way.skeleton.rest_positions.copy(),
            way.skeleton.rest_rotations.copy(),
        )
        positions[:own], rotations[:own] = packet.positions, packet.rotations
        seen = np.zeros(count, bool)
        seen[:own] = True if packet.seen is None else packet.seen
        held = self._held
        if held is None or late:
            seen[way.rows] = False
        else:
            rotations[way.rows] = way.turned(held.rotations)
            seen[way.rows] = True if held.seen is None else held.seen[way.taken]
        return replace(
            packet, positions=positions, rotations=rotations, seen=None if seen.all() else seen
        )
