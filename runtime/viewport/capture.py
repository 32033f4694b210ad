"""Pictures into files, beside the frame loop: a movie, numbered PNGs, a contact sheet.

Files are written under a temporary name and take their own when they are whole.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.files import writable

QUEUE_FRAMES = 8  # 720p: 22 MB at most


def even(size: tuple[int, int]) -> tuple[int, int]:
    """A size that yuv420p can hold: both numbers even."""
    return size[0] - size[0] % 2, size[1] - size[1] % 2


SOUND_HZ = 48000


CODECS = ("h264", "prores")


class Movie:
    """An H.264 file, or Apple ProRes 422 HQ. `add` hands a picture to the encoder's thread.

    sound (N,)  -1..1 at SOUND_HZ, from the first picture to the last
    live  a picture that finds the queue full is dropped and counted, so that the frame loop never
          waits; times then come from the clock. Otherwise `add` waits and every picture counts.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        fps: float,
        live: bool = False,
        threads: int = 0,
        sound: np.ndarray | None = None,
        codec: str = "h264",
    ) -> None:
        self._sound, self._codec = sound, codec
        self.path, self.size, self.live = Path(path), even(size), live
        self.dropped = self.written = 0
        self._fps = Fraction(fps).limit_denominator(1001)
        self._threads = threads
        self._part = self.path.with_name(f".{self.path.stem}.part{self.path.suffix}")
        self._queue: queue.Queue[tuple[int, np.ndarray] | None] = queue.Queue(QUEUE_FRAMES)
        self._error: Exception | None = None
        self._last = -1
        if self.path.suffix.lower() not in (".mp4", ".mov", ".mkv"):
            raise UnderstudyError(
                f"{self.path.name} is no movie that can be written: end it in .mp4, .mov or .mkv."
            )
        if codec == "prores" and self.path.suffix.lower() == ".mp4":
            raise UnderstudyError(f"{self.path.name} cannot hold ProRes: end it in .mov or .mkv.")
        writable(self.path)
        self._thread = threading.Thread(target=self._encode, name="encoder", daemon=True)
        self._thread.start()

    def add(self, pixels: np.ndarray, time_s: float | None = None) -> None:
        """Takes (H, W, 3) uint8. time_s is since the start; left out, pictures follow evenly."""
        self._check()
        number = self._last + 1 if time_s is None else round(time_s * float(self._fps))
        if number <= self._last:
            return  # two pictures for one slot of the movie: the first stays
        item = (number, np.ascontiguousarray(pixels[: self.size[1], : self.size[0]]))
        if self.live:
            try:
                self._queue.put_nowait(item)
            except queue.Full:
                self.dropped += 1
                return
        else:
            while True:
                self._check()
                with contextlib.suppress(queue.Full):
                    self._queue.put(item, timeout=0.5)
                    break
        self._last = number

    def _encode(self) -> None:
        try:
            self._encode_all()
        except Exception as error:
            self._error = error

    def _encode_all(self) -> None:
        import av

        with av.open(str(self._part), "w", options={"movflags": "+faststart"}) as file:
            if self._codec == "prores":
                stream = file.add_stream("prores_ks", rate=self._fps, options={"profile": "hq"})
                stream.pix_fmt = "yuv422p10le"
            else:
                options = {"crf": "19", "preset": "veryfast" if self.live else "fast"}
                stream = file.add_stream("libx264", rate=self._fps, options=options)
                stream.pix_fmt = "yuv420p"
            stream.width, stream.height = self.size
            stream.codec_context.thread_count = self._threads
            stream.codec_context.time_base = 1 / self._fps
            heard = None
            if self._sound is not None:
                heard = file.add_stream("aac", rate=SOUND_HZ, layout="mono")
            while (item := self._queue.get()) is not None:
                picture = av.VideoFrame.from_ndarray(item[1], format="rgb24")
                if (picture.width, picture.height) != self.size:  # a window that was resized
                    picture = picture.reformat(*self.size)
                picture.pts = item[0]
                file.mux(stream.encode(picture))
                self.written += 1
            file.mux(stream.encode(None))
            if heard is not None and self._sound is not None:
                length = round((self._last + 1) / float(self._fps) * SOUND_HZ)
                flat = np.zeros((1, length), np.float32)
                flat[0, : len(self._sound)] = self._sound[:length]
                for begin in range(0, length, 1024):
                    piece = np.ascontiguousarray(flat[:, begin : begin + 1024])
                    frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout="mono")
                    frame.sample_rate, frame.pts = SOUND_HZ, begin
                    frame.time_base = Fraction(1, SOUND_HZ)
                    file.mux(heard.encode(frame))
                file.mux(heard.encode(None))

    def _check(self) -> None:
        if self._error is not None:
            error, self._error = self._error, None
            self.abort()
            raise UnderstudyError(
                f"The movie {self.path} could not be written: {str(error).strip() or repr(error)}; "
                "check the disk and that PyAV has its encoder (`pip install --upgrade av`)."
            )

    def close(self) -> None:
        """Ends the file. Nothing is left where no picture came."""
        self._queue.put(None)
        self._thread.join()
        self._check()
        if self.written:
            os.replace(self._part, self.path)
        else:
            self._part.unlink(missing_ok=True)

    def abort(self) -> None:
        """Gives up: no file is left."""
        if self._thread.is_alive():
            with contextlib.suppress(queue.Empty):
                while True:
                    self._queue.get_nowait()
            self._queue.put(None)
            self._thread.join()
        self._part.unlink(missing_ok=True)


def make_folder(folder: Path, first: str) -> None:
    """A folder for pictures, in which a file of the name `first` can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnderstudyError(
            f"The folder {folder} cannot be made ({error.strerror}): choose another for --out."
        ) from None
    writable(folder / first)


class Stills:
    """A folder of PNGs, frame_000000.png and on, each whole or not there."""

    def __init__(self, folder: Path, live: bool = False) -> None:
        self.folder, self.live = Path(folder), live
        self.dropped = self.written = 0
        make_folder(self.folder, "frame.png")
        self._pool = ThreadPoolExecutor(1, "png")
        self._jobs: list[Future[None]] = []

    def add(self, pixels: np.ndarray, time_s: float | None = None) -> None:
        """Takes (H, W, 3) uint8; the time is not kept."""
        waiting = [job for job in self._jobs if not job.done()]
        for job in self._jobs:
            if job.done():
                _result(job, self.folder)
        if len(waiting) >= QUEUE_FRAMES:
            if self.live:
                self.dropped += 1
                return
            waiting[0].result()
        path = self.folder / f"frame_{self.written:06d}.png"
        self._jobs = [*waiting, self._pool.submit(save_png, pixels.copy(), path)]
        self.written += 1

    def close(self) -> None:
        self._pool.shutdown(wait=True)
        for job in self._jobs:
            _result(job, self.folder)

    def abort(self) -> None:
        """Ends; pictures that are whole stay."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _result(job: Future[None], folder: Path) -> None:
    try:
        job.result()
    except OSError as error:
        raise UnderstudyError(
            f"A picture could not be written to {folder} ({error.strerror}): check the disk."
        ) from None


def save_png(pixels: np.ndarray, path: Path, compress_level: int = 3) -> None:
    """Writes (H, W, 3) uint8, whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    try:
        Image.fromarray(pixels).save(part, "PNG", compress_level=compress_level)
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


class Sheet:
    """A contact sheet: pictures evenly over the whole run, however long it turns out to be.

    Keeps up to twice the wanted count; when that is full every second one goes, and from then on
    only every second is taken.
    """

    def __init__(self, path: Path, columns: int = 4, rows: int = 3, width: int = 400) -> None:
        self.path = Path(path)
        self._columns, self._count, self._width = columns, columns * rows, width
        self._kept: list[tuple[float, Image.Image]] = []
        self._stride, self._seen = 1, 0
        writable(self.path)

    def wants(self) -> bool:
        """Whether the next picture would be kept: asks before a thumbnail is made."""
        return self._seen % self._stride == 0

    def add(self, pixels: np.ndarray, time_s: float) -> None:
        """Takes (H, W, 3) uint8 and its time."""
        if self.wants():
            height = round(pixels.shape[0] * self._width / pixels.shape[1])
            small = Image.fromarray(pixels).resize((self._width, height), Image.Resampling.LANCZOS)
            self._kept.append((time_s, small))
            if len(self._kept) >= 2 * self._count:
                self._kept = self._kept[::2]
                self._stride *= 2
        self._seen += 1

    def close(self) -> None:
        """Writes the sheet, if there is anything on it."""
        if not self._kept:
            return
        picks = np.linspace(0, len(self._kept) - 1, min(self._count, len(self._kept)))
        chosen = [self._kept[round(i)] for i in picks]
        save_png(np.asarray(contact_sheet(chosen, self._columns)), self.path, 9)


def contact_sheet(pictures: list[tuple[float, Image.Image]], columns: int) -> Image.Image:
    """One picture of many, each with its time in the corner."""
    from .fonts import REGULAR

    width, height = pictures[0][1].size
    rows = -(-len(pictures) // columns)
    columns = min(columns, len(pictures))
    gap, edge = 6, 12
    sheet = Image.new(
        "RGB",
        (
            columns * (width + gap) - gap + 2 * edge,
            rows * (height + gap) - gap + 2 * edge,
        ),
        (24, 26, 30),
    )
    pen = ImageDraw.Draw(sheet, "RGBA")
    font = ImageFont.truetype(str(REGULAR), max(11, height // 16))
    for i, (time_s, picture) in enumerate(pictures):
        x, y = edge + (i % columns) * (width + gap), edge + (i // columns) * (height + gap)
        sheet.paste(picture, (x, y))
        text = f"{int(time_s // 60)}:{time_s % 60:05.2f}"
        left, _, right, bottom = pen.textbbox((0, 0), text, font=font)
        box = (x + 6, y + height - bottom - 14, x + right - left + 18, y + height - 6)
        pen.rounded_rectangle(box, 5, fill=(12, 14, 18, 170))
        pen.text((box[0] + 6, box[1] + 4), text, font=font, fill=(240, 242, 246))
    return sheet
