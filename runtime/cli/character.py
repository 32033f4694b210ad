"""`understudy character`: makes people, measures them, and fits them to actors."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

SUMMARY = "make people: skinned, with clothes and 52 face morphs, from measures or an actor"
EXAMPLES = """understudy character new --height 186 --shoulders 48 --build heavy --out anna.glb
understudy character new --from anna.glb --age 30 --hair long --out young.glb
understudy character new --sex man --measure waist=95 chest=104 --out tom.glb
understudy character crowd 20 --seed 3 --out people
understudy character fit take.bvh --sex man --out actor.glb
understudy character measure anna.glb"""


def arguments(parser: argparse.ArgumentParser) -> None:
    subs = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    new = subs.add_parser("new", help="one person, into a .glb")
    new.add_argument("--out", type=Path, required=True, metavar="FILE.glb")
    new.add_argument("--from", dest="begin", type=Path, metavar="FILE.glb",
                     help="as this one was made, but for what else is said")  # fmt: skip
    new.add_argument("--height", type=float, metavar="CM", help="120 to 215")
    new.add_argument("--shoulders", type=float, metavar="CM",
                     help="over the upper arms, where they are widest")  # fmt: skip
    new.add_argument("--measure", nargs="+", default=[], metavar="NAME=CM",
                     help="more of what `character measure` says, as waist=95")  # fmt: skip
    new.add_argument("--change", nargs="+", default=[], metavar="NAME=N",
                     help="a feature, -1 to 1, as nose-hump=0.5; `none` lists them")  # fmt: skip
    new.add_argument("--recipe", default="", metavar="JSON",
                     help="words of the recipe, as '{\"weight\": 0.8}'")  # fmt: skip
    new.add_argument("--profile", type=Path, metavar="FILE.toml", help="its profile too, to edit")
    _looks(new)
    crowd = subs.add_parser("crowd", help="many people, each another")
    crowd.add_argument("count", type=int, metavar="N")
    crowd.add_argument("--out", type=Path, default=Path("people"), metavar="DIR", help="(people)")
    crowd.add_argument("--seed", type=int, default=0, metavar="N", help="(0)")
    crowd.add_argument("--sheet", type=Path, metavar="FILE.png", help="a picture of all of them")
    fit = subs.add_parser("fit", help="a person with the proportions of an actor's skeleton")
    fit.add_argument("motion", type=Path, metavar="TAKE", help="a motion file of one body")
    fit.add_argument("--out", type=Path, required=True, metavar="FILE.glb")
    _looks(fit)
    measure = subs.add_parser("measure", help="what a made person measures, in centimetres")
    measure.add_argument("file", type=Path, metavar="FILE.glb")


def _looks(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--seed", type=int, metavar="N", help="everything that is not said, by chance (0)")
    add("--age", type=float, metavar="YEARS", help="12 to 90")
    add("--sex", choices=("woman", "man"))
    add("--build", choices=("slim", "average", "athletic", "heavy"))
    add("--skin", type=float, metavar="N", help="0 pale to 1 dark")
    add("--hair", metavar="STYLE", help="bald, buzz, short, crop, full, bun, bob, long")
    add(
        "--hair-colour",
        metavar="COLOUR",
        help="black, dark brown, brown, auburn, blond, grey, white",
    )
    add("--eyes", metavar="COLOUR", help="brown, hazel, green, blue, grey")
    add("--beard", type=float, metavar="N", help="0 to 1")
    add("--top", metavar="CUT", help="t-shirt, v-neck, jumper, shirt, vest")
    add("--bottom", metavar="CUT", help="trousers, jeans, shorts, skirt")
    add("--colours", nargs=3, metavar=("TOP", "BOTTOM", "SHOES"), help="as teal denim brown")


def run(args: argparse.Namespace) -> int:
    return {"new": _new, "crowd": _crowd, "fit": _fit, "measure": _measure}[args.what](args)


def _said(args: argparse.Namespace) -> dict[str, object]:
    """What the flags say of the recipe."""
    from understudy.runtime.characters.people.recipe import BUILDS

    words = ("seed", "age", "sex", "skin", "hair", "hair_colour", "eyes", "beard", "top", "bottom")
    out: dict[str, object] = {w: getattr(args, w) for w in words if getattr(args, w) is not None}
    if args.colours:
        out["colours"] = tuple(args.colours)
    if args.build:
        out["muscle"], out["weight"] = BUILDS[args.build]
    return out


def _numbers(what: str, words: Sequence[str], scale: float = 1.0) -> dict[str, float]:
    from understudy.runtime.core.errors import UnderstudyError

    out = {}
    for word in words:
        name, _, number = word.partition("=")
        try:
            out[name.replace("_", " ") if what == "--measure" else name] = float(number) * scale
        except ValueError:
            raise UnderstudyError(f"{what} {word!r} is none; write NAME=NUMBER.") from None
    return out


def _new(args: argparse.Namespace) -> int:
    from understudy.runtime.characters.people import making, recipe
    from understudy.runtime.characters.people.local import LOCALS
    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.core.files import writable

    _glb(args.out)
    writable(args.out)
    if args.profile is not None:
        writable(args.profile)
    said = _said(args)
    if args.height is not None:
        said["height_cm"] = args.height
    if args.shoulders is not None:
        said["shoulders_cm"] = args.shoulders
    if args.recipe:
        said |= _json(args.recipe)
    if args.begin is not None:
        one = recipe.changed(recipe.read(args.begin), said)
    else:
        one = recipe.drawn(int(said.pop("seed", 0)), **said)  # type: ignore[call-overload]
    if args.change:
        if unknown := [n for n in _numbers("--change", args.change) if n not in LOCALS]:
            raise UnderstudyError(f"No feature is called {unknown[0]!r}: {', '.join(LOCALS)}.")
        one = recipe.changed(one, {"local": one.local | _numbers("--change", args.change)})
    if args.measure:
        one = _to_measure(one, _numbers("--measure", args.measure, 0.01))
    found = making.write(args.out, one)
    print(f"{args.out}: {_about(one, found)}")
    if args.profile is not None:
        _profile(args.out, args.profile)
    return 0


def _json(text: str) -> dict[str, object]:
    import msgspec

    from understudy.runtime.core.errors import UnderstudyError

    try:
        return msgspec.json.decode(text, type=dict[str, object])
    except msgspec.MsgspecError as error:
        raise UnderstudyError(f"--recipe is no JSON object: {error}.") from None


def _to_measure(one, wanted: dict[str, float]):
    from understudy.runtime.characters.people import fitting

    wanted = {"height": one.height_cm / 100} | wanted
    if one.shoulders_cm is not None:
        wanted = {"shoulders": one.shoulders_cm / 100} | wanted
    fitted = fitting.refined(fitting.fitted(one, wanted), wanted)
    for name, off in fitting.missed_m(fitted, wanted).items():
        if abs(off) > 0.02:
            print(f"The {name} came to {100 * (wanted[name] + off):.1f} cm, "
                  f"{100 * wanted[name]:.1f} were asked for: no such body was found.")  # fmt: skip
    return fitted


def _profile(character: Path, out: Path) -> None:
    from understudy.runtime.retarget import profile as profiles
    from understudy.runtime.stage import figures

    file, profile = profiles.file_of(character)
    profiles.save(out, file, profile, figures.load(character).skeleton)
    print(f"{out}: its profile")


def _crowd(args: argparse.Namespace) -> int:
    from understudy.runtime.characters.people import making, recipe
    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.core.files import writable

    if not 1 <= args.count <= 1000:
        raise UnderstudyError(f"{args.count} people are asked for; it can be 1 to 1000.")
    args.out.mkdir(parents=True, exist_ok=True)
    if args.sheet is not None:
        writable(args.sheet)
    files = []
    for k in range(args.count):
        path = args.out / f"person-{args.seed + k:03d}.glb"
        writable(path)
        one = recipe.drawn(args.seed + k)
        print(f"{path}: {_about(one, making.write(path, one))}", flush=True)
        files.append(path)
    if args.sheet is not None:
        from understudy.runtime.viewport import preview

        preview.line_up(args.sheet, files)
        print(f"{args.sheet}: all of them")
    return 0


def _fit(args: argparse.Namespace) -> int:
    from understudy.runtime.characters.people import fitting, making, proportions, recipe
    from understudy.runtime.core.files import writable
    from understudy.runtime.takes import motion_file

    _glb(args.out)
    writable(args.out)
    clip = motion_file.read(args.motion)
    for note in clip.notes:
        print(note)
    wanted = proportions.of(clip.skeleton)
    said = _said(args) | {"height_cm": 100 * wanted["height"]}
    one = recipe.drawn(int(said.pop("seed", 0)), **said)  # type: ignore[call-overload]
    one = fitting.refined(fitting.fitted(one, wanted), wanted)
    found = making.write(args.out, one)
    print(f"{args.out}: {_about(one, found)}")
    for name in wanted:
        print(
            f"  {name:18} {100 * wanted[name]:6.1f} cm of the actor, {100 * found[name]:6.1f} made"
        )
    return 0


def _measure(args: argparse.Namespace) -> int:
    from understudy.runtime.characters.people import body, making, measures, recipe

    one = recipe.read(args.file)
    _, points = making.solved(body.load(), one)
    for name, value in measures.of(body.load(), points).items():
        print(f"{name:18} {100 * value:6.1f} cm")
    return 0


def _glb(path: Path) -> None:
    from understudy.runtime.core.errors import UnderstudyError

    if path.suffix.lower() != ".glb":
        raise UnderstudyError(f"--out {path.name} does not end in .glb.")


def _about(one, found: dict[str, float]) -> str:
    return (
        f"{one.sex}, {one.age:.0f} years, {100 * found['height']:.1f} cm, shoulders "
        f"{100 * found['shoulders']:.1f}, {one.hair} {one.hair_colour} hair, "
        f"{one.top} and {one.bottom}"
    )
