"""A grid of a tiny model, whose plans take milliseconds."""

import json

import pytest

from tests.tiny_families import FAMILY_CONFIGS


@pytest.fixture
def tiny_grid(tmp_path):
    """A grid file; ``contexts`` and more may be added."""
    (tmp_path / "tiny.json").write_text(json.dumps(FAMILY_CONFIGS["llama"]))

    def write(**lists):
        quick = {"machines": ["tiny"], "placements": ["8x8"], "dtypes": ["int8"]}
        lines = {"models": ["tiny.json"], "contexts": [8, 16], **quick, **lists}
        file = tmp_path / "grid.toml"
        file.write_text("".join(f"{name} = {json.dumps(each)}\n" for name, each in lines.items()))
        return file

    return write
