"""What each trial of `understudy bench control` measured, and the rows that sum them up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import signal

from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.rotation import Array
from understudy.runtime.performer.control.controller import wrap
from understudy.runtime.performer.ik import legs

from . import gait, trials
from .gait import RATE_HZ, Motion

Values = dict[str, float]
_STEPS = signal.butter(2, (1.2, 3.2), "bandpass", fs=RATE_HZ, output="sos")


class Seen:
    """What the bodies of all trials showed, with root, speed and heading worked out once."""

    def __init__(self, motion: Motion, asked: Array, facing: Array) -> None:
        self.motion, self.asked, self.facing = motion, asked, facing
        self.root = gait.root(motion)
        self.speed = gait.speed(motion)
        self.quick = gait.speed(motion, gait.QUICK_SIGMA_S)
        self.heading = gait.heading(motion)
        self.quick_heading = gait.heading(motion, gait.QUICK_SIGMA_S)

    def mean_velocity(self, i: int, from_s: float, span_s: float = 1.0) -> Array:
        """(2,) m/s of the hips over a span of about a stride."""
        a, b = round(from_s * RATE_HZ), round((from_s + span_s) * RATE_HZ)
        return np.asarray((self.root[b, i] - self.root[a, i]) / span_s)


def judge_speed(seen: Seen, i: int, trial: trials.Trial) -> Values:
    """Speed over the second that begins 1 s after each change, and facing in it."""
    out: Values = {"speed_error_pct": 0.0, "facing_error_deg": 0.0}
    for at in trial.changes_s:
        a, b = round((at + 1.0) * RATE_HZ), round((at + 2.0) * RATE_HZ)
        wish = seen.asked[a:b, i].mean(0)
        got = seen.mean_velocity(i, at + 1.0)
        out["speed_mps"], out["asked_mps"] = float(np.linalg.norm(got)), float(np.linalg.norm(wish))
        if out["asked_mps"] > 0.1:
            # Along the way that is asked: going fast elsewhere is not following.
            along = float(got @ wish) / out["asked_mps"]
            error = 100.0 * abs(along / out["asked_mps"] - 1.0)
            out["speed_error_pct"] = max(out["speed_error_pct"], error)
        off = abs(float(wrap(seen.heading[a:b, i] - seen.facing[a:b, i]).mean()))
        out["facing_error_deg"] = max(out["facing_error_deg"], float(np.rad2deg(off)))
    return out


def judge_strafe(seen: Seen, i: int, trial: trials.Trial) -> Values:
    """The same, and how far ankles pass each other sideways from 1 s to 6 s after the change."""
    at = round((trial.changes_s[0] + 1.0) * RATE_HZ)
    part = slice(at, at + round(5.0 * RATE_HZ))
    motion = seen.motion.part(part, [i])
    ankles = legs.forward(motion.hips[:, 0], motion.rotations[:, 0])[0][:, :, 2]
    apart, facing = ankles[:, 0] - ankles[:, 1], seen.heading[part, i]
    left = np.cos(facing) * apart[:, 0] - np.sin(facing) * apart[:, 2]
    return judge_speed(seen, i, trial) | {"crossed_cm": 100.0 * float(-left.min())}


def judge_spot(seen: Seen, i: int, trial: trials.Trial) -> Values:
    """Facing 1.5 s after a turn on the spot was asked, and how far the body strayed."""
    at = trial.changes_s[0]
    a, b = round((at + 1.5) * RATE_HZ), round((at + 2.5) * RATE_HZ)
    off = abs(float(wrap(seen.heading[a:b, i] - seen.facing[a:b, i]).mean()))
    strayed = np.linalg.norm(seen.root[b, i] - seen.root[round(at * RATE_HZ), i])
    return {"spot_error_deg": float(np.rad2deg(off)), "strayed_m": float(strayed)}


def judge_about(seen: Seen, i: int, trial: trials.Trial) -> Values:
    """Time until the hips face within 15 degrees of the new way and go it at 3/4 of the speed."""
    tick = round(trial.changes_s[0] * RATE_HZ)
    wish = seen.asked[tick + 30, i]
    asked = float(np.linalg.norm(wish))
    faces = np.abs(wrap(seen.quick_heading[:, i] - np.arctan2(*wish))) < np.deg2rad(15.0)
    goes = seen.quick[:, i] @ wish / asked > 0.75 * asked
    return {
        "faced_s": gait.settled(faces, tick),
        "done_s": gait.settled(faces & goes, tick),
    }


def judge_start(seen: Seen, i: int, trial: trials.Trial) -> Values:
    """Time from the stick's push until the hips move at 1 m/s."""
    tick = round(trial.changes_s[0] * RATE_HZ)
    return {"start_s": gait.settled(seen.quick[:, i, 1] >= 1.0, tick, 0.05)}


def judge_stop(seen: Seen, i: int, trial: trials.Trial) -> Values:
    """Time until the hips stay below 0.15 m/s, and the way to there."""
    tick = round(trial.changes_s[0] * RATE_HZ)
    still = np.linalg.norm(seen.quick[:, i], axis=-1) < 0.15
    way_m = float(np.linalg.norm(seen.root[-1, i] - seen.root[tick, i]))
    return {"stop_s": gait.settled(still, tick), "way_m": way_m}


def judge_path(seen: Seen, i: int, trial: trials.Trial) -> Values:
    """Mean and largest distance of the root to the asked path, from 4 s on."""
    off = trials.off_path(seen.root[round(4.0 * RATE_HZ) : -15, i], trial.about["path"])
    return {"path_cm": 100.0 * float(off.mean()), "path_worst_cm": 100.0 * float(off.max())}


def judge_idle(seen: Seen, i: int, trial: trials.Trial) -> Values:
    """How far the head moves, as a standard deviation."""
    head = gait.joints(seen.motion.part(slice(60, None), [i]))[:, 0, 5]
    return {"idle_cm": 100.0 * float(np.linalg.norm(head.std(0)))}


def judge_button(seen: Seen, i: int, trial: trials.Trial) -> Values:
    """Rise and farthest joint, against the twin that was not pressed; when all joints are calm."""
    twin = i - ("none", "jump", "action1", "action2").index(trial.name.split("/")[1])
    if twin == i:
        return {}
    after = slice(round(4.0 * RATE_HZ), None)
    ours, plain = (gait.joints(seen.motion.part(after, [k]))[:, 0] for k in (i, twin))
    shape = [p - p[:, :1] * (1.0, 0.0, 1.0) for p in (ours, plain)]
    apart = np.linalg.norm(shape[0] - shape[1], axis=-1).max(-1)
    moves = np.linalg.norm(np.diff(ours, axis=0), axis=-1).mean(-1) * RATE_HZ
    busy = np.flatnonzero(moves > 0.1)
    return {
        "rise_cm": 100.0 * float((ours[:, 0, 1] - plain[:, 0, 1]).max()),
        "farthest_cm": 100.0 * float(apart.max()),
        "lasts_s": float(busy[-1] + 1) / RATE_HZ if len(busy) else 0.0,
    }


def judge_style(seen: Seen, i: int, trial: trials.Trial) -> Values:
    """Mean height of the hips, and mean speed of the hands about the hips."""
    motion = seen.motion.part(slice(round(4.0 * RATE_HZ), None), [i])
    hands = [PERFORMER.index(name) for name in ("LeftHand", "RightHand")]
    places = gait.joints(motion)[:, 0, hands] - motion.hips
    moves = np.linalg.norm(np.diff(places, axis=0), axis=-1).mean() * RATE_HZ
    height = motion.hips[:, 0, 1]
    # The hips go up and down once a step: a line through the phase of that is the cadence.
    step = signal.hilbert(signal.sosfiltfilt(_STEPS, height - height.mean()))
    rate = np.polyfit(np.arange(len(step)), np.unwrap(np.angle(step)), 1)[0]
    return {
        "hips_cm": 100.0 * float(motion.hips[..., 1].mean()),
        "hands_mps": float(moves),
        "cadence_hz": float(rate) * RATE_HZ / (2.0 * np.pi),
    }


# Which trials each judge looks at, by the beginning of their names.
JUDGES: dict[str, Callable[[Seen, int, trials.Trial], Values]] = {
    "speed": judge_speed,
    "change": judge_speed,
    "strafe": judge_strafe,
    "spot": judge_spot,
    "about": judge_about,
    "start": judge_start,
    "stop": judge_stop,
    "path": judge_path,
    "idle": judge_idle,
    "button": judge_button,
    "style": judge_style,
}


def summarise(values: Values, each: dict[str, Values]) -> None:
    """Adds the rows that sum up trials."""

    def of(start: str, key: str) -> Array:
        rows = [row for name, row in each.items() if name.startswith(start)]
        return np.array([row[key] for row in rows if key in row])

    reached = [t.name for t in trials.all_trials() if t.about.get("reached", True)]
    speeds = [
        row["speed_error_pct"]
        for name, row in each.items()
        if name.split("/")[0] in ("speed", "change", "strafe") and name in reached
    ]
    values["speed"], values["speed_mean"] = float(np.max(speeds)), float(np.mean(speeds))
    for key, run in (("fastest", False), ("fastest_run", True)):
        rows = [r for n, r in each.items() if n.startswith("speed/")]
        got = [r["speed_mps"] for r in rows if (r["asked_mps"] > 2.05) == run]
        values[key] = float(np.max(got, initial=0.0))
    facings = np.concatenate([of(s, "facing_error_deg") for s in ("speed", "change", "strafe")])
    values["facing"] = float(facings.max())
    sideways = [each[f"strafe/{angle} deg"]["crossed_cm"] for angle in (90, 270)]
    values["crossed"] = float(max(sideways))
    values["spot"] = float(of("spot", "spot_error_deg").max())
    for key, start, part in (
        ("about_walk", "about walk", "done_s"),
        ("about_run", "about run", "done_s"),
        ("start", "start", "start_s"),
        ("stop_walk", "stop walk", "stop_s"),
        ("stop_run", "stop run", "stop_s"),
    ):
        times = of(start, part)
        values[key] = float(times.mean())  # nan where one of them never came
        values[f"{key}_worst"] = float(times.max())
    for name in {n.rsplit("/", 1)[0] for n in each if n.startswith("path/")}:
        values[name] = float(of(name, "path_cm").min())  # the player's best habit of looking ahead
    values["idle"] = each["idle"]["idle_cm"]
    values["jump"] = each["button standing/jump"]["rise_cm"]
    for action in ("action1", "action2"):
        values[action] = each[f"button standing/{action}"]["farthest_cm"]
    values["back"] = float(of("button standing", "lasts_s").max())
    hands, hips = of("style/energy", "hands_mps"), of("style/crouch", "hips_cm")
    values["energy"], values["crouch"] = float(hands[-1] - hands[0]), float(hips[-1] - hips[0])
    cadence = of("style/energy", "cadence_hz")
    values["cadence"] = 100.0 * float(cadence[-1] / cadence[0] - 1.0)
    values["style"] = float(np.sum(np.diff(hands) <= 0.0) + np.sum(np.diff(hips) >= 0.0))


def traces_of(seen: Seen, todo: list[trials.Trial]) -> dict[str, Any]:
    """What the plots need: walked paths, and speeds over time."""
    out: dict[str, Any] = {"paths": {}, "speeds": {}, "about": {}}
    best: dict[str, tuple[float, int]] = {}
    for i, trial in enumerate(todo):
        group = trial.name.rsplit("/", 1)[0]
        if group.startswith("path/"):
            error = judge_path(seen, i, trial)["path_cm"]
            best[group] = min(best.get(group, (np.inf, -1)), (error, i))
        elif group == "speed":
            along = seen.quick[: 5 * 60, i, 1]
            out["speeds"][trial.name] = {"asked": seen.asked[: 5 * 60, i, 1], "got": along}
        elif trial.name in ("about walk/0", "about run/0"):
            tick = round(trial.changes_s[0] * RATE_HZ)
            out["about"][trial.name] = seen.root[tick - 60 : tick + 120, i]
    for group, (_, i) in best.items():
        out["paths"][group] = {"asked": todo[i].about["path"], "walked": seen.root[:-15, i]}
    return out
