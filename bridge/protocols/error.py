"""The one exception that a codec raises."""

from understudy.runtime.core.errors import UnderstudyError


class ProtocolError(UnderstudyError):
    """Bytes that are no message of the protocol, or a value that it cannot carry; a sentence."""
