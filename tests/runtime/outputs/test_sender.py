"""The sender: rates, delays, and outputs that cannot hold up each other. Time is the test's."""

from __future__ import annotations

import itertools
import queue
import socket
import threading
from contextlib import ExitStack, closing

import pytest

from tests.runtime.outputs.things import frame, to
from understudy.bridge.protocols import freed
from understudy.runtime.outputs.sender import LONGEST_QUEUE, Output, Sender


@pytest.fixture
def ears():
    """A receiver: its port, and the datagrams that have come."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        one.bind(("127.0.0.1", 0))
        one.setblocking(False)
        yield one


def heard(ears: socket.socket) -> list[bytes]:
    found = []
    while True:
        try:
            found.append(ears.recv(65535))
        except BlockingIOError:
            return found


def played(output: Output, rate_hz: float, seconds: float, jitter_s: float = 0.0) -> list[float]:
    """Offers frames at a rate; gives the times at which they were wanted."""
    times = []
    for i in range(round(rate_hz * seconds)):
        now_s = i / rate_hz + (jitter_s if i % 2 else 0.0)
        before = output.counts.passed
        output.offer(frame(), now_s)
        if output.counts.passed == before:
            times.append(now_s)
        output._waiting.clear()
    return times


@pytest.mark.parametrize(
    ("stage_hz", "rate_hz", "wanted"),
    [(120, 60, 60), (120, 50, 50), (60, 60, 60), (60, 120, 60), (119.88, 60, 60), (60, 25, 25)],
)
def test_an_output_has_its_own_rate(stage_hz, rate_hz, wanted):
    with closing(Output(to(f"freed://127.0.0.1:9?rate={rate_hz}"))) as output:
        times = played(output, stage_hz, 10.0)
    assert len(times) == pytest.approx(10 * wanted, rel=0.01)
    # Evenly, to within a frame of the stage.
    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert max(gaps) - min(gaps) <= 1.01 / stage_hz


def test_equal_rates_lose_no_frame_to_jitter():
    with closing(Output(to("freed://127.0.0.1:9?rate=60"))) as output:
        assert len(played(output, 60, 5.0, jitter_s=0.005)) == 300


def test_a_delay_is_kept(ears):
    port = ears.getsockname()[1]
    with closing(Output(to(f"freed://127.0.0.1:{port}?delay=0.1"))) as output:
        for i in range(4):
            output.offer(frame(), 0.05 * i)
            output.send_due(0.05 * i)
        assert output.counts.frames == 2  # offered at 0 and 0.05
        assert output.due_s == pytest.approx(0.2)
        output.send_due(0.26)
    assert len(heard(ears)) == 4


def test_a_queue_that_nobody_empties_is_bounded():
    one = frame()
    with closing(Output(to("freed://127.0.0.1:9?delay=10"))) as output:
        for i in range(LONGEST_QUEUE + 50):
            output.offer(one, i * 1e-3)
        assert len(output._waiting) == LONGEST_QUEUE
        assert output.counts.late == 50


def test_what_is_not_there_is_waited_for(ears):
    port = ears.getsockname()[1]
    with closing(Output(to(f"freed://127.0.0.1:{port}"))) as output:
        without = frame()
        without.cameras = []
        output.offer(without, 0.0)
        output.send_due(0.0)
        assert "no camera" in output.reason
        assert (output.counts.frames, output.counts.errors) == (0, 0)
        output.offer(frame(), 0.1)
        output.send_due(0.1)
        assert (output.counts.frames, output.reason) == (1, "")
    assert [freed.decode(data).zoom for data in heard(ears)] == [3500]


def test_one_that_fails_costs_the_others_nothing(ears):
    port = ears.getsockname()[1]
    lines = [
        f"freed://127.0.0.1:{port}?id=1",
        "freed://127.0.0.1:9",  # nobody listens
        f"freed://127.0.0.1:{port}?id=2",
        f"freed://127.0.0.1:{port}?id=3&zoom=1000000",  # the count does not fit
        f"freed://127.0.0.1:{port}?id=4",
    ]
    with Sender([to(line) for line in lines]) as sender:

        class Broken:
            def message(self, frame, time_s):
                return None

            def datagrams(self, frame, time_s):
                raise ZeroDivisionError("a fault of ours")

        sender.outputs[2].encoder = Broken()
        for _ in range(20):
            sender.offer(frame())
        counts = [output.counts for output in sender.outputs]
        assert [c.frames for c in counts] == [20, 20, 0, 0, 20]
        assert counts[2].errors == counts[3].errors == 20
        assert "ZeroDivisionError" in sender.outputs[2].reason
        assert "24 bits" in sender.outputs[3].reason
        # The machine tells of a closed port; that is counted apart and stops nothing.
        assert counts[1].errors == 0 and counts[1].refused > 0
    assert [freed.decode(data).camera for data in heard(ears)] == [1, 4] * 20


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="needs a socket that can be full")
def test_a_network_that_takes_no_more_costs_its_output_alone(ears):
    """The full line is a datagram socket of this machine whose reader never reads."""
    port = ears.getsockname()[1]
    lines = [
        f"freed://127.0.0.1:{port}?id=1",
        "vmc://127.0.0.1:9",
        f"freed://127.0.0.1:{port}?id=2",
    ]
    mouth, deaf = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with deaf, Sender([to(line) for line in lines]) as sender:
        stuck = sender.outputs[1]
        stuck._socket.close()
        mouth.setblocking(False)
        stuck._socket, stuck._connected = mouth, True
        for _ in range(500):
            sender.offer(frame())
        assert [o.counts.frames for o in sender.outputs[::2]] == [500, 500]
        assert stuck.counts.errors > 0 and "takes no more" in stuck.reason
        while True:  # the reader wakes up
            try:
                deaf.recv(65535, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
        sender.offer(frame())
        assert stuck.reason == ""
    assert len(heard(ears)) > 500


def test_a_name_is_asked_for_beside_the_loop_and_kept(ears, monkeypatch):
    """A name server that does not answer, then fails, then knows, then fails for good."""
    port = ears.getsockname()[1]
    asked, answers = threading.Semaphore(0), queue.Queue()
    clock = [0.0]

    def ask(host, *args, **kwargs):
        asked.release()
        answer = answers.get(timeout=20)
        if isinstance(answer, Exception):
            raise answer
        return [(socket.AF_INET, socket.SOCK_DGRAM, 17, "", (answer, port))]

    def settled(output):
        output._resolver._asking.join(20)

    lines = [f"freed://tracker.stage:{port}?id=1", f"freed://127.0.0.1:{port}?id=2"]
    with Sender([to(line) for line in lines]) as sender:
        monkeypatch.setattr(socket, "getaddrinfo", ask)
        monkeypatch.setattr(sender, "now_s", lambda: clock[0])
        named, other = sender.outputs
        for _ in range(20):  # nobody answers; nothing waits
            sender.offer(frame())
        assert asked.acquire(timeout=20)
        assert (named.counts.frames, other.counts.frames) == (0, 20)
        assert "is being asked for" in named.reason and named.counts.errors == 0
        answers.put(socket.gaierror(-2, "Name or service not known"))
        settled(named)
        sender.offer(frame())
        assert "No address is known for host 'tracker.stage'" in named.reason
        assert named.counts.errors == 1
        assert not asked.acquire(blocking=False)  # not again at once
        clock[0] = 6.0
        sender.offer(frame())
        assert asked.acquire(timeout=20)
        answers.put("127.0.0.1")
        settled(named)
        sender.offer(frame())
        assert (named.counts.frames, named.reason) == (1, "")
        clock[0] = 60.0
        for _ in range(10):
            sender.offer(frame())
        assert named.counts.frames == 11
        assert not asked.acquire(blocking=False)  # what is known is kept
    ids = [freed.decode(data).camera for data in heard(ears)]
    assert (ids.count(1), ids.count(2)) == (11, 33)


def test_a_receiver_that_comes_late_loses_nothing_from_then_on(ears):
    address = ears.getsockname()
    ears.close()
    with closing(Output(to(f"freed://127.0.0.1:{address[1]}"))) as output:
        for i in range(3):
            output.offer(frame(), float(i))
            output.send_due(float(i))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as late:
            late.bind(address)
            late.setblocking(False)
            for i in range(3, 6):
                output.offer(frame(), float(i))
                output.send_due(float(i))
            assert len(heard(late)) == 3
        assert output.counts.errors == 0


def test_each_output_keeps_one_source_port(ears):
    port = ears.getsockname()[1]
    with Sender([to(f"freed://127.0.0.1:{port}?id={i}") for i in (1, 2)]) as sender:
        for _ in range(5):
            sender.offer(frame())
    origins = {1: set(), 2: set()}
    for _ in range(10):
        data, origin = ears.recvfrom(64)
        origins[freed.decode(data).camera].add(origin)
    assert len(origins[1]) == len(origins[2]) == 1
    assert origins[1] != origins[2]


def test_the_loop_waits_no_longer_than_the_next_frame():
    with Sender([to("freed://127.0.0.1:9?delay=0.5"), to("freed://127.0.0.1:9")]) as sender:
        assert sender.wait_s(0.1) == pytest.approx(0.1)
        sender.offer(frame())
        assert 0.3 < sender.wait_s(10.0) <= 0.5


def test_sockets_are_closed_when_one_cannot_be_opened():
    lines = ["freed://127.0.0.1:9", "freed://127.0.0.1:9?interface=203.0.113.7"]
    with ExitStack() as stack, pytest.raises(Exception, match="no network card"):
        stack.enter_context(Sender([to(line) for line in lines]))
