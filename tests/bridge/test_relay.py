"""The relay between a publisher and its listeners: whole, greeted, and back by itself."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import zmq

from tests.bridge.security.test_keys import GARBAGE, throw
from tests.bridge.things import small_frame
from understudy.bridge import Publisher, Subscriber
from understudy.bridge.relay import Relay
from understudy.bridge.security import keys
from understudy.bridge.security.access import AccessControl
from understudy.bridge.security.keys import Keyring
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.processes import free_ports
from understudy.runtime.core.skeleton import Skeleton

from .things import ARM

ANYWHERE = "tcp://127.0.0.1:*"
PATIENCE_S = 20.0


class Turning:
    """Something whose turn comes again and again, in a thread, until the block ends."""

    def __init__(self, turn: Callable[[], object]) -> None:
        self._turn = turn
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._ending.is_set():
            self._turn()

    def __enter__(self) -> Turning:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()


class Stage:
    """A publisher that sends a frame every few milliseconds."""

    def __init__(self, address: str = ANYWHERE, access: AccessControl | None = None) -> None:
        self.publisher = opened(lambda: Publisher(address, access=access))
        self.address = self.publisher.address
        self.skeleton: Skeleton = ARM
        self.sequence, self.subjects = 0, 1
        self._turning = Turning(self._tick)

    def _tick(self) -> None:
        self.sequence += 1
        self.publisher.publish(small_frame(self.sequence, self.skeleton, self.subjects))
        time.sleep(0.003)

    def __enter__(self) -> Stage:
        self._turning.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._turning.__exit__()
        self.publisher.close()


def opened(make: Callable[[], object]):
    """What listens on a port that another is about to leave: sockets close in their own time."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return make()
        except UnderstudyError:
            assert time.monotonic() < deadline


@contextlib.contextmanager
def relaying(source: str, publish: str = ANYWHERE, **words) -> Iterator[Relay]:
    with opened(lambda: Relay(source, publish, **words)) as relay:
        with Turning(lambda: relay.turn(0.02)):
            yield relay


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage() as one:
        yield one


def until(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.002)


def test_every_frame_comes_through_as_it_was_sent(stage):
    with (
        relaying(stage.address) as relay,
        Subscriber(stage.address, timeout_s=PATIENCE_S) as direct,
        Subscriber(relay.address, timeout_s=PATIENCE_S) as through,
    ):
        theirs = {frame.sequence: frame for _, frame in zip(range(150), direct, strict=False)}
        ours = [frame for _, frame in zip(range(100), through, strict=False)]
        numbers = [frame.sequence for frame in ours]
        assert numbers == list(range(numbers[0], numbers[0] + 100))
        shared = [frame for frame in ours if frame.sequence in theirs]
        assert len(shared) > 50
        for frame in shared:
            assert frame.publish_ns == theirs[frame.sequence].publish_ns
        assert (through.statistics.lost, through.statistics.malformed) == (0, 0)


def late_joiners(stage: Stage, count: int) -> None:
    stage.skeleton = PERFORMER
    with relaying(stage.address) as relay, Subscriber(relay.address) as sound:
        assert sound.receive(PATIENCE_S) is not None
        until(lambda: relay.greetings)
        with Turning(lambda: sound.receive(0.05)):
            for number in range(count):
                with zmq.Context.instance().socket(zmq.SUB) as raw:
                    raw.linger = 0
                    raw.subscribe(b"")
                    raw.connect(relay.address)
                    assert raw.poll(PATIENCE_S * 1e3)
                    assert raw.recv()[:4] == b"SKEL", number
                newest = bool(number % 2)
                with Subscriber(relay.address, newest=newest, timeout_s=PATIENCE_S) as late:
                    assert next(late).subjects[0].skeleton.names == PERFORMER.names
                    assert newest or late.statistics.unresolved == 0
        assert sound.statistics.lost == 0


def test_ten_and_ten_late_joiners_have_the_skeletons_before_the_first_pose(stage):
    late_joiners(stage, 10)


@pytest.mark.slow
def test_late_joiners_two_hundred_of_two_hundred(stage):
    late_joiners(stage, 200)


def test_a_new_character_changes_the_greeting_and_costs_no_frame(stage):
    with relaying(stage.address) as relay, Subscriber(relay.address, timeout_s=5) as subscriber:
        assert len(next(subscriber).subjects[0].skeleton) == len(ARM)
        until(lambda: relay.greetings == 1)
        stage.skeleton = PERFORMER
        until(lambda: relay.greetings == 2)
        until(lambda: len(next(subscriber).subjects[0].skeleton) == len(PERFORMER))
        assert (subscriber.statistics.lost, subscriber.statistics.unresolved) == (0, 0)
        with zmq.Context.instance().socket(zmq.SUB) as raw:
            raw.linger = 0
            raw.subscribe(b"")
            raw.connect(relay.address)
            assert raw.poll(PATIENCE_S * 1e3)
            first = raw.recv()
    assert first[:4] == b"SKEL" and b"LeftForeArm" in first


def test_a_relay_waits_for_its_stage_and_outlives_it():
    address = f"tcp://127.0.0.1:{free_ports(1)[0]}"
    with relaying(address) as relay, Subscriber(relay.address, timeout_s=PATIENCE_S) as subscriber:
        assert not relay.here
        with Stage(address):
            next(subscriber)
            until(lambda: relay.here and relay.stage_connections == 1)
        until(lambda: not relay.here)
        with Stage(address) as again:
            again.skeleton = PERFORMER
            until(lambda: len(next(subscriber).subjects[0].skeleton) == len(PERFORMER))
            assert subscriber.statistics.restarts == 1
            until(lambda: relay.stage_connections == 2)


def test_a_relay_that_is_started_again_is_found_again(stage):
    address = f"tcp://127.0.0.1:{free_ports(1)[0]}"
    with Subscriber(address, timeout_s=PATIENCE_S) as subscriber:
        with relaying(stage.address, address):
            last = next(subscriber).sequence
        with relaying(stage.address, address):
            until(lambda: next(subscriber).sequence > last + 200)
        # Frames in between are lost, and the stage was never away.
        assert subscriber.statistics.lost > 0 and subscriber.statistics.restarts == 0


def test_where_nobody_listens_nothing_is_fetched(stage):
    with relaying(stage.address) as relay:
        until(lambda: relay.here)
        for _ in range(3):
            with Subscriber(relay.address) as subscriber:
                assert subscriber.receive(PATIENCE_S) is not None
        until(lambda: relay.connections.standing == 0)
        # The word that the last one left is on its way to the stage.
        calm = 0
        deadline = time.monotonic() + PATIENCE_S
        while calm < 5:
            assert time.monotonic() < deadline
            before, sequence = relay.passed.messages, stage.sequence
            until(lambda sequence=sequence: stage.sequence > sequence + 10)
            calm = calm + 1 if relay.passed.messages == before else 0


def test_a_listener_that_never_reads_costs_bounded_memory_and_nobody_elses_frames(stage):
    stage.skeleton, stage.subjects = PERFORMER, 100
    with (
        relaying(stage.address) as relay,
        zmq.Context() as elsewhere,
        elsewhere.socket(zmq.SUB) as deaf,
        Subscriber(relay.address, timeout_s=PATIENCE_S) as sound,
    ):
        deaf.linger, deaf.rcvhwm = 0, 1
        deaf.subscribe(b"")
        deaf.connect(relay.address)
        next(sound)
        until(lambda: relay.connections.standing == 2)
        for _ in range(100):
            next(sound)
        before, passed = _resident_bytes(), relay.passed.bytes
        while relay.passed.bytes - passed < 24e6:
            next(sound)
        assert _resident_bytes() - before < 12e6
        assert sound.statistics.lost == 0


def _resident_bytes() -> int:
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        pytest.skip("memory is read from /proc")


def test_keys_on_both_sides_and_a_key_that_is_let_in_later(tmp_path):
    theirs, ours = Keyring(tmp_path / "theirs"), Keyring(tmp_path / "ours")
    theirs.found()
    relay_key = keys.make("relay", theirs.stage().public)
    guest = ours.new("guest", tmp_path)
    with AccessControl(theirs) as access, Stage(access=access) as stage, AccessControl(ours) as own:
        with relaying(stage.address, key=relay_key, access=own) as relay:
            with Subscriber(relay.address, key=guest, timeout_s=PATIENCE_S) as subscriber:
                until(lambda: "does not let the key 'relay' in" in relay.trouble)
                theirs.allow(keys.Key("relay", relay_key.public))
                assert next(subscriber).subjects[0].name == "Ann 0"
                until(lambda: relay.trouble == "" and relay.here)
            with Subscriber(relay.address) as stranger:
                until(lambda: stranger.receive(0.05) or stranger.trouble)
                assert "--key" in stranger.trouble
            until(lambda: relay.connections.refused)


def test_garbage_at_a_relay_is_counted_and_costs_nobody_a_frame(stage):
    with relaying(stage.address) as relay, Subscriber(relay.address, timeout_s=5) as sound:
        next(sound)
        with Turning(lambda: sound.receive(0.05)):
            for name, content in GARBAGE.items():
                before = relay.connections.refused
                throw(relay.address, content)
                until(lambda before=before: relay.connections.refused > before)
                assert relay.connections.refused == before + 1, name
        next(sound)
        assert (sound.statistics.lost, sound.statistics.malformed) == (0, 0)


def test_relays_may_follow_one_another(stage):
    with relaying(stage.address) as first, relaying(first.address) as second:
        with Subscriber(second.address, timeout_s=PATIENCE_S) as subscriber:
            numbers = [frame.sequence for _, frame in zip(range(50), subscriber, strict=False)]
        assert numbers == list(range(numbers[0], numbers[0] + 50))


def test_beyond_this_machine_a_relay_asks_for_keys(stage):
    with pytest.raises(UnderstudyError, match="understudy keys new NAME"):
        Relay(stage.address, "tcp://0.0.0.0:*")
