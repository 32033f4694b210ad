"""Particles: what a picture with them costs beside one without, and what their birth costs."""

from __future__ import annotations

import time

import numpy as np

from understudy.runtime.core.rotation import Array
from understudy.runtime.particles.flight import burst, hindered, places
from understudy.runtime.viewport import gl
from understudy.runtime.viewport.camera import Camera
from understudy.runtime.viewport.renderer import Options, Renderer

from .figure import Figure

COUNT, SIZE = 50_000, (960, 540)
EYE = Camera(position=np.array([0.0, 1.6, 5.0]), target=np.array([0.0, 1.0, 0.0]))


def measure(quick: bool) -> list[Figure]:
    """On this machine's renderer: CPU of the process where it draws in software, else the wall."""
    rounds = 3 if quick else 12
    draw = np.random.default_rng(1)
    up, middle = np.array([0.0, 1.0, 0.0]), np.array([0.0, 1.0, 0.0])
    began = time.thread_time()
    born = burst("embers", middle, up, 0.0, draw, COUNT)
    born["begin"] += draw.uniform(-2.0, 2.0, (COUNT, 3)).astype("f4") * [1.0, 0.4, 1.0]
    born["life_s"] = 4.0
    hindered(born[:2000], np.zeros(3))
    birth_us = 1e6 * (time.thread_time() - began) / COUNT
    began = time.thread_time()
    places(born, 1.0, np.zeros(3))
    numpy_ms = 1e3 * (time.thread_time() - began)
    with Renderer(*SIZE) as renderer:
        name, software = gl.renderer_name(renderer.ctx), gl.is_software(renderer.ctx)
        bare, full = _pictures(renderer, born, rounds, software)
        more = np.median(np.array(full) - np.array(bare))
    where = f"{SIZE[0]}x{SIZE[1]} on {name}, {rounds} pairs in turns"
    target = "" if software else "<= 0.5"
    met = None if software else bool(more <= 0.5)
    return [
        Figure(f"{COUNT} particles in a picture", float(more), "ms", target, met, where),
        Figure("the picture without them", float(np.median(bare)), "ms", conditions=where),
        Figure("birth of one", birth_us, "us", conditions="thread time, a 25th finds what it hits"),
        Figure(f"where {COUNT} are, in numpy", numpy_ms, "ms", conditions="thread time"),
    ]


def _pictures(
    renderer: Renderer, born: Array, rounds: int, software: bool
) -> tuple[list[float], list[float]]:
    """Milliseconds of pictures without and with them, by turns."""
    clock = time.process_time if software else time.perf_counter
    renderer.make_particles()
    particles = renderer.particles
    assert particles is not None
    particles.add(born)
    bare: list[float] = []
    full: list[float] = []
    for n in range(rounds + 2):
        for there, out in ((False, bare), (True, full)):
            particles.now_s = 0.5 + n / 60.0 if there else 1e6
            began = clock()
            renderer.draw(None, EYE, Options(effect=False))
            renderer.ctx.finish()
            out.append(1e3 * (clock() - began))
    return bare[2:], full[2:]
