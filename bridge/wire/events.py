"""Events into EVNT messages, and back: a list of what happened at a tick."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import flatbuffers

from understudy.bridge.schema.understudy_fb import Event as fb_event
from understudy.bridge.schema.understudy_fb import EventList as fb_list
from understudy.bridge.schema.understudy_fb.Vec3 import CreateVec3
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.event import Event

from . import envelope
from .envelope import WireError
from .table import Table, root

_DAMAGE = (struct.error, ValueError, IndexError, OverflowError, UnderstudyError)
_WORDS = ("kind", "who", "part", "on", "on_part", "material", "on_material")
# In one message; a stage where more happens at a tick sends several.
MOST = 256


def encode_events(events: Sequence[Event], session: int, sequence: int, publish_ns: int) -> bytes:
    """The EVNT message of at most MOST events."""
    builder = flatbuffers.Builder(1024)
    tables = []
    for event in events:
        words = [builder.CreateSharedString(getattr(event, word)) for word in _WORDS]
        fb_event.Start(builder)
        fb_event.AddNumber(builder, event.number)
        for add, word in zip(_ADDERS, words):
            add(builder, word)
        fb_event.AddPosition(builder, CreateVec3(builder, *event.position))
        fb_event.AddNormal(builder, CreateVec3(builder, *event.normal))
        fb_event.AddSpeedMps(builder, event.speed_mps)
        fb_event.AddSlipMps(builder, event.slip_mps)
        fb_event.AddImpulseNs(builder, event.impulse_ns)
        fb_event.AddTimeNs(builder, event.time_ns)
        tables.append(fb_event.End(builder))
    builder.StartVector(4, len(tables), 4)
    for table in reversed(tables):
        builder.PrependUOffsetTRelative(table)
    vector = builder.EndVector()
    fb_list.Start(builder)
    fb_list.AddSession(builder, session)
    fb_list.AddSequence(builder, sequence)
    fb_list.AddPublishNs(builder, publish_ns)
    fb_list.AddEvents(builder, vector)
    builder.Finish(fb_list.End(builder))
    return envelope.seal(envelope.EVENTS) + bytes(builder.Output())


_ADDERS = (
    fb_event.AddKind,
    fb_event.AddWho,
    fb_event.AddPart,
    fb_event.AddOn,
    fb_event.AddOnPart,
    fb_event.AddMaterial,
    fb_event.AddOnMaterial,
)


def decode_events(message: bytes) -> tuple[list[Event], int]:
    """The events of an EVNT message, and its publisher's session; raises WireError on damage."""
    try:
        if envelope.open_envelope(message) != envelope.EVENTS:
            raise WireError(f"topic {message[:4]!r}, expected {envelope.EVENTS!r}")
        table = root(message)
        return [_event(one) for one in table.tables(3)], table.number(0, "Q")
    except WireError:
        raise
    except _DAMAGE as error:
        raise WireError(f"a damaged message of events: {error}") from None


def publish_ns(message: bytes) -> int:
    """When a message of events was sent; raises what broken bytes raise."""
    return int(root(message).number(2, "q"))


def _event(table: Table) -> Event:
    words = {word: table.text(field) for field, word in enumerate(_WORDS, 1)}
    x, y, z = table.floats(8, 3).tolist()
    nx, ny, nz = table.floats(9, 3).tolist()
    return Event(
        **words,
        position=(x, y, z),
        normal=(nx, ny, nz),
        speed_mps=table.real(10),
        slip_mps=table.real(11),
        impulse_ns=table.real(12),
        time_ns=table.number(13, "q"),
        number=table.number(0, "Q"),
    )
