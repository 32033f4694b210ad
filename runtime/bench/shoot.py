"""A rehearsed shoot: four senders over a bad network, three listeners, takes, and kills.

Whoever is killed, every frame that was sent has to be in a take, byte for byte, but for what the
kill allows. `bench record` plays it for ten minutes, the tests for an hour.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

from understudy.bridge import ControlClient, Subscriber
from understudy.bridge.wire.envelope import SIZE
from understudy.runtime.bench.processes import StageProcess, hangs_up, resident_mb
from understudy.runtime.core import processes
from understudy.runtime.core.errors import Failure
from understudy.runtime.stage.inputs import DECODER
from understudy.runtime.stage.replay import solve_again
from understudy.runtime.takes import motion_file
from understudy.runtime.takes.contents import contents
from understudy.runtime.takes.scene_clip import Which
from understudy.runtime.takes.take_export import export
from understudy.runtime.takes.take_file import FRAMES, INPUTS
from understudy.runtime.takes.take_motion import load
from understudy.runtime.takes.take_reader import TakeReader
from understudy.runtime.takes.trim import repair

from .stage import SCRIPT
from .witness import Sent, Witness, sent

RATE_HZ = 60
# What a kill allows: the last 0.1 s, and the tick that was about to come.
ALLOWED_NS = 100_000_000 + 17_000_000
# The pre-roll and the caches have filled by then.
SETTLES_S = 15.0
PATIENCE_S = 60.0
# In turns; a terminal that is closed ends a stage by SIGHUP.
KILLS = ["nobody", "recorder", "stage", "all at once"]
if hangs_up():
    KILLS.insert(3, "terminal")
BAD_NETWORK = {
    "mvn": ("--actors", 2, "--loss", "2%", "--jitter", "20ms", "--dropout", "7s/0.6s"),
    "rokoko": ("--loss", "1%", "--jitter", "30ms", "--dropout", "13s/1.2s"),
    "vmc": ("--loss", "3%", "--jitter", "10ms", "--dropout", "11s/2.5s"),
    "livelinkface": ("--loss", "5%", "--jitter", "40ms"),
}
# Exports hold what the take does, to 0.1 mm.
SAME_M = 1e-4


@dataclass
class Report:
    """What came of it; `faults` are sentences, and there should be none.

    sent            frames that a listener heard, outside of what the kills allow
    missing         those of them that no take has, or has otherwise
    packets         datagrams in the takes
    cut_ms          the most that a kill cost before it
    restarts_s      how long nothing was recorded after a recorder was killed
    grown_mb        a recorder's memory, from when it has settled to the end of its take
    solved          poses that came out of their packets once more, to the bit
    exported_off_m  how far an export's joints are from the take's
    """

    rounds: int = 0
    seconds: float = 0.0
    sent: int = 0
    missing: int = 0
    packets: int = 0
    cut_ms: float = 0.0
    restarts_s: list[float] = field(default_factory=list)
    grown_mb: float = 0.0
    close_s: float = 0.0
    solved: int = 0
    exported_off_m: float = 0.0
    faults: list[str] = field(default_factory=list)


class Listener(threading.Thread):
    """One of our subscribers, which follows one stage after the other."""

    def __init__(self, address: str) -> None:
        super().__init__(daemon=True)
        self.subscriber = Subscriber(address, timeout_s=0.2)
        self.ending = False
        self.start()

    def run(self) -> None:
        while not self.ending:
            self.subscriber.receive(0.2)
        self.subscriber.close()


@contextlib.contextmanager
def senders(film: Path, ports: dict[str, int]) -> Iterator[None]:
    """The devices, until the block ends."""
    children = [
        processes.start(
            *("simulate", device, film, "--to", f"127.0.0.1:{ports[device]}", *words),
            stdout=subprocess.DEVNULL,
        )
        for device, words in BAD_NETWORK.items()
    ]
    try:
        yield
        if dead := [child for child in children if child.poll() is not None]:
            raise Failure(f"A simulated device ended with {processes.cause(dead[0].returncode)}.")
    finally:
        processes.end(children)


def shoot(folder: Path, seconds: float, rounds: int, settles_s: float = SETTLES_S) -> Report:
    """So many rounds of a take, of `seconds` together; each round somebody else is killed."""
    film, script = folder / "film.bvh", folder / "pad.toml"
    script.write_text(SCRIPT)
    processes.start("perform", "--pad", script, "--seconds", 20, "--out", film).wait()
    *udp, publish, control = processes.free_ports(len(BAD_NETWORK) + 2)
    ports = dict(zip(BAD_NETWORK, udp, strict=True))
    report = Report()
    with senders(film, ports), contextlib.ExitStack() as stack:
        place = {"publish": f"tcp://127.0.0.1:{publish}", "control": f"tcp://127.0.0.1:{control}"}
        witness = Witness(place["publish"])
        stack.callback(witness.close)
        listeners = [Listener(place["publish"]) for _ in range(3)]
        for number in range(rounds):
            kill = KILLS[number % len(KILLS)]
            take = folder / f"take{number:03}.mcap"
            words: list[object] = [
                *("--from", f"mvn://127.0.0.1:{ports['mvn']}?name=ann"),
                *("--from", f"rokoko://127.0.0.1:{ports['rokoko']}?name=rob"),
                *("--from", f"vmc://127.0.0.1:{ports['vmc']}?name=vera"),
                *("--from", f"livelinkface://127.0.0.1:{ports['livelinkface']}?subject=vera"),
                *("--rate", RATE_HZ, "--record", take),
            ]
            stage = StageProcess(*words, seconds=seconds + 600.0, **place)
            _Round(report, witness, take, kill).play(stage, seconds / rounds, settles_s)
            for old in (*folder.glob("take*"), *(folder / "out").glob("*")):
                old.unlink()
            witness.sessions.clear()
        for one in listeners:
            one.ending = True
            one.join()
            seen = one.subscriber.statistics
            if seen.lost or seen.malformed or not seen.frames:
                report.faults.append(
                    f"A listener heard {seen.frames} frames, lost {seen.lost} and could not read "
                    f"{seen.malformed}."
                )
    return report


class _Round:
    """One stage that records, until the end or until somebody is killed."""

    def __init__(self, report: Report, witness: Witness, take: Path, kill: str) -> None:
        self.report, self.witness, self.take, self.kill = report, witness, take, kill

    def fault(self, said: str) -> None:
        self.report.faults.append(f"{self.take.stem}, {self.kill} killed: {said}")

    def play(self, stage: StageProcess, seconds: float, settles_s: float) -> None:
        with stage:
            recorder = _recorder(stage)
            time.sleep(min(settles_s, 0.3 * seconds))
            settled_mb = resident_mb(recorder.pid)
            time.sleep(seconds)
            grown_mb = resident_mb(recorder.pid) - settled_mb
            killed_ns = ended_ns = time.monotonic_ns()
            if self.kill in ("recorder", "all at once"):
                recorder.kill()
            if self.kill in ("stage", "all at once"):
                stage.process.kill()
            if self.kill == "terminal":
                stage.process.send_signal(signal.SIGHUP)
            if self.kill in ("nobody", "recorder"):
                ended_ns = self._end(stage)
            else:
                stage.process.wait()
                psutil.wait_procs([recorder], timeout=PATIENCE_S)
        self.report.rounds += 1
        self.report.seconds += seconds
        self.report.grown_mb = max(self.report.grown_mb, grown_mb)
        if _lives(recorder):
            self.fault("the recorder did not end.")
        self._judge(killed_ns, ended_ns)

    def _end(self, stage: StageProcess) -> int:
        """Ends the take by a request; after a kill, when it has gone on for a while. Says when."""
        again = self.take.with_name(f"{self.take.stem}-2.mcap")
        until_s = time.monotonic() + PATIENCE_S
        while self.kill == "recorder" and not again.exists() and time.monotonic() < until_s:
            time.sleep(0.05)
        self.witness.wait(3 * RATE_HZ)
        with ControlClient(stage.control) as client:
            asked_ns = time.monotonic_ns()
            client.record(start=False)
            close_s = (time.monotonic_ns() - asked_ns) / 1e9
            self.report.close_s = max(self.report.close_s, close_s)
        return asked_ns

    def _judge(self, killed_ns: int, ended_ns: int) -> None:
        """Compares what a listener heard with what is in the take, byte for byte."""
        parts = self.take.parent.glob(f"{self.take.stem}-*.mcap")
        files = [self.take, *sorted(parts)]
        taken, inputs = self._read(files)
        wanted = {n: one for n, one in self.witness.newest.items() if one.publish_ns <= ended_ns}
        heard_ns = max((one.publish_ns for one in wanted.values()), default=0)
        there_ns = [one.publish_ns for one in taken.values()]
        before_ns = max((at for at in there_ns if at <= killed_ns), default=0)
        after_ns = min((at for at in there_ns if at > killed_ns), default=heard_ns + 1)
        if self.kill == "recorder":
            self._cut(killed_ns - before_ns)
            self.report.restarts_s.append((after_ns - killed_ns) / 1e9)
        elif self.kill != "nobody":
            self._cut(heard_ns - max(there_ns, default=0))
        if self.kill != "nobody":
            allowed = range(before_ns + 1, after_ns)
            wanted = {n: one for n, one in wanted.items() if one.publish_ns not in allowed}
        missing = sum(taken.get(number) != one for number, one in wanted.items())
        self.report.sent += len(wanted)
        self.report.missing += missing
        if missing or not wanted:
            self.fault(f"{missing} of {len(wanted)} frames are not in it as they were sent.")
        bare = len({one.sequence for one in taken.values()} - inputs)
        if bare > (2 if self.kill == "all at once" else 0):
            self.fault(f"of {bare} ticks it does not hold what came in.")
        self._verify(files)

    def _read(self, files: list[Path]) -> tuple[dict[int, Sent], set[int]]:
        """The frames of all files by their number, and the ticks whose inputs are there."""
        taken: dict[int, Sent] = {}
        inputs: set[int] = set()
        heard: dict[str, int] = {}
        for file in files:
            for entry in TakeReader(file).entries():
                if entry.topic == FRAMES:
                    _, number, told = sent(entry.data)
                    taken[number] = told
                elif entry.topic == INPUTS:
                    one = DECODER.decode(entry.data[SIZE:])
                    inputs.add(one.tick)
                    for port, what in one.ports.items():
                        heard[port] = heard.get(port, 0) + len(what.heard)
        if len(heard) < len(BAD_NETWORK) or not all(heard.values()):
            self.fault(f"it holds packets of {heard} alone.")
        self.report.packets += sum(heard.values())
        return taken, inputs

    def _cut(self, cut_ns: int) -> None:
        self.report.cut_ms = max(self.report.cut_ms, cut_ns / 1e6)
        if cut_ns > ALLOWED_NS:
            self.fault(f"the last {cut_ns / 1e6:.0f} ms are missing.")

    def _verify(self, files: list[Path]) -> None:
        whole = self.kill not in ("recorder", "all at once")
        first = contents(files[0])
        if first.complete != whole or (whole and first.damage):
            self.fault(f"it is {'' if first.complete else 'not '}closed: {first.damage}")
        if not {"ann", "rob", "vera"} <= first.subjects.keys():
            self.fault(f"it has the subjects {list(first.subjects)} alone.")
        if first.lost:
            self.fault(f"{first.lost} frames were lost on their way to the recorder.")
        if not whole:
            mended = contents(repair(files[0]))
            if not mended.complete or mended.frames != first.frames:
                self.fault(f"repaired it has {mended.frames} of {first.frames} frames.")
        formats = ["bvh"]
        if self.kill == "nobody" and not self.report.solved:  # once: it takes as long as the take
            formats += ["glb"]
            again = solve_again(files[0])
            self.report.solved = again.subjects
            if again.different:
                self.fault(f"{again.different} of {again.subjects} poses are solved differently.")
        for suffix in formats:
            out = self.take.parent / "out" / f"{self.take.stem}.{suffix}"
            off_m, where = exported_off_m(files, out)
            self.report.exported_off_m = max(self.report.exported_off_m, off_m)
            if off_m > SAME_M:
                self.fault(f"as {suffix} it is {1e3 * off_m:.2f} mm off, {where}.")


def _recorder(stage: StageProcess) -> psutil.Process:
    """The one that records; another stands by, and is younger."""
    children = psutil.Process(stage.process.pid).children()
    there = [child for child in children if "record" in child.cmdline()]
    return min(there, key=lambda child: child.create_time())


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def exported_off_m(files: list[Path], target: Path) -> tuple[float, str]:
    """The farthest that a joint of an export is off the take, on rows of its own ticks; where."""
    motion = load(files)
    made = export(files, target).files
    worst_m, where = 0.0, ""
    for number, track in enumerate(motion.tracks):
        if target.suffix == ".bvh":
            clip = motion_file.read(made[number], unit_m=0.01, up="Y")
        else:
            clip = motion_file.read(made[0], which=Which(body=track.name))
        if len(clip) != len(motion):
            raise Failure(f"{target.name} has {len(clip)} rows of {track.name}, not {len(motion)}.")
        rows = np.array(track.ticks) - motion.first
        names = [clip.skeleton.names.index(joint) for joint in track.skeleton.names]
        there = clip.skeleton.globals(clip.positions[rows], clip.rotations[rows])[0][:, names]
        places = track.skeleton.globals(np.array(track.positions), np.array(track.rotations))[0]
        off_m = np.abs(there - places).max(2)
        row, joint = np.unravel_index(off_m.argmax(), off_m.shape)
        if off_m[row, joint] > worst_m:
            worst_m = float(off_m[row, joint])
            name, at = track.skeleton.names[joint], np.round(places[row, joint], 2).tolist()
            where = f"{track.name}'s {name} at {at} m, tick {track.ticks[row]}"
    return worst_m, where
