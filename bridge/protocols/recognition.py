"""Whose bytes these are, by how they begin: for who sends to a wrong port, or another version."""

from __future__ import annotations

import re

# What a datagram begins with -> (scheme, in words). The first that fits counts.
_BEGINNINGS: tuple[tuple[re.Pattern[bytes], str, str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), scheme, words)
    for pattern, scheme, words in (
        (rb"MXTP\d\d", "mvn", "Xsens MVN"),
        (rb"(?:#bundle\0.{12,24})?/VMC/Ext/", "vmc", "VMC"),
        (rb"(?:#bundle\0.{12,24})?/tracking/trackers/", "trackers", "trackers by OSC"),
        (rb"(?:#bundle\0.{12,24})?/landmarks\0", "landmarks", "landmarks by OSC"),
        (rb"\xff\xdd.{60}\xff\xee", "neuron", "Axis (Perception Neuron)"),
        (rb"\x04\x22\x4d\x18", "rokoko", "Rokoko, packed"),
        (rb"\s*\{.{0,200}\"scene\"", "rokoko", "Rokoko"),
        (rb"\s*\{.{0,40}\"landmarks\"", "landmarks", "landmarks"),
        (rb"OTrk", "opentrackio", "OpenTrackIO"),
        (rb"Art-Net\0", "artnet", "Art-Net"),
        (rb".{4}head.{4}ftyp", "mocopi", "mocopi"),
        (rb"[A-Za-z_]+[-&][\d.]+\|.*head#", "ifacialmocap", "iFacialMocap or Facemotion3d"),
        (rb"\xd1.{28}$", "freed", "FreeD"),
        (rb"\x06.{16,}", "livelinkface", "Live Link Face"),
        (rb"\s*<\??(?:xml|Capture)", "xml", "capture triggers (XML)"),
        (rb".{4}[\x01-\x40]\x00\x48\x00", "vicon", "Vicon's object stream"),
    )
)


def recognised(data: bytes) -> tuple[str, str]:
    """The scheme of whoever sends what begins so, and its name; ("", "") for nobody known."""
    for pattern, scheme, words in _BEGINNINGS:
        if pattern.match(data[:2048]):
            return scheme, words
    # NatNet begins with a small number and its own length.
    if len(data) >= 4 and int.from_bytes(data[2:4], "little") == len(data) - 4 and data[1] == 0:
        return "natnet", "OptiTrack NatNet"
    return "", ""
