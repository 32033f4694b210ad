"""What a take amounts to, counted while it is written and after."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.runtime.core.pose import State
from understudy.runtime.takes.contents import contents, overview
from understudy.runtime.takes.tally import Seen, Tally, as_text, of_text

from .filmed import film, shot

LIVE, ACTED, HELD = State.LIVE, State.TAKEOVER, State.HOLD


def test_a_closed_take_s_summary_is_what_reading_all_of_it_gives(tmp_path):
    frames = [shot(t, ann=ACTED if 20 <= t < 32 else LIVE, ben=HELD) for t in range(60)]
    del frames[40:43]
    events = [
        (5, "record", {"published": 5, "present": ["ann"]}),
        (12, "present", {"subjects": ["ben"], "sequence": 10}),
        (30, "marker", {"sequence": 30, "text": "here"}),
        (50, "slate", {"notes": "good", "circled": True}),
    ]
    path = film(tmp_path / "a.mcap", frames, events, slate_scene="12")
    closed, read = overview(path), contents(path)
    assert asdict(closed) == {**asdict(read), "events": []}
    assert (closed.frames, closed.preroll, closed.skipped, closed.lost) == (57, 5, 3, 0)
    assert closed.seconds == pytest.approx(55 / 60)
    assert closed.subjects == {"ann": {"LIVE": 40, "TAKEOVER": 12}, "ben": {"HOLD": 47}}
    assert closed.takeover == pytest.approx(12 / 99, abs=1e-6)
    assert closed.worst_gap_s == pytest.approx(50 / 60, abs=1e-6), "ben was never live"
    assert (closed.timecode_in, closed.timecode_out) == ("10:00:00:02", "10:00:00:29")
    assert closed.markers == 1
    assert closed.slate == {"scene": "12", "notes": "good", "circled": True}


def test_a_closed_take_s_summary_is_read_without_its_middle(tmp_path):
    path = film(tmp_path / "a.mcap", [shot(t, ann=LIVE) for t in range(120)])
    before = overview(path)
    data = bytearray(path.read_bytes())
    middle = len(data) // 3
    data[middle : middle + 2000] = bytes(2000)
    path.write_bytes(data)
    assert overview(path) == before and contents(path).frames < 120


@pytest.mark.parametrize("share", [0.0, 0.4, 0.9, 0.99])
def test_a_take_that_was_cut_off_is_counted_from_its_frames(tmp_path, share):
    path = film(tmp_path / "a.mcap", [shot(t, ann=LIVE) for t in range(120)])
    data = path.read_bytes()
    path.write_bytes(data[: max(8, int(len(data) * share))])
    found = overview(path)
    assert not found.complete and found.damage
    assert found.frames == contents(path).frames


@given(
    st.lists(st.sampled_from(["LIVE", "TAKEOVER", "HOLD", None]), max_size=60), st.integers(0, 9)
)
def test_states_add_up_and_no_gap_is_longer_than_what_was_not_live(states, first):
    tally = Tally(first)
    for tick, state in enumerate(states):
        if state is not None:  # a tick that the stage left out
            tally.frame(Seen(7, tick, tick, "", (("ann", state),)))
    told = tally.summary(1.0)
    kept = [(t, s) for t, s in enumerate(states) if s is not None]
    mine = [s for t, s in kept if t >= first]
    assert sum(told["subjects"].get("ann", {}).values()) == len(mine)
    ticks = [t for t, _ in kept if t >= first]
    assert told["seconds"] == (ticks[-1] - ticks[0] + 1 if ticks else 0)
    worst, run = 0, 0
    for tick in range(ticks[0], ticks[-1] + 1) if ticks else ():
        run = 0 if states[tick] == "LIVE" else run + 1
        worst = max(worst, run)
    assert told["worst_gap_s"] == worst
    assert of_text(as_text(told)) == told


@pytest.mark.parametrize("word", ["frames", "subjects", "slate", "seconds"])
@pytest.mark.parametrize("value", ["", "[", "null", '{"a": 1}', '{"take": "x"}', "true"])
def test_a_summary_of_others_is_none(word, value):
    told = as_text(Tally().summary(1.0))
    assert of_text({**told, word: value}) is None
    assert of_text({name: said for name, said in told.items() if name != word}) is None
