"""What the page and the demo tell people to type works."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from understudy.bridge import ControlServer, Publisher
from understudy.bridge.requests import AnyRequest
from understudy.bridge.wire.buttons import BUTTONS
from understudy.bridge.wire.encoder import FrameEncoder
from understudy.runtime.core import rotation
from understudy.runtime.core.clock import Clock
from understudy.runtime.core.pose import Frame, State

from .things import small_frame


def blocks(root) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (root / "docs" / "wire.md").read_text(), re.DOTALL)


@contextmanager
def beside(work: Callable[[int], None]) -> Iterator[None]:
    """Does a piece of work a hundred times a second for as long as the block lasts."""
    done = threading.Event()

    def loop() -> None:
        for tick in Clock(100.0).ticks():
            if done.is_set():
                break
            work(tick)

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def first_line(*words: object) -> str:
    """The first line that a Python program prints; it is ended then."""
    program = subprocess.Popen(
        [sys.executable, *map(str, words)], stdout=subprocess.PIPE, text=True
    )
    assert program.stdout is not None
    try:
        return program.stdout.readline()
    finally:
        program.kill()
        program.communicate()


@pytest.mark.parametrize("which", [0, 1, 2, "demo"])
def test_subscribers_that_people_copy_print_poses(root, which):
    with Publisher("tcp://127.0.0.1:*") as publisher:

        def publish(tick: int) -> None:
            frame = small_frame(tick)
            frame.publish_ns = time.monotonic_ns()
            publisher.publish(frame)

        with beside(publish):
            if which == "demo":
                line = first_line(root / "demos" / "listen_ten_lines.py", publisher.address)
            else:
                code = blocks(root)[which].replace("tcp://127.0.0.1:5570", publisher.address)
                line = first_line("-c", code, publisher.address)
    assert "01:00:00;02" in line
    assert "Ann 0" in line


def test_the_control_client_of_the_page_works(root):
    with ControlServer("tcp://127.0.0.1:*") as server:

        def answer(_: int) -> None:
            for request in server.poll():
                if request.op == "stats":
                    server.reply(request, stats={"late": 0})

        with beside(answer):
            line = first_line("-c", blocks(root)[3], server.address)
    assert "'schema': 1" in line


def test_the_page_has_every_field_of_the_schema_with_its_id_and_type(root):
    """Somebody may write a reader from the page alone."""
    page = (root / "docs" / "wire.md").read_text()
    schema = (root / "bridge" / "schema" / "understudy.fbs").read_text()
    told, table = [], ""
    for name, number, field, kind in re.findall(
        r"^\| (\w*) ?\| (\d+) \| `(\w+)` \| (\S+) \|", page, re.MULTILINE
    ):
        table = name or table
        told.append((table, field, kind, number))
    written = [
        (table, *field)
        for table, fields in re.findall(r"table (\w+) {(.*?)}", schema, re.DOTALL)
        for field in re.findall(r"^\s*(\w+):(\S+) \(id: (\d+)\)", fields, re.MULTILINE)
    ]
    assert sorted(told) == sorted(written)
    assert len(told) == 76
    for name, bit in BUTTONS.items():
        assert f"{name} {bit}" in page
    for state in State:
        assert f"{state.value} {state.name.lower()}," in page


def test_the_page_has_every_request(root):
    page = (root / "docs" / "wire.md").read_text()
    for kind in AnyRequest.__args__:
        assert f"| `{kind.__struct_config__.tag}` |" in page


def test_the_smallest_frame_of_the_page_is_what_the_stage_sends(root):
    page = (root / "docs" / "wire.md").read_text()
    rows = re.findall(r"^\| (\d+) \| `((?:[0-9a-f]{2} ?)+)` \|", page, re.MULTILINE)
    message = b""
    for at, text in rows:
        assert len(message) == int(at)
        message += bytes.fromhex(text)
    frame = Frame(7, 1_000_000_002, 1_000_000_003, 30, 1, "01:00:00:02", [])
    assert message == FrameEncoder(5).encode(frame)


def conversions(root) -> list[tuple[str, ...]]:
    """Engine, position, quaternion and quaternion of a camera, as the page's table has them."""
    page = (root / "docs" / "wire.md").read_text()
    return re.findall(
        r"^\| (Unity|Unreal|Blender)[^|]* \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", page, re.MULTILINE
    )


# Where a camera of the engine looks, and its up, in the camera's own axes.
VIEWS = {
    "Unity": ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0)),
    "Unreal": ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0)),
    "Blender": ((0.0, 0.0, -1.0), (0.0, 1.0, 0.0)),
}


def test_the_page_s_conversions_turn_and_look_as_ours_do(root):
    """Each on random rotations: as a map of the world, and by where a camera looks."""
    rng, rows = np.random.default_rng(3), conversions(root)
    assert len(rows) == 3
    for engine, position, quaternion, camera in rows:

        def convert(what: str, *numbers: float) -> np.ndarray:
            inside, _, factor = what.partition(")")
            named = dict(zip("xyzw", numbers))
            values = [eval(term, {}, named) for term in inside.strip("( ").split(",")]
            return np.array(values) * float(factor.replace("*", "") or 1)

        for _ in range(20):
            q = rotation.normalize(rng.normal(size=4))
            v = rng.normal(size=3)
            turned = rotation.rotate(convert(quaternion, *q), convert(position, *v))
            np.testing.assert_allclose(
                turned, convert(position, *rotation.rotate(q, v)), atol=1e-6, err_msg=engine
            )
            unit = np.linalg.norm(convert(position, 1.0, 0.0, 0.0))
            for ours, theirs in zip(((0.0, 0.0, -1.0), (0.0, 1.0, 0.0)), VIEWS[engine]):
                looks = rotation.rotate(convert(camera, *q), np.array(theirs))
                world = convert(position, *rotation.rotate(q, np.array(ours))) / unit
                np.testing.assert_allclose(looks, world, atol=1e-6, err_msg=engine)


def test_the_generated_code_is_that_of_the_schema(root, tmp_path):
    """Every field of the schema has its accessor: nobody forgot to run generate.sh."""
    schema = (root / "bridge" / "schema" / "understudy.fbs").read_text()
    for table, fields in re.findall(r"table (\w+) {(.*?)}", schema, re.DOTALL):
        code = (root / "bridge" / "schema" / "understudy_fb" / f"{table}.py").read_text()
        for name, field in re.findall(r"^\s*(\w+):.*?\(id: (\d+)\)", fields, re.MULTILINE):
            camel = "".join(part.capitalize() for part in name.split("_"))
            entry = 4 + 2 * int(field)
            accessor = re.search(rf"def {camel}\(self.*?Offset\((\d+)\)", code, re.DOTALL)
            assert accessor is not None and int(accessor[1]) == entry, f"{table}.{name}"
