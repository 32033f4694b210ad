"""Protocols: what a frame costs to pack, against a library's builders in the same run."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from understudy.bridge.protocols import vmc
from understudy.bridge.protocols.vmc_accumulator import Accumulator
from understudy.bridge.protocols.vmc_packer import Packer
from understudy.runtime.core import rotation
from understudy.runtime.outputs import target, test_signal
from understudy.runtime.outputs.sender import KNOWN

from .figure import Figure

LINES = (
    "vmc://h",
    "freed://h",
    "opentrackio://h",
    "opentrackio://h?encoding=cbor",
    "livelinkface://h",
    "rokoko://h",
)


def measure(quick: bool) -> list[Figure]:
    """A VMC frame of all 55 bones, packed and read; a whole frame to each protocol."""
    repeats = 300 if quick else 3000
    p = _all_bones()
    packer = Packer()
    ours_ms = _median_ms(lambda: packer.pack(p), repeats)
    conditions = f"{len(p.names)} bones, median of {repeats}"
    figures = [
        Figure("VMC frame packed", ours_ms, "ms", "<= 0.1", ours_ms <= 0.1, conditions),
    ]
    theirs_ms = _python_osc_ms(p, max(10, repeats // 30))
    if theirs_ms is not None:
        figures += [
            Figure("the same by python-osc's builders", theirs_ms, "ms"),
            Figure("python-osc's time over ours", theirs_ms / ours_ms, "times"),
        ]
    datagrams, ears = packer.pack(p), Accumulator()
    read_ms = _median_ms(lambda: [ears.feed(data) for data in datagrams], repeats // 10)
    figures.append(Figure("VMC frame read and gathered", read_ms, "ms", conditions=conditions))
    frame = test_signal.frame(1)
    for line in LINES:
        to = target.parse(line, KNOWN)
        encode = KNOWN[to.scheme].OUTPUT(to).datagrams
        cost_ms = _median_ms(lambda encode=encode: encode(frame, 1.0), repeats // 10)  # type: ignore[misc]
        size = sum(map(len, encode(frame, 1.0)))
        figures.append(
            Figure(f"a frame to {line.replace('://h', '')}", cost_ms, "ms", conditions=f"{size} B")
        )
    return figures


def _all_bones() -> vmc.Performance:
    rng = np.random.default_rng(0)
    count = len(vmc.BONES)
    turns = rotation.normalize(rng.normal(size=(count, 4)))
    root = np.zeros(3), rotation.identity()
    return vmc.Performance(vmc.BONES, rng.normal(size=(count, 3)), turns, root, time_s=1.0)


def _median_ms(work: Callable[[], object], repeats: int) -> float:
    work()
    taken = []
    for _ in range(max(repeats, 10)):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return 1e3 * float(np.median(taken))


def _python_osc_ms(p: vmc.Performance, repeats: int) -> float | None:
    """The same messages in the same bundles by python-osc; None where it is not installed."""
    try:
        from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
        from pythonosc.osc_message_builder import OscMessageBuilder
    except ImportError:
        return None
    from understudy.bridge.protocols import osc

    bundles = [osc.decode(data) for data in Packer().pack(p)]

    def build() -> None:
        for messages in bundles:
            bundle = OscBundleBuilder(IMMEDIATELY)
            for said in messages:
                message = OscMessageBuilder(said.address)
                for value in said.arguments:
                    message.add_arg(value)
                bundle.add_content(message.build())
            bundle.build()

    return _median_ms(build, repeats)
