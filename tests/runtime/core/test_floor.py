"""Floors from tables and images."""

import numpy as np
import pytest
from PIL import Image

from understudy.runtime.core import floor
from understudy.runtime.core.errors import UnderstudyError


def test_steps_rise_tread_by_tread_and_ramps_evenly():
    f = floor.of_tables(
        {
            "steps": [{"from_m": [0, 0], "to_m": [0, 2], "width_m": 1, "rise_m": 0.8, "count": 4}],
            "ramp": [{"from_m": [5, 0], "to_m": [7, 0], "width_m": 1, "rise_m": 1.0}],
        }
    )
    z = np.array([-0.1, 0.1, 0.6, 1.1, 1.9, 2.1])
    np.testing.assert_allclose(f.heights(0 * z, z), [0.0, 0.2, 0.4, 0.6, 0.8, 0.0])
    np.testing.assert_allclose(f.heights(np.array([5.5, 6.5]), np.zeros(2)), [0.25, 0.75])
    assert f.heights(np.array(0.6), np.array(1.0)) == 0.0  # beside it


def test_of_two_things_the_higher_counts_and_blocks_turn():
    f = floor.of_tables(
        {
            "block": [
                {"at_m": [0, 0], "size_m": [4, 0.2], "height_m": 0.3, "heading_deg": 90.0},
                {"at_m": [0, 0], "size_m": [0.1, 0.1], "height_m": 0.5},
            ]
        }
    )
    assert f.heights(np.array(0.0), np.array(1.9)) == 0.3
    assert f.heights(np.array(1.0), np.array(0.0)) == 0.0
    assert f.heights(np.array(0.0), np.array(0.0)) == 0.5


def test_an_image_is_a_height_field(tmp_path):
    Image.fromarray(np.array([[0, 255], [0, 255]], np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "f.toml").write_text(
        '[[image]]\nfile = "a.png"\nsize_m = [2.0, 2.0]\nheight_m = 0.5\n'
    )
    f = floor.read(tmp_path / "f.toml")
    x = np.array([-1.0, 0.0, 1.0, 3.0])
    np.testing.assert_allclose(f.heights(x, 0 * x), [0.0, 0.25, 0.5, 0.0], atol=1e-6)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "needs a"),
        ("[[ramp]]\nfrom_m = [0, 0]\nto_m = [0, 0]\nwidth_m = 1\nrise_m = 1\n", "one place"),
        ('[[image]]\nfile = "no.png"\n', "is no image"),
        ("[[stairs]]\n", "stairs"),
    ],
)
def test_mistakes_are_one_sentence_with_the_file(tmp_path, text, words):
    path = tmp_path / "f.toml"
    path.write_text(text)
    with pytest.raises(UnderstudyError, match=words) as caught:
        floor.read(path)
    assert "f.toml" in str(caught.value) or "no.png" in str(caught.value)
