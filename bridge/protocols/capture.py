"""Remote triggers: take begins, take ends, as recorders on a stage tell one another.

As XML by UDP, which Vicon, OptiTrack, Xsens and Rokoko send and hear:

    <CaptureStart><Name VALUE="12A_003"/><TimeCode VALUE="10:00:00:00"/><PacketID VALUE="7"/> ...
    <CaptureStop RESULT="SUCCESS"><Name VALUE="12A_003"/> ...

and as OSC, which Live Link Face's app hears: /RecordStart slate take, /RecordStop.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree import ElementTree

from . import osc
from .error import ProtocolError

PORT, OSC_PORT = 1512, 8000
LARGEST, LONGEST = 16 << 10, 256
START, STOP = "CaptureStart", "CaptureStop"
RECORD_START, RECORD_STOP = "/RecordStart", "/RecordStop"
# Control letters are no part of a name on any disk or page.
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NUMBERED = re.compile(r"(.*?)[\s_\-.]*(?:take|t)?[\s_\-.]*(\d{1,5})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Capture:
    """A take begins, or ends. What is "" or None was not said.

    name     what the sender calls it
    take     its number, where it says one beside the name
    packet   the sender's number of this message: the same one sent again is the same trigger
    failed   of an end: the sender threw the take away
    """

    begins: bool
    name: str = ""
    take: int | None = None
    timecode: str = ""
    notes: str = ""
    description: str = ""
    packet: str = ""
    failed: bool = False

    @property
    def shot(self) -> tuple[str, int | None]:
        """The name without its number, and that: ("12A", 3) of 12A_003; None where it has none."""
        if self.take is not None:
            return self.name, self.take
        match = _NUMBERED.fullmatch(self.name)
        if not match or not match[1] or not 1 <= int(match[2]) <= 99_999:
            return self.name, None
        return match[1], int(match[2])


def decode(data: bytes) -> Capture | None:
    """What a datagram says, XML or OSC; None where it is another message of these protocols."""
    if len(data) > LARGEST:
        raise ProtocolError(f"A trigger has up to {LARGEST} bytes, and this {len(data)}.")
    return _xml(data) if data.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"<" else _osc(data)


def _xml(data: bytes) -> Capture | None:
    if b"<!" in data:  # whoever declares entities wants more than to begin a take
        raise ProtocolError("A trigger's XML declares something, which no recorder does.")
    try:
        root = ElementTree.fromstring(data.strip(b"\0 \r\n\t"))
    except (ElementTree.ParseError, ValueError, LookupError):
        raise ProtocolError("A trigger's XML cannot be read.") from None
    if root.tag not in (START, STOP):
        return None
    said = {child.tag: _value(child.attrib) for child in root}
    return Capture(
        root.tag == START,
        said.get("Name", ""),
        timecode=said.get("TimeCode", ""),
        notes=said.get("Notes", ""),
        description=said.get("Description", ""),
        packet=said.get("PacketID", ""),
        failed=_value({"VALUE": root.attrib.get("RESULT", "")}).upper() in ("FAIL", "CANCEL"),
    )


def _value(attributes: dict[str, str]) -> str:
    found = next((text for name, text in attributes.items() if name.upper() == "VALUE"), "")
    return _CONTROL.sub(" ", found).strip()[:LONGEST]


def _osc(data: bytes) -> Capture | None:
    for message in osc.decode(data):
        if message.address not in (RECORD_START, RECORD_STOP):
            continue
        texts = [one for one in message.arguments if isinstance(one, str)]
        numbers = [one for one in message.arguments if isinstance(one, int) and one > 0]
        name = _CONTROL.sub(" ", texts[0]).strip()[:LONGEST] if texts else ""
        take = numbers[0] if numbers and numbers[0] <= 99_999 else None
        return Capture(message.address == RECORD_START, name, take)
    return None


# What cannot stand in an attribute as it is; `xml.sax.saxutils` brings a web client with it.
_ENTITIES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}
    | {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
)


def _quoted(text: str) -> str:
    return text.translate(_ENTITIES)


def encode_xml(said: Capture) -> bytes:
    """A trigger as XML."""
    tag, result = (START, "") if said.begins else (STOP, ' RESULT="SUCCESS"')
    if said.failed:
        result = ' RESULT="CANCEL"'
    words = {
        "Name": said.name,
        "Notes": said.notes,
        "Description": said.description,
        "DatabasePath": "",
        "TimeCode": said.timecode,
        "Delay": "0",
        "PacketID": said.packet,
        "ProcessID": "0",
    }
    inner = "".join(f'<{name} VALUE="{_quoted(text)}"/>' for name, text in words.items())
    head = '<?xml version="1.0" encoding="UTF-8" standalone="no" ?>'
    return f"{head}<{tag}{result}>{inner}</{tag}>".encode()


def encode_osc(said: Capture) -> bytes:
    """A trigger as OSC."""
    if not said.begins:
        return osc.encode(RECORD_STOP)
    shot, take = said.shot
    return osc.encode(RECORD_START, shot, take or 1)
