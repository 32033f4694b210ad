"""Events and frames into stems: which stem, which ear, which file."""

import csv
import sys
import tracemalloc
import types
import wave
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import sentence
from understudy.bridge.protocols import osc
from understudy.runtime.core.event import CUE, GRAB, HIT, KINDS, LIFT, SCUFF, SLIDE, STEP, Event
from understudy.runtime.core.pose import Camera
from understudy.runtime.core.sound import RATE_HZ
from understudy.runtime.foley import event_list, samples, senders
from understudy.runtime.foley.ears import Ears
from understudy.runtime.foley.foley import Foley
from understudy.runtime.foley.score import STEMS, Score
from understudy.runtime.foley.sinks import DeviceSink, Handed, WavSink, devices
from understudy.runtime.foley.voices import BLOCK
from understudy.runtime.takes.broadcast_wave import Origin


def event(kind: str = STEP, **said: object) -> Event:
    words: dict = {
        "who": "ann", "part": "LeftFoot", "on": "floor", "material": "rubber",
        "on_material": "wood", "position": (0.0, 0.0, 2.0), "speed_mps": 1.0, "slip_mps": 1.0,
    }  # fmt: skip
    return Event(kind, **(words | said))  # type: ignore[arg-type]


def heard(*events: Event, blocks: int = 40, room: str = "none") -> np.ndarray:
    foley = Foley(0.0, room)
    foley.happened(events)
    return np.concatenate([foley.block() for _ in range(blocks)], -1)


@pytest.mark.parametrize(
    ("kind", "part", "stem"),
    [(STEP, "LeftFoot", "steps"), (SCUFF, "LeftFoot", "steps"), (GRAB, "LeftHand", "hands"),
     (HIT, "LeftHand", "hands"), (HIT, "", "props"), (SLIDE, "", "props")],
)  # fmt: skip
def test_each_kind_is_on_its_stem(kind: str, part: str, stem: str) -> None:
    loud = np.abs(heard(event(kind, part=part))).max(axis=(1, 2))
    assert loud[STEMS.index(stem)] > 1e-3
    assert (loud > 0.0).sum() == 1


@pytest.mark.parametrize("kind", [LIFT, CUE])
def test_what_makes_no_sound_makes_none(kind: str) -> None:
    assert kind in KINDS
    assert not heard(event(kind)).any()


def test_a_step_is_heard_when_it_is() -> None:
    told = event(time_ns=123_000_000)
    sound = np.abs(heard(told)[0, 0])
    first = int(np.flatnonzero(sound > 0.0)[0])
    assert abs(first - round(0.123 * RATE_HZ)) <= 1


def test_a_harder_step_is_louder_and_brighter() -> None:
    soft, hard = (heard(event(speed_mps=v))[0, 0] for v in (0.1, 2.0))
    assert np.abs(hard).max() > 2.0 * np.abs(soft).max()

    def centre(sound: np.ndarray) -> float:
        power = np.abs(np.fft.rfft(sound)) ** 2
        return float((power * np.fft.rfftfreq(len(sound), 1 / RATE_HZ)).sum() / power.sum())

    assert centre(hard) > centre(soft)


def test_left_of_the_picture_is_on_the_left_and_far_is_soft() -> None:
    camera = Camera("A", np.array([0.0, 1.5, 4.0]), np.array([0.0, 0.0, 0.0, 1.0]))
    ears = Ears.of(camera)  # looks along -Z: its right is +X
    left, right = ears.gains((-2.0, 1.5, 2.0))
    assert left > 2.0 * right
    near, far = (sum(ears.gains((0.0, 1.5, z))) for z in (3.0, -4.0))
    assert near == pytest.approx(8.0 * far, rel=1e-6)
    turned = Ears((0.0, 1.5, 4.0), (0.0, 1.0, 0.0, 0.0))
    assert turned.gains((-2.0, 1.5, 2.0)) == pytest.approx((right, left))


def test_no_two_steps_sound_the_same() -> None:
    score = Score()
    ears = Ears()
    some = [next(iter(score.strikes(event(), 0, ears))) for _ in range(12)]
    assert len({one.variant for one in some}) > 3
    assert len({one.ring for one in some}) == 12


def test_stems_are_the_mix_and_say_when_they_begin(tmp_path: Path) -> None:
    path = tmp_path / "foley.wav"
    sink = WavSink(path, STEMS, True)
    sink.origin = Origin(since_midnight_s=3600.0)
    foley = Foley(0.0, "stage")
    foley.happened([event(), event(HIT, part="", on_material="metal", time_ns=90_000_000)])
    for _ in range(100):
        sink.write(foley.block())
    written = sink.close()
    assert [one.name for one in written] == ["foley.wav", "foley_steps.wav", "foley_props.wav"]

    def read(name: Path) -> np.ndarray:
        with wave.open(str(name)) as file:
            assert (file.getnchannels(), file.getframerate()) == (2, RATE_HZ)
            return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(int)

    mix, steps, props = map(read, written)
    assert len(mix) == 2 * 100 * BLOCK
    np.testing.assert_array_equal(mix, steps + props)
    head = path.read_bytes()[:1024]
    at = head.index(b"bext") + 8 + 338
    assert int.from_bytes(head[at : at + 8], "little") == 3600 * RATE_HZ


def test_osc_says_what_when_and_how_fast() -> None:
    told = event(time_ns=1_050_000_000, position=(1.0, 0.0, -2.0))
    (address, arguments), = osc.decode(senders.message(told, 0.05))  # fmt: skip
    assert address == "/understudy/event"
    assert list(arguments[:6]) == ["step", "ann", "LeftFoot", "floor", "rubber", "wood"]
    assert list(arguments[6:]) == pytest.approx([1.0, 0.0, -2.0, 1.0, 1.0, 0.05])


@pytest.mark.parametrize(
    ("name", "why"), [("door_slam.wav", "does not say what it is"), (None, "has no .wav file")]
)
def test_a_folder_of_sounds_that_cannot_be_used_is_a_sentence(tmp_path, name, why, understudy):
    if name:
        (tmp_path / name).write_bytes(b"")
    done = understudy("foley", "--osc", "127.0.0.1:9", "--samples", tmp_path)
    assert done.returncode == 2
    assert why in sentence(done)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([], "Nobody would hear it"),
        (["--stems", "--osc", "127.0.0.1:9"], "give --wav"),
        (["--osc", "nowhere"], "give HOST:PORT"),
        (["--wav", "sound.mp3"], "ends in .wav"),
        (["none.mcap", "--wav", "x.wav"], "none.mcap"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(words, why, understudy, tmp_path):
    words = [tmp_path / w if w.endswith((".wav", ".mp3")) else w for w in words]
    done = understudy("foley", "--connect", "tcp://127.0.0.1:9", "--seconds", 0.1, *words)
    assert done.returncode != 0
    assert why in sentence(done)


def test_own_sounds_are_found_by_what_is_struck(tmp_path: Path) -> None:
    for name in ("wood_rubber_1.wav", "wood_rubber_2.wav", "gravel.wav"):
        with wave.open(str(tmp_path / name), "wb") as file:
            file.setnchannels(1), file.setsampwidth(2), file.setframerate(RATE_HZ)
            file.writeframes(np.full(480, 8000, "<i2").tobytes())
    own = samples.load(tmp_path)
    assert {key: len(sounds) for key, sounds in own.items()} == {
        ("wood", "rubber"): 2,
        ("gravel", ""): 1,
    }
    strike = next(iter(Score(own=own).strikes(event(on_material="gravel"), 0, Ears())))
    assert strike.sample is own["gravel", ""][0]


def test_what_happened_is_a_table(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    told = [event(time_ns=3_000_000_000), event(HIT, who="crate", part="", time_ns=2_500_000_000)]
    event_list.write(path, told, 2.0)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["seconds"], row["kind"], row["who"]) for row in rows] == [
        ("0.5000", "hit", "crate"),
        ("1.0000", "step", "ann"),
    ]
    assert rows[1]["z_m"] == "2.0000"
    assert rows[1]["on_material"] == "wood"


def test_a_device_hears_what_was_made_and_silence_where_nothing_was(monkeypatch) -> None:
    class Stream:
        latency = 0.02

        def __init__(self, callback, channels, samplerate, **_: object) -> None:
            assert (channels, samplerate) == (2, RATE_HZ)
            self.callback, self.closed = callback, False
            streams.append(self)

        def start(self) -> None: ...
        def stop(self) -> None: ...
        def close(self) -> None:
            self.closed = True

    streams: list[Stream] = []
    fake = types.SimpleNamespace(
        OutputStream=Stream, PortAudioError=RuntimeError,
        query_devices=lambda: [{"name": "speakers", "max_output_channels": 2}],
    )  # fmt: skip
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    assert devices() == ["speakers"]
    handed = Handed(len(STEMS))
    sink = DeviceSink(None, handed.take)
    assert sink.latency_s == 0.02
    block = np.full((len(STEMS), 2, BLOCK), 0.05, np.float32)
    handed.give(block)
    out = np.zeros((BLOCK, 2), np.float32)
    streams[0].callback(out, BLOCK, None, 0)
    np.testing.assert_allclose(out, np.tanh(0.05 * len(STEMS)), rtol=1e-5)
    streams[0].callback(out, BLOCK, None, 0)
    assert not out.any()
    assert handed.missed == 1
    sink.close()
    assert streams[0].closed


def test_a_long_sound_lies_on_the_disk_and_not_in_memory(tmp_path: Path) -> None:
    sink = WavSink(tmp_path / "long.wav", STEMS, True)
    block = np.full((len(STEMS), 2, BLOCK), 0.1, np.float32)
    sink.write(block)
    tracemalloc.start()
    for _ in range(2000):  # ten seconds
        sink.write(block)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 100_000
    assert len(sink.close()) == 1 + len(STEMS)
    assert len(list(tmp_path.iterdir())) == 1 + len(STEMS)  # and nothing beside the files
