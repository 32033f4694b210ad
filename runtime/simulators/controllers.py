"""A desk, played: the first actor's hands move two faders, and the steps press two buttons."""

from __future__ import annotations

from understudy.bridge.protocols import osc
from understudy.runtime.core.pose import Frame
from understudy.runtime.outputs.body import body

# A fader is at its end where a hand is so high.
HIGHEST_M = 2.0
# A foot that comes below this presses, and lets go above.
DOWN_M, UP_M = 0.12, 0.16
FADERS = {"left_hand": 0, "right_hand": 1}
BUTTONS = {"left_foot": 0, "right_foot": 1}
FIRST_CC, FIRST_NOTE = 16, 36


class _Desk:
    """What has moved since the frame before."""

    def __init__(self) -> None:
        self._at: dict[str, int] = {}
        self._down: dict[str, bool] = {}

    def faders(self, frame: Frame) -> list[tuple[int, int]]:
        """Numbers of faders and where they are, 0 to 127."""
        found = []
        for role, height_m in _heights(frame, tuple(FADERS)).items():
            value = round(127.0 * min(max(height_m / HIGHEST_M, 0.0), 1.0))
            if self._at.get(role) != value:
                self._at[role] = value
                found.append((FADERS[role], value))
        return found

    def buttons(self, frame: Frame) -> list[tuple[int, bool]]:
        """Numbers of buttons, and whether they went down or up."""
        found = []
        for role, height_m in _heights(frame, tuple(BUTTONS)).items():
            was = self._down.get(role, False)
            down = height_m < (UP_M if was else DOWN_M)
            if down != was:
                self._down[role] = down
                found.append((BUTTONS[role], down))
        return found


def _heights(frame: Frame, roles: tuple[str, ...]) -> dict[str, float]:
    one = frame.subjects[0]
    shape = body(one.skeleton)
    there = shape.whole(shape.added(one.pose), roles)
    return dict(zip(roles, there.positions[:, 1].tolist(), strict=True))


class MidiSimulator(_Desk):
    """Messages of MIDI: control changes 16 and 17, notes 36 and 37."""

    def datagrams(self, frame: Frame, time_s: float) -> list[bytes]:
        moved = [bytes([0xB0, FIRST_CC + n, value]) for n, value in self.faders(frame)]
        pressed = [
            bytes([0x90 if down else 0x80, FIRST_NOTE + n, 127 if down else 0])
            for n, down in self.buttons(frame)
        ]
        return moved + pressed


class OscSimulator(_Desk):
    """The same by OSC: /1/fader1 and 2, /1/push1 and 2."""

    def datagrams(self, frame: Frame, time_s: float) -> list[bytes]:
        moved = [osc.encode(f"/1/fader{n + 1}", value / 127.0) for n, value in self.faders(frame)]
        pressed = [osc.encode(f"/1/push{n + 1}", float(down)) for n, down in self.buttons(frame)]
        return moved + pressed
