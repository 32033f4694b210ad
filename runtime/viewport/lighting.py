"""Set and light as they are chosen: by options, by a session, on the panel while it draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from understudy.runtime.core.errors import UnderstudyError

from . import look, sky_map
from .sets import scenery
from .sky_map import SkyMap

if TYPE_CHECKING:
    from .renderer import Options, Renderer


@dataclass
class Lighting:
    """What was chosen, in the words of the options; `said` is why the last choice was refused.

    fog    as far as one sees, in metres; 0: no fog
    moved  something was chosen on the panel that is not drawn yet
    """

    set: str = ""
    sun: str = ""
    exposure: float = 0.0
    tone: str = ""
    clouds: float = 0.0
    fog: float = 0.0
    wet: float = 0.0
    rain: float = 0.0
    cold: float = 0.0
    sky: str = ""
    said: str = ""
    moved: bool = False
    shown_set: str = ""  # the one that is drawn
    _read: tuple[str, SkyMap] | None = None

    def check(self) -> None:
        """Refuses what cannot be, as far as that is known without drawing."""
        if self.set:
            scenery.check(self.set)
        if self.sky:
            sky_map.check(self.sky)
        look.made(self.sun, self.exposure, self.tone, self.clouds, self.fog, self.wet)

    def apply(self, renderer: Renderer, options: Options) -> None:
        """Draws as chosen from now on; raises UnderstudyError, and then all stays as it was."""
        stand = renderer.stand
        made = stand.scenery if stand is not None else None
        changed = self.set != self.shown_set
        if changed:
            made = scenery.load(self.set) if self.set else None
        # A set's own light gives way to a sky that somebody chose.
        sun = self.sun or (made.sun if made is not None and not self.sky else "")
        options.look = look.made(
            sun, self.exposure, self.tone, self.clouds, self.fog, self.wet, self._sky()
        )
        if changed:
            renderer.set_scenery(made)
            self.shown_set = self.set

    def _sky(self) -> SkyMap | None:
        """The sky that was chosen, read once."""
        if self.sky and (self._read is None or self._read[0] != self.sky):
            self._read = self.sky, sky_map.read(self.sky)
        return self._read[1] if self.sky and self._read is not None else None

    def follow(self, renderer: Renderer, options: Options) -> None:
        """Draws what was chosen on the panel; what cannot be is said there."""
        if not self.moved:
            return
        self.moved = False
        try:
            self.apply(renderer, options)
            self.said = ""
        except UnderstudyError as refusal:
            self.said = str(refusal)
