"""Files: whole or not there, and the frame loop never waits for them when it is live."""

from __future__ import annotations

import queue
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.viewport.capture import Movie, Sheet, Stills


def grey(level: int, size: tuple[int, int] = (64, 48)) -> np.ndarray:
    return np.full((size[1], size[0], 3), level, np.uint8)


def decoded(path: Path) -> list[tuple[float, float]]:
    """(time, mean level) of each picture in a movie."""
    with av.open(str(path)) as file:
        return [(float(f.time), f.to_ndarray(format="gray").mean()) for f in file.decode(video=0)]


def test_a_movie_has_every_picture_in_order(tmp_path: Path) -> None:
    movie = Movie(tmp_path / "a.mp4", (64, 48), 24)
    for level in range(0, 200, 20):
        movie.add(grey(level))
    movie.close()
    seen = decoded(tmp_path / "a.mp4")
    assert len(seen) == 10
    assert [round(t * 24) for t, _ in seen] == list(range(10))
    assert [level for _, level in seen] == sorted(level for _, level in seen)
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]


def test_a_movie_in_real_time_keeps_real_time(tmp_path: Path) -> None:
    movie = Movie(tmp_path / "a.mp4", (64, 48), 30)
    for time_s in (0.0, 0.01, 0.5, 2.0):  # the second falls into the first's slot
        movie.add(grey(100), time_s)
    movie.close()
    assert [t for t, _ in decoded(tmp_path / "a.mp4")] == pytest.approx([0.0, 0.5, 2.0], abs=0.02)


def test_an_odd_size_loses_its_last_row_and_column(tmp_path: Path) -> None:
    movie = Movie(tmp_path / "a.mp4", (65, 49), 30)
    movie.add(grey(90, (65, 49)))
    movie.close()
    with av.open(str(tmp_path / "a.mp4")) as file:
        assert (file.streams.video[0].width, file.streams.video[0].height) == (64, 48)


def test_pictures_of_another_size_are_brought_to_the_movies(tmp_path: Path) -> None:
    movie = Movie(tmp_path / "a.mp4", (64, 48), 30)
    for size in ((64, 48), (200, 100), (32, 20)):
        movie.add(grey(90, size))
    movie.close()
    seen = decoded(tmp_path / "a.mp4")
    assert len(seen) == 3 and all(abs(level - 90) < 6 for _, level in seen)


def test_a_movie_given_up_leaves_nothing(tmp_path: Path) -> None:
    movie = Movie(tmp_path / "a.mp4", (64, 48), 30)
    movie.add(grey(10))
    movie.abort()
    assert list(tmp_path.iterdir()) == []


def test_a_movie_without_pictures_is_no_file(tmp_path: Path) -> None:
    Movie(tmp_path / "a.mp4", (64, 48), 30).close()
    assert list(tmp_path.iterdir()) == []


def test_a_live_movie_drops_rather_than_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    movie = Movie(tmp_path / "a.mp4", (64, 48), 30, live=True)

    def full(item: object) -> None:
        raise queue.Full

    with monkeypatch.context() as m:
        m.setattr(movie._queue, "put_nowait", full)
        movie.add(grey(1), 0.0)
    assert movie.dropped == 1
    movie.add(grey(1), 0.1)
    movie.close()
    assert movie.written == 1


def test_an_encoder_that_fails_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Movie, "_encode_all", lambda self: (_ for _ in ()).throw(OSError("full")))
    movie = Movie(tmp_path / "a.mp4", (64, 48), 30)
    movie._thread.join()
    with pytest.raises(UnderstudyError, match=r"could not be written: full"):
        movie.add(grey(1))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.gif", "a", "a.txt"])
def test_other_endings_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnderstudyError, match="mp4"):
        Movie(tmp_path / name, (64, 48), 30)


def test_stills_are_numbered_and_whole(tmp_path: Path) -> None:
    stills = Stills(tmp_path / "new" / "folder")
    for level in (10, 20, 30):
        stills.add(grey(level))
    stills.close()
    files = sorted((tmp_path / "new" / "folder").iterdir())
    assert [f.name for f in files] == [f"frame_{i:06d}.png" for i in range(3)]
    assert np.asarray(Image.open(files[2]))[0, 0, 0] == 30


def test_a_folder_that_is_a_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x")
    with pytest.raises(UnderstudyError, match="cannot be made"):
        Stills(tmp_path / "taken")


@pytest.mark.parametrize("count", [1, 5, 12, 100])
def test_a_contact_sheet_spans_the_run_in_bounded_memory(tmp_path: Path, count: int) -> None:
    sheet = Sheet(tmp_path / "s.png", columns=3, rows=2, width=60)
    for i in range(count):
        sheet.add(grey(i, (120, 90)), i / 10)
        assert len(sheet._kept) < 12
    times = [time_s for time_s, _ in sheet._kept]
    assert times[0] == 0.0 and times[-1] >= 0.7 * (count - 1) / 10
    sheet.close()
    width, height = Image.open(tmp_path / "s.png").size
    assert width >= 60 and height >= 45
    assert [p.name for p in tmp_path.iterdir()] == ["s.png"]


def test_a_prores_movie_is_ten_bits_of_422_and_no_mp4(tmp_path: Path) -> None:
    movie = Movie(tmp_path / "film.mov", (64, 48), 24.0, codec="prores")
    for shade in (0, 120, 240):
        movie.add(np.full((48, 64, 3), shade, np.uint8))
    movie.close()
    with av.open(str(tmp_path / "film.mov")) as read:
        stream = read.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == (
            "prores",
            "yuv422p10le",
        )
        shades = [picture.to_ndarray(format="rgb24").mean() for picture in read.decode(stream)]
    assert np.allclose(shades, (0, 120, 240), atol=3)
    with pytest.raises(UnderstudyError, match="cannot hold ProRes"):
        Movie(tmp_path / "film.mp4", (64, 48), 24.0, codec="prores")
    assert [path.name for path in tmp_path.iterdir()] == ["film.mov"]
