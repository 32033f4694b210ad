"""The style of the body that the camera follows, as sliders over the picture."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from understudy.bridge import ControlClient
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import Subject

# A stage answers within a tick; one that does not is asked again after a while.
PATIENCE_S = 0.2
AGAIN_S = 2.0


@dataclass
class Slider:
    """A number in -1..1 that a user may draw elsewhere; `moved` says that it happened."""

    name: str
    value: float
    moved: bool = False


class StyleSliders:
    """Asks the stage what holds for a subject when it is followed; sends what is moved."""

    def __init__(self, control: str, key: Path | None = None) -> None:
        self._client = ControlClient(control, timeout_s=PATIENCE_S, key=key)
        self.subject = ""
        self.sliders: list[Slider] = []
        self._again_s = 0.0
        self._last = ""

    def follow(self, subject: Subject | None) -> list[Slider]:
        """The sliders of a subject; none where nobody acts it, or no stage answers."""
        if subject is None or subject.intent is None:
            self.subject, self.sliders = "", []
        elif subject.name != self.subject and time.monotonic() > self._again_s:
            try:
                traits = self._client.style(subject.name)[subject.name]
            except (UnderstudyError, KeyError):
                self.subject, self.sliders = "", []
                self._again_s = time.monotonic() + AGAIN_S
            else:
                self.subject = subject.name
                self.sliders = [Slider(name, value) for name, value in traits.items()]
        return self.sliders

    def send(self) -> None:
        """Sends what was moved since the last time."""
        moved = [slider for slider in self.sliders if slider.moved]
        if moved:
            self._client.send_style(self.subject, **{s.name: s.value for s in moved})
            self._last = moved[-1].name
            for slider in moved:
                slider.moved = False

    @property
    def last(self) -> str:
        """What a fader would do that is learned now: the slider that was moved last."""
        trait = self._last or (self.sliders[0].name if self.sliders else "")
        return f"style {trait} {self.subject}".strip() if trait else ""

    def close(self) -> None:
        self._client.close()
