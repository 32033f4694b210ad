"""What a body does whose source has been silent for too long. No numpy."""

from __future__ import annotations

from typing import Literal, get_args

Then = Literal["stand", "idle", "sit", "exit"]
THEN: tuple[str, ...] = get_args(Then)
