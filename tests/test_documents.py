"""The documents name paths that exist and commands that there are."""

from __future__ import annotations

import argparse
import re
import shlex
from functools import cache
from pathlib import Path

import pytest

from understudy.runtime.cli.main import parser

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *ROOT.glob("demos/**/*.md")])
TOPS = ("runtime", "bridge", "models", "shaders", "demos", "tests", "docs", ".ci", ".github")
# The changelog tells of what was; a path there may be gone.
PRESENT = [page for page in PAGES if page.name != "CHANGELOG.md"]
PATH = re.compile(rf"(?<![\w./-])(?:{'|'.join(map(re.escape, TOPS))})/[\w./*-]*[\w*/]")
COMMAND = re.compile(r"(?:^\s*|[`(]|&& )(understudy [^`\n#]*)", re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
# What a reader puts a name of their own for.
EXAMPLE = re.compile(r"NAME|FOLDER|FILE")


def about(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PRESENT, ids=about)
def test_every_path_exists(page: Path):
    text = re.sub(r"https?://\S+", "", page.read_text(encoding="utf-8"))
    said = {path for path in PATH.findall(text) if not EXAMPLE.search(path)}
    gone = [
        p
        for p in sorted(said)
        if not any(any(ROOT.glob(p.rstrip("/") + end)) for end in ("", ".py"))
    ]
    assert not gone, f"{about(page)} names paths that are not there: {', '.join(gone)}."


@pytest.mark.parametrize("page", PRESENT, ids=about)
def test_every_module_is_there(page: Path):
    said = set(re.findall(r"`(\w+\.(?:py|glsl))`", page.read_text(encoding="utf-8")))
    gone = [name for name in sorted(said) if not modules(name)]
    assert not gone, f"{about(page)} names modules that are not there: {', '.join(gone)}."


def modules(name: str) -> list[Path]:
    return [path for top in TOPS for path in (ROOT / top).rglob(name)]


@pytest.mark.parametrize("page", PAGES, ids=about)
def test_every_link_leads_somewhere(page: Path):
    lost = []
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if re.match(r"\w+:", link):
            continue
        path, _, anchor = link.partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            lost.append(link)
    assert not lost, f"{about(page)} has links that lead nowhere: {', '.join(lost)}."


@cache
def anchors(page: Path) -> set[str]:
    """The headings of a page as GitHub links to them."""
    heads = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@cache
def options() -> dict[str, set[str]]:
    """The options of every command, sub-commands as "keys new"."""
    found: dict[str, set[str]] = {}

    def walk(one: argparse.ArgumentParser, name: str) -> None:
        own = {word for action in one._actions for word in action.option_strings}
        found[name] = own
        for action in one._actions:
            if isinstance(action, argparse._SubParsersAction):
                for word, sub in action.choices.items():
                    walk(sub, f"{name} {word}".strip())

    walk(parser(), "")
    return found


@pytest.mark.parametrize("page", PRESENT, ids=about)
def test_every_command_and_option_is_there(page: Path):
    wrong = []
    for line in COMMAND.findall(page.read_text(encoding="utf-8")):
        try:
            words = shlex.split(line.split(" | ")[0])[1:]
        except ValueError:  # a quote that the page ends elsewhere
            words = line.split()[1:]
        if not words or not re.fullmatch(r"[a-z]+", words[0]):
            continue
        name, *rest = words
        if rest and f"{name} {rest[0]}" in options():
            name = f"{name} {rest[0]}"
        if name == "bench":  # each of its parts has options of its own
            continue
        known = options().get(name)
        if known is None:
            wrong.append(f"{line.strip()} (no command)")
            continue
        for word in rest:
            option = re.match(r"--[a-z][a-z-]*", word)
            if option and option.group() not in known:
                wrong.append(f"{line.strip()} ({option.group()})")
    assert not wrong, f"{about(page)}: {'; '.join(wrong)}."


def test_the_index_lists_every_page():
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    lacking = [p.name for p in (ROOT / "docs").glob("*.md") if f"({p.name})" not in index]
    assert lacking in ([], ["README.md"]), f"docs/README.md lacks {', '.join(lacking)}."
