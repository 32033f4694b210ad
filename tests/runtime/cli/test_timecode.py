"""`understudy timecode` as a user types it."""

from __future__ import annotations


def test_what_is_written_is_read(understudy, tmp_path):
    path = tmp_path / "ltc.wav"
    words = ("--rate", "29.97df", "--start", "10:00:58;00", "--seconds", "4")
    done = understudy("timecode", "write", path, *words)
    assert done.returncode == 0 and "10:00:58;00 to 10:01:02;01" in done.stdout, done.stderr
    done = understudy("timecode", "read", path, "--rate", "29.97df")
    assert done.returncode == 0 and "29.970 a second, 0 wrong" in done.stdout, done.stderr


def test_what_is_none_is_a_sentence(understudy, tmp_path):
    path = tmp_path / "x.wav"
    path.write_bytes(b"no sound")
    done = understudy("timecode", "read", path)
    assert done.returncode == 2 and "is no WAV file" in done.stderr
    done = understudy("timecode", "write", path, "--rate", "60")
    assert done.returncode == 2 and "up to 30" in done.stderr
