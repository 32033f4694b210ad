"""The page on protocols names what there is."""

from __future__ import annotations

import re

from understudy.bridge.protocols.vmc_packer import DIALECTS
from understudy.runtime.outputs import target
from understudy.runtime.outputs.sender import KNOWN


def test_every_output_option_and_dialect_is_on_the_page(root):
    page = (root / "docs" / "protocols.md").read_text()
    for scheme, protocol in KNOWN.items():
        assert f"`{scheme}://" in page
        assert f"| {protocol.PORT} |" in page
        for option in protocol.Options.__struct_encode_fields__:
            assert f"`{option}`" in page, option
    for dialect in DIALECTS:
        assert f"| `{dialect}` |" in page


def test_the_file_on_the_page_is_a_file_of_outputs(root, tmp_path):
    page = (root / "docs" / "protocols.md").read_text()
    (text,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    path = tmp_path / "outputs.toml"
    path.write_text(text)
    assert [one.scheme for one in target.read(path, KNOWN)] == ["vmc", "opentrackio"]
