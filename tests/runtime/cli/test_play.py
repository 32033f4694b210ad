"""What `understudy play` hands on to the stage."""

from __future__ import annotations

import argparse

from understudy.runtime.cli import play, stage


def test_the_stage_gets_every_option_that_play_was_given():
    text = (
        "--pad a.toml --pad b.toml --bvh c.bvh --drop 1-2 --drop c=3-4:Head,Neck --jitter 0.05 "
        "--stop-after 3 --no-takeover --style energy=0.5,crouch=-1 --takeover-weights t.onnx "
        "--weights m.onnx --copies 2 --rate 120 --seconds 5 --timecode 29.97df --record r.bvh "
        "--stats s.json --bvh-speed 0.5 --bvh-start 1 --bvh-stop 4 --bvh-once --no-realtime "
        "--publish tcp://127.0.0.1:1 --control tcp://127.0.0.1:2 "
        "--to vmc://127.0.0.1 --to freed://127.0.0.1?rate=50 --outputs o.toml"
    )
    words = text.split()
    asked, got = argparse.ArgumentParser(), argparse.ArgumentParser()
    play.arguments(asked)
    stage.arguments(got)
    given = asked.parse_args(words)
    handed = got.parse_args([str(word) for word in play.stage_words(given)])
    direct = got.parse_args(words)
    assert vars(handed) == vars(direct)


def test_a_player_without_a_source_is_on_the_pad_of_the_viewport():
    asked = argparse.ArgumentParser()
    play.arguments(asked)
    assert "--remote" in play.stage_words(asked.parse_args([]))
    assert "--remote" not in play.stage_words(asked.parse_args(["--bvh", "a.bvh"]))
