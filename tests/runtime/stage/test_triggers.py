"""Takes that others begin and end: XML, OSC and HTTP in, and what is told to others."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.runtime.sources.receivers import Told, free_udp_ports
from understudy.bridge import ControlClient, Subscriber
from understudy.bridge.protocols import capture, osc
from understudy.bridge.protocols.capture import Capture
from understudy.bridge.requests import Record, Slate
from understudy.runtime.bench.processes import StageProcess
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.stage import triggers
from understudy.runtime.stage.triggers import Answers, Triggers
from understudy.runtime.takes.contents import contents

PATIENCE_S = 30.0


class Nobody:
    def reply(self, request, *, error="", **result) -> None:
        raise AssertionError("a trigger is not answered on the control socket")


@pytest.fixture
def heard():
    """Triggers that hear XML, and what says some to them; a second goes by between two of these."""
    answers = Answers(Nobody())
    of = Triggers([], answers, None)
    receiver = Told()
    of._ports.append((receiver, triggers.Heard()))
    seconds = iter(range(10**6))

    def say(*datagrams: bytes, taking: bool = False):
        receiver.say(*datagrams)
        return of.asked(float(next(seconds)), taking)

    yield say, answers, of
    of.close()


def test_a_start_sets_the_slate_and_begins_a_take(heard):
    say, _, of = heard
    slate, record = say(capture.encode_xml(Capture(True, "12A_003", notes="she waits", packet="1")))
    assert isinstance(slate, Slate) and (slate.shot, slate.take, slate.notes) == (
        "12A", 3, "she waits",
    )  # fmt: skip
    assert isinstance(record, Record) and record.start and record.number < 0
    (stop,) = say(capture.encode_xml(Capture(False, "12A_003", packet="2")), taking=True)
    assert isinstance(stop, Record) and not stop.start and of.heard == 2


def test_the_same_trigger_sent_three_times_is_one(heard):
    say, _, of = heard
    start = capture.encode_xml(Capture(True, "a", packet="7"))
    assert len(say(start, start, start)) == 2 and of.heard == 1


def test_what_changes_nothing_asks_nothing(heard, capfd):
    say, _, _ = heard
    assert say(capture.encode_xml(Capture(True, "a", packet="1")), taking=True) == []
    assert "goes on" in capfd.readouterr().err
    assert say(capture.encode_xml(Capture(False, packet="2"))) == []
    assert say(b"<CaptureStart>") == [] and "no trigger" in capfd.readouterr().err


def test_a_trigger_is_answered_where_it_came_from(heard, capfd):
    say, answers, _ = heard
    (record,) = say(capture.encode_xml(Capture(True, packet="1")))
    answers.reply(record, error="the disk is full")
    assert "did not begin a take: the disk is full" in capfd.readouterr().err


def test_others_are_told_once_when_a_take_has_its_file_and_when_it_ends():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ears:
        ears.bind(("127.0.0.1", 0))
        ears.settimeout(PATIENCE_S)
        port = ears.getsockname()[1]
        tables = [{"to": f"xml://127.0.0.1:{port}"}, {"to": f"osc://127.0.0.1:{port}", "times": 2}]
        of = Triggers(tables, Answers(Nobody()), None)
        for taking in ("", "the next take", "/t/Robin_12A_T003.mcap", "/t/Robin_12A_T003.mcap"):
            of.tell(taking, "10:00:00:01")
        said = [capture.decode(ears.recv(4096)) for _ in range(3)]
        assert said[0] == Capture(True, "Robin_12A_T003", timecode="10:00:00:01", packet="1")
        assert said[1] == said[2] == Capture(True, "Robin_12A", 3)
        of.tell("", "10:00:09:00")
        assert capture.decode(ears.recv(4096)) == Capture(
            False, "Robin_12A_T003", timecode="10:00:09:00", packet="2"
        )
        assert osc.decode(ears.recv(4096))[0].address == "/RecordStop"
        of.close()


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({}, "needs from"),
        ({"from": "xml://", "to": "xml://a"}, "needs from"),
        ({"to": "xml://"}, "names no host"),
        ({"from": "vicon://"}, "no trigger 'vicon'"),
        ({"from": "xml://", "nam": False}, "nam"),
    ],
)
def test_a_table_that_cannot_be_is_one_sentence(table, words):
    with pytest.raises(UnderstudyError, match=words):
        triggers.check([table], "stage.toml")


def post(port: int, path: str, content: dict, **headers: str) -> tuple[int, dict]:
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", json.dumps(content).encode(), headers
    )
    try:
        with urllib.request.urlopen(asked, timeout=PATIENCE_S) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def test_a_stage_whose_takes_others_begin(pad, tmp_path):
    xml, http = free_udp_ports(2)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ears:
        ears.bind(("127.0.0.1", 0))
        ears.settimeout(PATIENCE_S)
        session = tmp_path / "stage.toml"
        session.write_text(f"[slate]\nfolder = {str(tmp_path / 'takes')!r}\n")
        words = (
            *("--session", session, "--pad", pad, "--slate", "scene=12", "--no-realtime"),
            *("--trigger-from", f"xml://127.0.0.1:{xml}"),
            *("--trigger-from", f"http://127.0.0.1:{http}"),
            *("--trigger-to", f"xml://127.0.0.1:{ears.getsockname()[1]}"),
        )
        with (
            StageProcess(*words) as stage,
            ControlClient(stage.control) as client,
            Subscriber(stage.publish, timeout_s=PATIENCE_S) as frames,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as master,
        ):
            next(iter(frames))
            start = Capture(True, "B_003", notes="by the master", packet="1")
            master.sendto(capture.encode_xml(start), ("127.0.0.1", xml))
            begun = capture.decode(ears.recv(4096))
            assert begun.begins and begun.name == "12_B_T003" and begun.timecode
            told, answer = post(http, "/record/start", {"name": "C"})
            assert told == 409 and "goes on" in answer["error"]
            assert post(http, "/record/stop", {}, Origin="http://evil.example")[0] == 403
            master.sendto(
                capture.encode_xml(Capture(False, "B_003", packet="2")), ("127.0.0.1", xml)
            )
            assert not capture.decode(ears.recv(4096)).begins
            told, answer = post(http, "/record/start?name=C", {})
            assert told == 200 and Path(answer["take"]).name == "12_C_T001.mcap"
            assert capture.decode(ears.recv(4096)).name == "12_C_T001"
            told, answer = post(http, "/record/stop", {})
            assert told in (200, 202), answer  # 202: what is made of the take needs longer
            assert post(http, "/record/pause", {})[0] == 404
            assert post(http, "/record/start", {"nam": "C"})[0] == 400
            client.stop()
    assert contents(tmp_path / "takes/12_C_T001.mcap").complete
    assert contents(tmp_path / "takes/12_B_T003.mcap").slate["notes"] == "by the master"
