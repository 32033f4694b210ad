"""Contact, by one command: rain, a crate that is kicked and taken, a fight with sparks; and heard.

    python demos/contact.py                        # out/contact/: film, sound, stems, list, take
    python demos/contact.py --seconds 8 --size 480x270

A stage runs with two people on pad scripts and props that move by physics, and records a take. Of
the take foley makes the sound, and `render` the film. Needs the extra `props`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from understudy.bridge import ControlClient, Subscriber
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.event import HIT, Event
from understudy.runtime.core.processes import free_ports
from understudy.runtime.core.roles import roles

PEOPLE = Path(__file__).parent / "people"
SECONDS = 20.0
# Seconds, stick, button. She comes out of the rain, kicks a crate, picks one up; then they fight.
ADA = (
    (0.4, (0.0, 0.7), ""), (3.4, (0.0, 0.0), ""), (9.2, (0.0, 0.0), "throw"),
    (11.0, (0.0, 0.0), "slash"), (13.6, (0.0, 0.0), "slash"), (16.2, (0.0, 0.0), "jump"),
)  # fmt: skip
BEN = (
    (9.0, (0.0, 0.0), "stop"), (11.1, (0.0, 0.0), "slash"), (13.7, (0.0, 0.0), "slash"),
    (17.6, (0.0, 0.0), "cheer"),
)  # fmt: skip
TAKES_S = 4.0
# When blade meets blade: nothing of the props is as quick as a choreographer.
BLOWS_S = (11.75, 12.1, 14.35, 14.7)
SESSION = """
[stage]
publish = "{publish}"
control = "{control}"

[contact]
steps = true
floor = "concrete"

[[source]]
from = "pad://{ada}"
as = "pad-ada"

[[source]]
from = "pad://{ben}"
as = "pad-ben"

[[subject]]
name = "ada"
control = "pad-ada"
character = "{people}/ada.glb"
at_m = [0.0, 0.0, -3.0]

[[subject]]
name = "ben"
control = "pad-ben"
character = "{people}/ben.glb"
at_m = [0.5, 0.0, 3.3]
heading_deg = 180.0

[[prop]]
name = "crate"
size_m = [0.35, 0.35, 0.35]
material = "wood"
at_m = [0.05, -1.2]

[[prop]]
name = "box"
size_m = [0.24, 0.2, 0.24]
material = "wood"
at_m = [-0.25, 0.75]

[[prop]]
name = "barrel"
shape = "cylinder"
size_m = [0.5, 0.8]
material = "metal"
at_m = [1.4, 0.4]

[[prop]]
name = "ball"
shape = "sphere"
size_m = [0.22]
material = "rubber"
at_m = [-1.2, 1.0, 1.4]
"""


def pad(beats: Sequence[tuple[float, tuple[float, float], str]]) -> str:
    """A pad script: each button is held for a fifth of a second."""
    lines = ["rate_hz = 60"]
    for at_s, stick, button in beats:
        where = f"left_stick = [{stick[0]:g}, {stick[1]:g}]"
        press = f'\nbuttons = ["{button}"]' if button else ""
        lines.append(f"[[event]]\nat_s = {at_s:g}\n{where}{press}")
        if button:
            lines.append(f"[[event]]\nat_s = {at_s + 0.2:g}\n{where}")
    return "\n".join(lines) + "\n"


def run(*words: object) -> None:
    """An understudy command; its own sentence where it fails."""
    command = [sys.executable, "-m", "understudy.runtime.cli.main", *map(str, words)]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise UnderstudyError(done.stderr.strip().splitlines()[-1] if done.stderr else "It failed.")


def direct(publish: str, control: str, seconds: float) -> None:
    """Has her take the box, and tells the stage of the blows, between the hands of both."""
    with (
        Subscriber(publish, newest=True, timeout_s=20.0) as stage,
        ControlClient(control) as tells,
    ):
        blows, takes = [at_s for at_s in BLOWS_S if at_s < seconds], seconds > TAKES_S
        for frame in stage:
            box = next((prop for prop in frame.props if prop.name == "box"), None)
            if takes and box is not None and frame.sequence / 60.0 > TAKES_S:
                takes = False
                x, y, z = map(float, box.position)
                tells.go(subject="ada", hand_at_m=(x, y, z))
                tells.order_prop("grab", "box", subject="ada")
            if not blows:
                return
            if frame.sequence / 60.0 < blows[0] or len(frame.subjects) < 2:
                continue
            blows.pop(0)
            hands = []
            for subject in frame.subjects[:2]:
                pose, found = subject.pose, roles(subject.skeleton)
                world, _ = subject.skeleton.globals(pose.positions, pose.rotations)
                hands.append(world[found["right_hand"]])
            x, y, z = (0.5 * (hands[0] + hands[1])).tolist()
            tells.send_events(
                Event(
                    HIT, "ada", "RightHand", "ben", "RightHand", "metal", "metal",
                    (x, max(y, 1.0), z), (0.4, 0.9, 0.3), speed_mps=4.5,
                )
            )  # fmt: skip


def shoot(out: Path, seconds: float) -> Path:
    """Runs the stage and records the take."""
    (out / "ada.toml").write_text(pad(ADA))
    (out / "ben.toml").write_text(pad(BEN))
    publish, control = (f"tcp://127.0.0.1:{port}" for port in free_ports(2))
    session, take = out / "stage.toml", out / "contact.mcap"
    words = {"publish": publish, "control": control, "people": PEOPLE.resolve()}
    words |= {name: (out / f"{name}.toml").resolve() for name in ("ada", "ben")}
    session.write_text(SESSION.format(**words))
    take.unlink(missing_ok=True)
    director = threading.Thread(target=direct, args=(publish, control, seconds), daemon=True)
    director.start()
    run("stage", "--session", session, "--record", take, "--seconds", seconds)
    director.join(2.0)
    return take


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/contact"), metavar="DIR")
    parser.add_argument("--seconds", type=float, default=SECONDS, metavar="S")
    parser.add_argument("--size", default="960x540", metavar="WxH")
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    began_s = time.monotonic()
    try:
        print("recording", flush=True)
        take = shoot(args.out, args.seconds)
        sound, film = args.out / "contact.wav", args.out / "contact.mp4"
        print("sound", flush=True)
        run("foley", take, "--wav", sound, "--stems", "--events", args.out / "contact.csv")
        print("picture", flush=True)
        look = ("--set", "stage", "--sun", "key", "--wet", 0.8, "--rain", 0.7, "--cold", 0.6)
        look += ("--emit", "smoke@2.4,0.1,-1.5", "--wind", "0.6,0.2", "--shutter", 120)
        run("render", take, "--out", film, "--size", args.size, "--fps", 24, "--camera", "fixed",
            "--voice", sound, "--contact-sheet", args.out / "contact.png", *look)  # fmt: skip
    except UnderstudyError as error:
        print(f"contact: {error}", file=sys.stderr)
        return 1
    print(f"{film}, in {time.monotonic() - began_s:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
