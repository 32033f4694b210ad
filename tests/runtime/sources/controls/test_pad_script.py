"""Pad scripts: the format, its timing, and a sentence for each mistake."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.sources.controls.pad_script import PadScript


def script(folder, text: str) -> PadScript:
    path = folder / "show.toml"
    path.write_text(text)
    return PadScript(path)


ISSUE = """
rate_hz = 60
[[event]]                       # holds until the next event
at_s = 0.0
left_stick = [0.0, 0.5]
right_stick = [0.0, 0.0]
buttons = ["run"]
ramp_s = 0.2
[[event]]
at_s = 1.0
left_stick = [1, 0]
buttons = ["strafe", "slash"]
right_stick = [0, -1]
"""


def test_sticks_ramp_and_hold_until_the_next_event(tmp_path):
    play = script(tmp_path, ISSUE)
    forward = [play.intent(n / 60).travel[1] for n in range(60)]
    assert forward[0] == 0.0
    assert forward[6] == pytest.approx(0.25)  # half of the ramp at 0.1 s
    assert all(v == 0.5 for v in forward[12:])
    assert np.all(np.diff(forward[:13]) > 0)
    assert play.intent(0.0).buttons == {"run"}
    after = play.intent(1.0)
    assert after.travel.tolist() == [-1.0, 0.0]
    assert after.facing.tolist() == [0.0, -1.0]
    assert after.buttons == {"strafe", "action4"}
    assert play.intent(1e6).travel.tolist() == [-1.0, 0.0]
    assert play.duration_s == 1.0 and play.rate_hz == 60.0


def test_a_ramp_that_is_cut_short_goes_on_from_where_it_was(tmp_path):
    play = script(
        tmp_path,
        "rate_hz = 100\n[[event]]\nat_s = 0.0\nleft_stick = [0.0, 1.0]\nramp_s = 1.0\n"
        "[[event]]\nat_s = 0.5\nleft_stick = [0.0, 0.0]\nramp_s = 0.5\n",
    )
    forward = [play.intent(n / 100).travel[1] for n in range(101)]
    assert forward[50] == pytest.approx(0.5)
    assert forward[75] == pytest.approx(0.25)
    assert forward[100] == 0.0
    assert np.abs(np.diff(forward)).max() < 0.011


def test_style_ramps_stays_where_an_event_leaves_it_out_and_is_only_what_was_set(tmp_path):
    play = script(
        tmp_path,
        "rate_hz = 100\n[[event]]\nat_s = 1\nstyle = { energy = 0.8 }\nramp_s = 1.0\n"
        "[[event]]\nat_s = 3\nleft_stick = [0.0, 1.0]\n"
        "[[event]]\nat_s = 4\nstyle = { energy = 0.0, crouch = -1 }\nramp_s = 0.5\n",
    )
    assert play.style(0.5) == {}
    assert play.style(1.5) == {"energy": pytest.approx(0.4)}
    assert play.style(2.5) == play.style(3.5) == {"energy": 0.8}
    assert play.style(4.25) == {"energy": pytest.approx(0.4), "crouch": pytest.approx(-0.5)}
    assert play.style(99.0) == {"energy": 0.0, "crouch": -1.0}


def test_a_script_without_style_sets_none(tmp_path):
    assert script(tmp_path, ISSUE).style(2.0) == {}


@pytest.mark.parametrize(
    ("style", "named"), [("0.5", "0.5"), ("{ grace = 1 }", "grace"), ("{ energy = 2 }", "2")]
)
def test_a_style_that_cannot_be_is_refused_with_its_event(tmp_path, style, named):
    with pytest.raises(UnderstudyError, match=r"\[\[event\]\] 1, style") as caught:
        script(tmp_path, f"[[event]]\nat_s = 0\nstyle = {style}\n")
    assert named in str(caught.value)


def test_before_the_first_event_the_pad_rests(tmp_path):
    play = script(tmp_path, "[[event]]\nat_s = 0.5\nleft_stick = [0.0, 1.0]\nbuttons = ['jump']\n")
    assert play.intent(0.4).travel.tolist() == [0.0, 0.0]
    assert play.intent(0.4).buttons == frozenset()
    assert play.intent(0.5).travel.tolist() == [0.0, 1.0]


def test_what_an_event_leaves_out_is_at_rest(tmp_path):
    play = script(
        tmp_path,
        "[[event]]\nat_s = 0.0\nleft_stick = [0.0, 1.0]\nbuttons = ['run']\n[[event]]\nat_s = 1\n",
    )
    assert play.intent(1.0).travel.tolist() == [0.0, 0.0]
    assert play.intent(1.0).buttons == frozenset()


@given(st.integers(1, 100_000), st.sampled_from([24.0, 30.0, 59.94, 60.0, 90.0, 120.0]))
def test_every_tick_of_its_own_rate_sees_its_own_sample(tmp_path_factory, tick, rate_hz):
    play = script(
        tmp_path_factory.getbasetemp(),
        f"rate_hz = {rate_hz}\n[[event]]\nat_s = 0.0\nleft_stick = [0.0, 1.0]\nramp_s = 5000.0\n",
    )
    now, before = (play.intent(n / rate_hz).travel[1] for n in (tick, tick - 1))
    assert now == min(1.0, tick / rate_hz / 5000.0) or now == pytest.approx(tick / rate_hz / 5000.0)
    assert now > before or before == 1.0


def test_a_fast_stage_reads_a_slow_script_at_the_script_s_rate(tmp_path):
    play = script(
        tmp_path,
        "rate_hz = 10\n[[event]]\nat_s = 0.0\nleft_stick = [0.0, 1.0]\nramp_s = 1.0\n",
    )
    values = {play.intent(n / 120).travel[1] for n in range(120)}
    assert len(values) == 10


def test_two_readings_are_the_same_to_the_bit(tmp_path):
    a, b = script(tmp_path, ISSUE), script(tmp_path, ISSUE)
    for n in range(200):
        x, y = a.intent(n / 60), b.intent(n / 60)
        assert x.travel.tobytes() == y.travel.tobytes()
        assert x.facing.tobytes() == y.facing.tobytes()
        assert (x.buttons, x.capture_ns) == (y.buttons, y.capture_ns)


def event(*lines: str) -> str:
    return "[[event]]\nat_s = 0.0\n[[event]]\n" + "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("rate_hz = ", "show.toml is not TOML"),
        ("", "show.toml has no [[event]]; it needs at least one."),
        ("event = 3\n", "event is 3; it must be a list of tables, [[event]]"),
        ("event = []\n", "show.toml has no [[event]]; it needs at least one."),
        ("rate_hz = 0\n[[event]]\nat_s = 0\n", "rate_hz is 0; it must be a number from 1 to 1000"),
        ("rate_hz = 'fast'\n[[event]]\nat_s = 0\n", "rate_hz is 'fast'; it must be a number"),
        ("rate = 60\n[[event]]\nat_s = 0\n", "'rate' is unknown, did you mean 'rate_hz'"),
        (event("left_stick = [0, 0]"), "[[event]] 2: at_s is missing"),
        (event("at_s = 0.0"), "[[event]] 2, at_s is 0; it must be after the event before it, at 0"),
        (event("at_s = -1"), "[[event]] 2, at_s is -1; it must be a number of at least 0 (sec"),
        (event("at_s = nan"), "[[event]] 2, at_s is nan"),
        (event("at_s = inf"), "[[event]] 2, at_s is inf; it must be a finite number"),
        (event("at_s = true"), "[[event]] 2, at_s is true"),
        (event("at_s = 1", "left_stick = [0.0]"), "[[event]] 2, left_stick is [0.0]; it must be"),
        (event("at_s = 1", "left_stick = 0.5"), "[[event]] 2, left_stick is 0.5; it must be a list "
         "of 2 numbers from -1 to 1"),
        (event("at_s = 1", "left_stick = [0.0, 1.5]"), "left_stick, entry 2 is 1.5; it must be"),
        (event("at_s = 1", "right_stick = ['a', 0]"), "right_stick, entry 1 is 'a'"),
        (event("at_s = 1", "right_stick = [inf, 0]"), "right_stick, entry 1 is inf"),
        (event("at_s = 1", "buttons = 'run'"), "buttons is 'run'; it must be a list of words"),
        (event("at_s = 1", "buttons = ['jmp']"), "buttons, entry 1 is 'jmp', did you mean 'jump'"),
        (event("at_s = 1", "ramp_s = -0.1"), "ramp_s is -0.1; it must be a number of at least 0"),
        (event("at_s = 1", "stick = [0, 0]"), "[[event]] 2: 'stick' is unknown"),
    ],
)  # fmt: skip
def test_mistakes_are_named_by_file_event_and_field(tmp_path, text, says):
    with pytest.raises(UnderstudyError) as caught:
        script(tmp_path, text)
    assert says in str(caught.value)
    assert "show.toml" in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UnderstudyError, match=r"Cannot read the pad script .*no such file"):
        PadScript(tmp_path / "none.toml")


def test_the_demo_scripts_are_sound_and_end_standing(root):
    paths = sorted((root / "demos" / "pads").glob("*.toml"))
    assert {p.stem for p in paths} >= {
        "demo", "walk-circles", "start-stop", "slalom", "run", "strafe",
    }  # fmt: skip
    for path in paths:
        assert path.read_text().startswith("# ")
        play = PadScript(path)
        assert not play.intent(play.duration_s + 1 / play.rate_hz).travel.any()


def test_the_demo_shows_everything_in_twenty_seconds(root):
    play = PadScript(root / "demos" / "pads" / "demo.toml")
    assert 15.0 < play.duration_s < 20.0
    intents = [play.intent(n / 60) for n in range(1200)]
    travel = np.array([i.travel for i in intents])
    facing = np.array([i.facing for i in intents])
    speed = np.linalg.norm(travel, axis=1)
    along = np.sum(travel * facing, axis=1)
    across = np.abs(travel[:, 0] * facing[:, 1] - travel[:, 1] * facing[:, 0])
    assert not speed[:80].any() and not speed[-60:].any()
    assert any("run" in i.buttons for i in intents)
    assert (along < -0.5).sum() > 60 and (across > 0.5).sum() > 60
    heading = np.unwrap(np.arctan2(travel[360:590, 0], travel[360:590, 1]))
    assert np.ptp(heading) > 1.8 * np.pi
