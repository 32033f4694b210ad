"""What a person is made from: a small table that rides in the file, and can be changed there.

[height and shoulders in centimetres, years, words for build, hair and clothes]
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
import numpy as np

from understudy.runtime.characters import made
from understudy.runtime.core.errors import UnderstudyError

from . import skin
from .clothes import CUTS
from .hair import STYLES
from .local import FEATURES, LOCALS

Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Change = Annotated[float, msgspec.Meta(ge=-1.5, le=1.5)]
Sex = Literal["woman", "man"]
Build = Literal["slim", "average", "athletic", "heavy"]
# muscle and weight of a build's word.
BUILDS: dict[str, tuple[float, float]] = {
    "slim": (0.40, 0.32), "average": (0.50, 0.50), "athletic": (0.78, 0.46),
    "heavy": (0.52, 0.84),
}  # fmt: skip
TOPS = tuple(name for name, cut in CUTS.items() if cut.kind == "top")
BOTTOMS = tuple(name for name, cut in CUTS.items() if cut.kind in ("trousers", "skirt"))
CLOTH = {
    "white": (214, 212, 206), "black": (34, 34, 38), "grey": (112, 116, 122),
    "navy": (38, 48, 78), "denim": (64, 88, 126), "red": (150, 48, 44), "rust": (164, 88, 52),
    "mustard": (190, 148, 60), "olive": (92, 98, 62), "green": (54, 96, 78),
    "teal": (48, 110, 118), "blue": (72, 112, 164), "plum": (98, 56, 88), "sand": (188, 170, 140),
    "brown": (96, 70, 52),
}  # fmt: skip


# The words that there are for what is one of several.
CHOICES: dict[str, tuple[str, ...]] = {
    "sex": ("woman", "man"), "hair": tuple(STYLES), "hair_colour": tuple(skin.HAIR),
    "eyes": tuple(skin.EYES), "top": TOPS, "bottom": BOTTOMS,
}  # fmt: skip


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """height_cm and shoulders_cm are what is measured of the person; None is as the build has it.

    shoulders_cm  over the upper arms, where they are widest
    skin    0 pale to 1 dark
    origin  shares of MakeHuman's african, asian and caucasian faces
    local   what else is changed, -1 to 1 (`LOCALS`)
    """

    height_cm: Annotated[float, msgspec.Meta(ge=120.0, le=215.0)] = 172.0
    shoulders_cm: Annotated[float, msgspec.Meta(ge=28.0, le=65.0)] | None = None
    age: Annotated[float, msgspec.Meta(ge=12.0, le=90.0)] = 30.0
    sex: Sex = "woman"
    muscle: Share = 0.5
    weight: Share = 0.5
    skin: Share = 0.3
    origin: tuple[Share, Share, Share] = (0.33, 0.33, 0.34)
    hair: str = "short"
    hair_colour: str = "brown"
    eyes: str = "brown"
    beard: Share = 0.0
    lips: Share = 0.0
    freckles: Share = 0.0
    top: str = "t-shirt"
    bottom: str = "jeans"
    colours: tuple[str, str, str] = ("teal", "denim", "brown")
    local: dict[str, Change] = {}
    seed: int = 0

    def __post_init__(self) -> None:
        _among("hair", self.hair, STYLES)
        _among("hair colour", self.hair_colour, skin.HAIR)
        _among("eyes", self.eyes, skin.EYES)
        _among("top", self.top, TOPS)
        _among("bottom", self.bottom, BOTTOMS)
        for colour in self.colours:
            _among("colour", colour, CLOTH)
        for name in self.local:
            _among("change", name, LOCALS)


def _among(what: str, value: str, allowed) -> None:
    if value not in allowed:
        raise ValueError(f"{what} {value!r} is none of {', '.join(allowed)}")


def of(table: object) -> Recipe:
    """A recipe out of a file's table."""
    try:
        return msgspec.convert(table, Recipe)
    except (msgspec.ValidationError, ValueError) as error:
        raise UnderstudyError(f"The recipe cannot be used: {error}.") from None


def read(path: Path) -> Recipe:
    """The recipe that rides in a made person's file."""
    return of(made.recipe_table(path))


def changed(recipe: Recipe, changes: dict[str, object]) -> Recipe:
    """The recipe with some of its words changed."""
    return of({**msgspec.to_builtins(recipe), **changes})


def drawn(seed: int, **said: object) -> Recipe:
    """A person by chance, the same for the same seed; `said` is kept as it is."""
    rng = np.random.default_rng(seed)
    sex = str(said.get("sex") or rng.choice(["woman", "man"]))
    man = sex == "man"
    age = float(said.get("age") or np.clip(rng.gamma(5.0, 8.0), 18, 84))  # type: ignore[arg-type]
    main = int(rng.integers(3))
    origin = np.full(3, 0.08)
    origin[main] = 1.0
    if rng.random() < 0.3:
        origin[int(rng.integers(3))] += rng.uniform(0.3, 1.0)
    origin /= origin.sum()
    tone = float(np.clip(origin @ (0.82, 0.26, 0.16) + rng.normal(0, 0.05), 0.03, 0.97))
    words: dict[str, object] = {
        "seed": seed,
        "sex": sex,
        "age": round(age, 1),
        "height_cm": round(float(rng.normal(177 if man else 164, 6.5)), 1),
        "muscle": round(float(np.clip(rng.normal(0.55 if man else 0.48, 0.13), 0.2, 0.95)), 3),
        "weight": round(float(np.clip(rng.normal(0.52, 0.15), 0.25, 0.95)), 3),
        "origin": tuple(round(float(x), 3) for x in origin),
        "skin": round(tone, 3),
        "hair": _hair(rng, man, age),
        "hair_colour": _hair_colour(rng, age, tone),
        "eyes": str(rng.choice(list(skin.EYES) if tone < 0.28 else ["brown", "brown", "hazel"])),
        "beard": round(float(rng.choice([0.0, 0.35, 0.5, 0.9], p=[0.5, 0.2, 0.15, 0.15])), 2)
        if man else 0.0,
        "lips": 0.0 if man else round(float(rng.choice([0.0, 0.25, 0.6])), 2),
        "freckles": round(float(rng.uniform(0.4, 1.0)), 2)
        if tone < 0.2 and rng.random() < 0.3 else 0.0,
        "top": str(rng.choice(TOPS)),
        "bottom": str(rng.choice(["jeans", "trousers", "shorts", "skirt"],
                                 p=[0.45, 0.43, 0.12, 0.0] if man else [0.37, 0.37, 0.06, 0.2])),
        "colours": tuple(str(rng.choice(names)) for names in (
            list(CLOTH), ["navy", "black", "denim", "sand", "olive", "brown", "grey"],
            ["black", "brown", "white", "navy"])),
        "local": features(rng, man),
    }  # fmt: skip
    return of({**words, **{k: v for k, v in said.items() if v is not None}})


def features(rng: np.random.Generator, man: bool) -> dict[str, float]:
    """A face and a figure of their own: each change small, few larger."""
    out: dict[str, float] = {}
    for name, (part, low, _) in FEATURES.items():
        amount = rng.normal(0.0, 0.22) * (1.4 if rng.random() < 0.15 else 1.0)
        if not low:
            amount = max(0.0, rng.normal(0.0, 0.22))
        if part in ("eyes", "ears", "eyebrows"):
            amount *= 0.7
        out[name] = round(float(np.clip(amount, -0.7, 0.7)), 3)
    out["head-age"] = 0.0
    # A face at rest that looks at ease, as MakeHuman's own does not.
    out["mouth-angles"] = round(out["mouth-angles"] + 0.3, 3)
    out["eyebrows-angle"] = round(out["eyebrows-angle"] + 0.15, 3)
    if man:
        out["chin-width"] = round(out["chin-width"] + 0.12, 3)
    return out


def _hair(rng: np.random.Generator, man: bool, age: float) -> str:
    if man:
        thin = 0.35 if age > 50 else 0.08
        share = [thin, 0.17, 0.33, 0.27, 0.23 - thin / 2]
        return str(
            rng.choice(["bald", "buzz", "short", "crop", "full"], p=np.array(share) / sum(share))
        )
    return str(rng.choice(["crop", "full", "bun", "bob", "long"], p=[0.1, 0.1, 0.28, 0.27, 0.25]))


def _hair_colour(rng: np.random.Generator, age: float, tone: float) -> str:
    if rng.random() < np.clip((age - 45) / 25, 0.0, 0.95):
        return "white" if age > 68 and rng.random() < 0.6 else "grey"
    if tone > 0.28:
        return str(rng.choice(["black", "black", "dark brown"]))
    return str(rng.choice(["dark brown", "brown", "auburn", "blond", "black"]))
