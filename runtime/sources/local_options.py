"""What every source without a port has: a name, and how it is opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from msgspec import Meta

from understudy.runtime.core.typed import Table

from .endpoint import Endpoint
from .streams import Kind


class Name(Table, frozen=True, kw_only=True):
    """What every local source takes."""

    name: Annotated[str, Meta(description="the subject's name on stage")] = ""


@dataclass(frozen=True)
class Local:
    """How a scheme without a port is opened."""

    Options: type
    open: Callable[[Endpoint, str], Any]
    has_path: bool
    kinds: tuple[Kind, ...]
