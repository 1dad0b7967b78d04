"""A grid of a tiny model, whose plans take milliseconds."""

import json

import pytest

from tests.tiny_families import FAMILY_CONFIGS


@pytest.fixture
def tiny_grid(tmp_path):
    """A grid file; ``contexts`` and more may be added."""
    (tmp_path / "tiny.json").write_text(json.dumps(FAMILY_CONFIGS["llama"]))

    def write(**lists):
        lines = {"models": ["tiny.json"], "contexts": [8, 16], **lists}
        file = tmp_path / "grid.toml"
        file.write_text("".join(f"{name} = {json.dumps(each)}\n" for name, each in lines.items()))
        return file

    return write
