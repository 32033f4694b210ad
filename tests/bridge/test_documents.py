"""What the page and the demo tell people to type works."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from understudy.bridge import ControlServer, Publisher
from understudy.runtime.core.clock import Clock

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


@pytest.mark.parametrize("which", [0, 1, "demo"])
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
            line = first_line("-c", blocks(root)[2], server.address)
    assert "'schema': 1" in line


def test_the_page_knows_every_field_of_a_frame_and_every_request(root):
    page = (root / "docs" / "wire.md").read_text()
    schema = (root / "bridge" / "schema" / "understudy.fbs").read_text()
    for table in ("Frame", "Subject"):
        fields = re.search(rf"table {table} {{(.*?)}}", schema, re.DOTALL)[1]
        for name in re.findall(r"^\s*(\w+):", fields, re.MULTILINE):
            assert name in page, name
    for op in ("hello", "ping", "pad", "stats", "record", "stop"):
        assert f"| `{op}` |" in page or f"`{op}`," in page


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
