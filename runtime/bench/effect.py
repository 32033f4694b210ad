"""The contact effect: milliseconds a picture, the network beside the classical estimators."""

from __future__ import annotations

import os

from understudy.runtime.bench.figure import Figure
from understudy.runtime.viewport import gl
from understudy.runtime.viewport.effects.contact import Contact
from understudy.runtime.viewport.effects.timing import Lens, milliseconds, pillars, textures

SIZES = ((960, 540), (1280, 720))
QUALITIES = (None, "gtao-16", "sao-16")  # None: the network that the weights file names


def measure(quick: bool) -> list[Figure]:
    """Figures of the contact effect."""
    os.environ.setdefault("LP_NUM_THREADS", "1")
    figures, lens = [], Lens()
    with gl.headless() as ctx:
        threads = os.environ["LP_NUM_THREADS"]
        where = f"{ctx.info['GL_RENDERER']}, {threads} render thread(s)"
        for size in SIZES[: 1 if quick else None]:
            contacts = [Contact(ctx, size, quality=quality) for quality in QUALITIES]
            with textures(ctx, pillars(size, lens)) as (depth, normal):
                spent = milliseconds(contacts, depth, normal, lens, 6 if quick else 20)
            for contact, value in zip(contacts, spent, strict=True):
                judged = contact is contacts[0] and size == SIZES[0]
                figures.append(
                    Figure(
                        name=f"contact {contact.quality} {size[0]}x{size[1]} at half size",
                        value=round(value, 2),
                        unit="ms",
                        target="<= 25 ms" if judged else "",
                        met=value <= 25.0 if judged else None,
                        conditions=f"{where}; {value / spent[0]:.2f} of the network",
                    )
                )
                contact.release()
    return figures
