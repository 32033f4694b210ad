"""Every source by its scheme: what a line means, and how it is opened.

Sources of other packages join by an entry point of the group `understudy.sources`, whose name is
the scheme and whose value a module like those in `devices/`: PORT, KINDS, Options (a struct) and
SOURCE, a class of (endpoint, receiver). docs/architecture.md shows how one is written.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from understudy.runtime.core import plugins, url
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.lazy import Lazy
from understudy.runtime.core.plugins import Broken
from understudy.runtime.core.typed import nearest

from . import endpoint as endpoints_
from . import local
from .datagrams import Due, Heard, Port, SharedPort
from .endpoint import Endpoint, Tcp
from .guarded import Guarded
from .streams import Kind, Source
from .tcp_port import Cut, TcpPort

_OURS = (
    "vmc", "freed", "opentrackio", "livelinkface", "ifacialmocap", "facemotion3d", "mvn", "mocopi",
    "rokoko", "natnet", "neuron", "landmarks", "trackers", "vicon",
)  # fmt: skip
KNOWN = Lazy(__package__, {scheme: f".devices.{scheme}" for scheme in _OURS})
# What a module of another package must have.
MEMBERS = ("PORT", "KINDS", "Options", "SOURCE")
# Words of a [[source]] table that are not its protocol's.
ID, AUTO = "as", "auto"


@functools.cache
def known() -> Mapping[str, Any]:
    """Our protocols, and those of other packages; one that cannot be loaded costs itself alone."""
    return KNOWN.with_more(plugins.load(plugins.SOURCES, {*KNOWN, *local.LOCAL}, MEMBERS))


@dataclass(frozen=True, slots=True)
class Named:
    """A source as a session names it: its id, unique there, and whether it brings subjects by
    itself; None: where no [[subject]] is made of it."""

    endpoint: Endpoint
    id: str
    auto: bool | None = None

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What it can bring."""
        return kinds(self.endpoint.scheme)


def kinds(scheme: str) -> tuple[Kind, ...]:
    """What sources of a scheme can bring."""
    if scheme in local.LOCAL:
        return local.LOCAL[scheme].kinds
    return tuple(known()[scheme].KINDS)


def parse(text: str, extra: Mapping[str, Any] | None = None, where: str = "") -> Endpoint:
    """The source that a line describes; extra and where as in `url.parse`."""
    scheme, mark, _ = text.partition("://")
    if mark and scheme in local.LOCAL:
        return local.parse(text, extra or {}, where)
    there, at = known(), f"{where}: " if where else ""
    if mark and scheme not in there:
        every = (*sorted(there), *local.LOCAL)
        raise UnderstudyError(
            f"{at}There is no source {scheme!r}{nearest(scheme, every)}; there are "
            f"{', '.join(every)}."
        )
    return endpoints_.parse(text, there, extra, where)


def identify(tables: Iterable[Mapping[str, Any]], file: str = "") -> list[Named]:
    """The sources of [[source]] tables, each with an id that no other has."""
    named: list[Named] = []
    for number, table in enumerate(tables, 1):
        words = dict(table)
        line, own, auto = words.pop("from", None), words.pop(ID, ""), words.pop(AUTO, None)
        where = f"{file}, [[source]] {number}" if file else f"[[source]] {number}"
        if not isinstance(line, str):
            raise UnderstudyError(f'{where} has no from = "SCHEME://HOST:PORT".')
        if not isinstance(own, str) or "/" in own or not isinstance(auto, bool | None):
            raise UnderstudyError(f"{where}: as is a text without a slash, auto true or false.")
        endpoint = parse(line, words, where)
        taken = {one.id for one in named}
        if own in taken:
            raise UnderstudyError(f"{where}: another source is called {own!r} already.")
        named.append(Named(endpoint, own or free(default_id(endpoint), taken), auto))
    return named


def default_id(endpoint: Endpoint) -> str:
    """What a source is called where nobody says: its name, its file's, or its scheme's."""
    stem = Path(endpoint.path).stem if endpoint.path else ""
    return (getattr(endpoint.options, "name", "") or stem or endpoint.scheme).replace("/", "-")


def free(name: str, taken: Iterable[str]) -> str:
    """The name, or with a number behind it where it is taken."""
    there, unique, number = set(taken), name, 1
    while unique in there:
        number += 1
        unique = f"{name}-{number}"
    return unique


def rooted(line: str, base: Path) -> str:
    """The line with the path of a local source taken from a folder."""
    scheme, mark, rest = line.partition("://")
    if not mark or scheme not in local.LOCAL or not local.LOCAL[scheme].has_path:
        return line
    return f"{scheme}://{base / rest}"


class Ports:
    """The UDP ports of a stage. Sources of one port share it: two phones, or two camera heads."""

    def __init__(self, heard: Heard | None = None) -> None:
        self._heard, self._due = heard, Due()
        self._ports: dict[tuple, SharedPort] = {}

    def open(self, endpoint: Endpoint) -> Source:
        """A network source, listening."""
        module = known()[endpoint.scheme]
        multicast = getattr(module, "multicast", None)
        group, card = multicast(endpoint) if multicast is not None else ("", "")
        tcp = getattr(endpoint.options, "tcp", Tcp())
        library = module.library(endpoint) if hasattr(module, "library") else ""
        key = (endpoint.host, endpoint.port, group, card, tcp.text, library)
        if key not in self._ports or self._ports[key].closed:
            if library:
                port = self.connect(endpoint, module)
            elif tcp.text:
                port = self.stream(endpoint, tcp, module.cut)
            else:
                port = self.listen(endpoint, group, card)
            self._ports[key] = SharedPort(port)
        with contextlib.ExitStack() as undo:
            share = self._ports[key].share()
            undo.callback(share.close)
            if endpoint.scheme in KNOWN:
                source: Source = module.SOURCE(endpoint, share)
            else:
                made = plugins.made(lambda: module.SOURCE(endpoint, share), endpoint.text)
                source = Guarded(made)
            undo.pop_all()
            return source

    def listen(self, endpoint: Endpoint, group: str, card: str) -> Any:
        """A port of this machine; see `datagrams.Port`."""
        return Port(endpoint, group, card, self._heard, self._due)

    def stream(self, endpoint: Endpoint, tcp: Tcp, cut: Cut) -> Any:
        """The same of a stream over TCP; see `tcp_port.TcpPort`."""
        return TcpPort(endpoint, tcp.server, cut, self._heard, self._due)

    def connect(self, endpoint: Endpoint, module: Any) -> Any:
        """The same of what its maker's library reads (`library` and `connected` of the module)."""
        return module.connected(endpoint, self._heard, self._due)

    def local(self, endpoint: Endpoint) -> Source:
        """A source that opens no port."""
        source: Source = local.LOCAL[endpoint.scheme].open(endpoint, local_name(endpoint))
        return source


def open_source(endpoint: Endpoint, ports: Ports) -> Source:
    """A source, ready to be polled."""
    if endpoint.scheme in local.LOCAL:
        return ports.local(endpoint)
    return ports.open(endpoint)


def open_all(named: Iterable[Endpoint], ports: Ports | None = None) -> list[Source]:
    """The sources, or none of them."""
    ports = ports or Ports()
    with contextlib.ExitStack() as undo:
        sources = []
        for one in named:
            sources.append(open_source(one, ports))
            undo.callback(sources[-1].close)
        undo.pop_all()
    return sources


def local_name(endpoint: Endpoint) -> str:
    """What a source without a port calls itself, and whoever is made of it."""
    usual = {"remote": "pad"}.get(endpoint.scheme, endpoint.scheme)
    stem = Path(endpoint.path).stem if endpoint.path else ""
    return getattr(endpoint.options, "name", "") or stem or usual


def endpoints(lines: Iterable[str], file: Path | None = None) -> list[Endpoint]:
    """The sources that a user names: lines of the command, and a TOML file."""
    return endpoints_.endpoints(lines, file, known())


def listing() -> str:
    """The options of every source, for people."""
    lines = ["Without a host a source listens on this machine alone; 0.0.0.0 is every card.", ""]
    for scheme, protocol in known().items():
        if isinstance(protocol, Broken):
            lines.append(f"{scheme}://  {protocol}")
            continue
        lines.append(f"{scheme}://HOST:{protocol.PORT}")
        if hasattr(protocol, "multicast"):
            lines[-1] += f" or {scheme}://multicast"
        lines += url.listing(protocol.Options)
    for scheme, one in local.LOCAL.items():
        lines.append(f"{scheme}://{'FILE' if one.has_path else ''}")
        lines += url.listing(one.Options)
    return "\n".join(lines)


def bring_subjects(named: Sequence[Named]) -> bool:
    """Whether bodies, faces or pads come; cameras alone leave a stage to the viewport's pad."""
    return any(set(one.kinds) & {Kind.CONTROL, Kind.BODY, Kind.FACE} for one in named)
