"""Casting: which subjects sources bring by themselves, under which names, and where they stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np

from understudy.runtime.sources import registry
from understudy.runtime.sources.registry import Named
from understudy.runtime.sources.streams import Kind, Source, Stream

from .member import Address, address
from .session import SubjectTable

SPACING_M = 1.6
Streams = Mapping[Address, Stream]


def unclaimed(
    made: Sequence[SubjectTable],
    sources: Mapping[str, Source],
    named: Mapping[str, Named],
    streams: Streams,
    copies: int = 1,
) -> list[SubjectTable]:
    """Subjects out of bodies and pads that nobody in `made` is made of.

    A face goes to the subject that it asks for, or to the first, whose table then has it; where
    there is none, it is a subject itself.
    """
    taken = {address(kind, said) for table in made for kind, said in addresses(table)}
    tables: list[SubjectTable] = []
    faces: list[tuple[str, Stream]] = []
    for name, source in sources.items():
        if not named[name].auto:
            continue
        for stream in source.streams:
            if (stream.kind, name, stream.key) in taken or stream.only_face:
                continue
            where = f"{name}/{stream.key}" if stream.key else name
            if stream.kind is Kind.CONTROL:
                tables.append(SubjectTable(name=source.name, control=where))
            elif stream.kind is Kind.BODY:
                tables.append(SubjectTable(name=stream.key or source.name, body=where))
            elif stream.kind is Kind.FACE:
                faces.append((where, stream))
    for where, stream in faces:
        there = [*made, *tables]
        own = [t for t in there if where.partition("/")[0] in t.sources and not t.faces]
        wanted = [t for t in there if t.name == stream.wearer]
        wears = wanted or own or ([] if stream.wearer else there)
        if wears:
            wears[0].face = [*wears[0].faces, where]
        else:
            tables.append(SubjectTable(name=stream.wearer or "face", face=where))
    _name_apart(tables, [table.name for table in made])
    placeless = [t for t in tables if not tracked(t, streams)]
    for table, spot in zip(placeless, grid(len(placeless) * copies, SPACING_M)[::copies].tolist()):
        table.at_m = tuple(spot)
    return tables


def _name_apart(tables: Sequence[SubjectTable], names: Iterable[str]) -> None:
    """Gives each a name that nobody has."""
    taken = set(names)
    for table in tables:
        table.name = registry.free(table.name, taken)
        taken.add(table.name)


def copied(tables: list[SubjectTable], copies: int, streams: Streams) -> list[SubjectTable]:
    """Every subject so many times, for load: name.1, name.2 and so on, in rows."""
    if copies == 1:
        return tables
    placeless = [id(t) for t in tables if not tracked(t, streams)]
    rows = grid(len(placeless) * copies, SPACING_M)
    out = []
    for table in tables:
        spots = grid(copies, SPACING_M)
        if id(table) in placeless:
            first = placeless.index(id(table)) * copies
            spots = rows[first : first + copies]
        for copy, spot in enumerate(spots.tolist(), 1):
            name = f"{table.name}.{copy}"
            out.append(msgspec.structs.replace(table, name=name, at_m=tuple(spot)))
    return out


def tracked(table: SubjectTable, streams: Streams) -> bool:
    """Whether what it is made of says where it stands; a file or a pad does not."""
    found = [streams.get(address(kind, said)) for kind, said in addresses(table)]
    return all(stream.tracked for stream in found if stream is not None)


def addresses(table: SubjectTable) -> list[tuple[Kind, str]]:
    """The kinds and addresses of a subject's parts."""
    body, hands, head = (table.part(which) for which in ("body", "hands", "head"))
    found = [(Kind.CONTROL, table.control)] if table.control else []
    found += [(Kind.BODY, body.source)] if body is not None else []
    found += [(Kind.HANDS, hands.source)] if hands is not None else []
    found += [(Kind.BODY, head.source)] if head is not None else []
    return found + [(Kind.FACE, face) for face in table.faces]


def grid(count: int, spacing_m: float) -> np.ndarray:
    """(count, 3) places on the ground, the first at the origin, the rest around it in rows."""
    side = int(np.ceil(np.sqrt(count)))
    cells = np.array([(x, 0.0, z) for z in range(side) for x in range(side)], float)
    cells = cells.reshape(-1, 3)[:count]
    cells[:, 0] = np.where(cells[:, 0] % 2 == 1, (cells[:, 0] + 1) / 2, -cells[:, 0] / 2)
    cells[:, 2] = -cells[:, 2]
    return cells * spacing_m
