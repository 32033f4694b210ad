"""What every film of `understudy render` shares: its options, how it is drawn, how it ends."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .look_options import aspect_of, chosen

if TYPE_CHECKING:
    from understudy.runtime.viewport.film import Output
    from understudy.runtime.viewport.renderer import Options, Renderer


def options_of(args: argparse.Namespace) -> Options:
    """What is drawn."""
    from understudy.runtime.viewport.renderer import Options

    return Options(
        effect=not args.no_effect,
        skeleton=args.skeleton,
        hud=args.caption,
        aspect=aspect_of(args.aspect),
        guides=args.guides,
    )


def prepare(args: argparse.Namespace, renderer: Renderer, options: Options, fps: float) -> None:
    """Set, light, quality and effect of a renderer; says what it draws."""
    from understudy.runtime.viewport import gl
    from understudy.runtime.viewport.effects import folders

    chosen(args).apply(renderer, options)
    software = gl.is_software(renderer.ctx)
    scale = args.scale or (1.0 if software or args.exr else 2.0)
    renderer.set_quality(scale, 1024 if software and scale <= 1.0 else 2048)
    size = f"{renderer.width}x{renderer.height}"
    print(f"{size} at {fps:g} fps on {gl.renderer_name(renderer.ctx)}")
    if args.exr:
        renderer.keep_linear()
    if args.effect is not None:
        renderer.set_effect(folders.folder(args.effect))


def write(args: argparse.Namespace, out: Output, steps: Iterator[int], total: int) -> None:
    """Draws `total` pictures; what is broken off leaves no movie."""
    from understudy.runtime.core.progress import told

    try:
        for _ in steps if args.quiet else told(steps, total, "rendering"):
            pass
    except BaseException:
        out.abort()
        raise
    out.close()
