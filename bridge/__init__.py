"""Everything that crosses the process boundary: frames out, frames in, and a side channel."""

from .control import ControlClient, ControlServer
from .publisher import Publisher
from .security.address import CONTROL, PUBLISH
from .subscriber import Statistics, Subscriber

__all__ = [
    "CONTROL",
    "PUBLISH",
    "ControlClient",
    "ControlServer",
    "Publisher",
    "Statistics",
    "Subscriber",
]
