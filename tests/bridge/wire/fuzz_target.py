"""What atheris feeds: the decoder and the control socket's reader, by way of libFuzzer.

    python -m tests.bridge.wire.fuzz_target CORPUS [libFuzzer's options]

An input is a byte that chooses the reader, then the message. `test_fuzz.py` runs it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

# Before the instrumented ones: atheris 3.0 loses 40 bytes at every comparison of numpy arrays that
# it traces, and a skeleton checks itself by such.
import understudy.runtime.core.skeleton  # noqa: F401

with atheris.instrument_imports(include=["understudy.bridge"]):
    from understudy.bridge import ControlServer
    from understudy.bridge.wire.decoder import UnknownSkeleton, decode_frame, decode_skeletons
    from understudy.bridge.wire.envelope import WireError

from .golden import FRAMES, KNOWN, REQUESTS, SKELETONS, is_finite

_server = ControlServer("tcp://127.0.0.1:*")


def read(data: bytes) -> None:
    """Reads one input; raises on nothing but a fault of ours."""
    which, message = data[0] % 3 if data else 0, data[1:]
    if which == 2:
        before = _server.requests + _server.malformed
        _server._read([b"peer", message])
        assert _server.requests + _server.malformed == before + 1
        return
    try:
        if which == 0:
            assert is_finite(decode_frame(message, KNOWN)[0])
        else:
            for skeleton in decode_skeletons(message):
                assert len(skeleton.names) == len(skeleton.parents)
    except (WireError, UnknownSkeleton):
        pass


def main() -> None:
    corpus = Path(sys.argv[1])
    for which, messages in enumerate((FRAMES, SKELETONS, REQUESTS)):
        for number, message in enumerate(messages):
            (corpus / f"golden-{which}-{number}").write_bytes(bytes([which]) + message)
    atheris.Setup(sys.argv, read)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
