"""Takes of actions, cut by hand: when each begins, when the body is free again, when it is over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Take:
    """Seconds of a clip: `begin` to `end`, the body free to go on from `free` on.

    aim: the joint whose blow falls ahead of the body. A blow is where a foot is fastest, and where
    a hand is farthest from the hips.
    arms: those that it takes; the other swings as it would.
    legs: whose it takes: never, standing bodies', always, or only where it may begin, in a stand.
    hold: seconds of the clip between which it stays until the button is pressed again.
    """

    action: str
    clip: str
    begin_s: float
    free_s: float
    end_s: float
    aim: str = ""
    arms: Literal["both", "left", "right"] = "both"
    legs: Literal["never", "standing", "always", "stand"] = "never"
    hold: tuple[float, float] | None = None


TAKES = (
    Take("jump", "jumping_5", 0.92, 2.05, 2.60, legs="stand"),
    Take("kick", "soccer_4", 1.78, 2.75, 3.30, "RightFoot", legs="always"),
    Take("kick", "soccer_5", 2.72, 3.70, 4.25, "RightFoot", legs="always"),
    Take("kick", "soccer_1", 4.28, 5.25, 5.85, "RightFoot", legs="always"),
    Take("punch", "02_05", 0.98, 1.75, 2.25, "RightHand", legs="standing"),
    Take("punch", "02_05", 2.45, 3.20, 3.75, "RightHand", legs="standing"),
    Take("punch", "02_05", 3.95, 4.70, 5.10, "RightHand", legs="standing"),
    Take("punch", "02_05", 6.75, 7.55, 8.05, "RightHand", legs="standing"),
    Take("slash", "02_07", 0.95, 2.05, 2.75, "RightHand", legs="standing"),
    Take("slash", "02_07", 5.75, 6.75, 7.20, "RightHand", legs="standing"),
    Take("wave", "directing_traffic_4", 11.45, 12.85, 13.05, arms="right"),
    Take("point", "13_26", 20.50, 21.50, 21.75, arms="right"),
    Take("drink", "13_09", 0.90, 3.50, 4.00, arms="right"),
    Take("drink", "13_09", 4.60, 8.30, 8.85, arms="right"),
    Take("direct", "13_26", 9.70, 12.50, 12.90),
    Take("direct", "directing_traffic_4", 2.05, 4.60, 5.05),
    Take("stop", "basketball_signal_1", 16.15, 18.80, 19.20),
    Take("laugh", "13_14", 2.90, 4.75, 5.10),
    Take("laugh", "13_15", 12.85, 14.75, 15.10),
    Take("swat", "basketball_signal_2", 9.75, 12.40, 12.85, arms="right"),
    Take("reach", "02_06", 15.60, 16.90, 17.30, arms="right"),
    Take("pick", "02_06", 0.35, 2.85, 3.15, legs="always"),
    Take("throw", "06_15", 1.25, 3.20, 3.60, legs="standing"),
    Take("cheer", "14_17", 3.30, 5.30, 5.70),
    Take("carry", "13_07", 7.20, 10.00, 10.40, hold=(7.60, 9.90)),
    Take("hold", "13_09", 0.02, 0.80, 1.00, arms="right", hold=(0.05, 0.25)),
    Take("sit", "14_31", 9.45, 16.00, 16.35, legs="always", hold=(12.40, 14.00)),
    Take("refuse", "basketball_signal_5", 10.60, 12.90, 13.20, arms="right"),
    Take("show", "basketball_signal_5", 14.95, 17.70, 18.10),
    Take("scrub", "02_10", 10.30, 12.90, 13.15),
)
