"""Codecs of other people's protocols: bytes to dataclasses and back, one file a protocol.

They own no socket and no clock. What a decoder cannot read raises `ProtocolError`, whatever the
bytes are; what arrives in several datagrams goes through an accumulator of bounded size.
"""

from .error import ProtocolError

__all__ = ["ProtocolError"]
