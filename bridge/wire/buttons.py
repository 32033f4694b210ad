"""The buttons of an Intent, by name."""

from __future__ import annotations

from understudy.bridge.schema.understudy_fb.Button import Button

# A button's name in an Intent -> its bit on the wire.
BUTTONS: dict[str, int] = {
    name.lower(): bit for name, bit in vars(Button).items() if not name.startswith("_")
}
