"""The page on protocols names the sources that there are."""

from __future__ import annotations

import re

from understudy.runtime.sources import endpoint, registry


def test_every_source_and_option_is_on_the_page(root):
    page = (root / "docs" / "protocols.md").read_text()
    part = page[page.index("## Sources") : page.index("## Axes")]
    for scheme, protocol in registry.KNOWN.items():
        (row,) = re.findall(rf"^\| `{scheme}://.*$", part, re.MULTILINE)
        assert f"| {protocol.PORT} |" in row
        assert re.findall(r"`(\w+)`", row.rpartition("|")[0].rpartition("|")[2]) == list(
            protocol.Options.__struct_encode_fields__
        )


def test_every_line_with_from_in_the_documents_is_read(root):
    lines = set()
    for name in ("docs/protocols.md", "docs/stage.md"):
        lines |= set(re.findall(r"--from '?((?:\w+)://[^'\s]*)", (root / name).read_text()))
    lines = {line for line in lines if not line.startswith("tcp:")}
    assert len(lines) >= 6
    for line in lines:
        endpoint.parse(line, registry.KNOWN)
