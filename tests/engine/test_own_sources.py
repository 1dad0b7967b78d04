"""What a kept file depends on is found, read in order, and missed when it is moved."""

import pytest

from engine import own_sources
from engine.own_sources import sources_digest


@pytest.fixture(autouse=True)
def engine(tmp_path, monkeypatch):
    """A folder `engine` with two sources."""
    for name in "ab":
        (tmp_path / f"{name}.py").write_text(name)
    monkeypatch.setattr(own_sources, "__file__", str(tmp_path / "own_sources.py"))
    return tmp_path


def test_patterns_mean_files_of_the_engine(engine):
    found = own_sources.own_sources(["b.py", "*.py"])
    assert found == [engine / name for name in ("b.py", "a.py", "b.py")]


def test_an_edit_and_another_name_change_the_digest(engine):
    digests = {sources_digest(["*.py"]).digest()}
    (engine / "a.py").write_text("edited")
    digests.add(sources_digest(["*.py"]).digest())
    (engine / "a.py").rename(engine / "c.py")
    digests.add(sources_digest(["*.py"]).digest())
    assert len(digests) == 3


def test_a_source_that_was_moved_is_missed():
    with pytest.raises(FileNotFoundError, match=r"no source matches .*moved\.py"):
        sources_digest(["a.py", "moved.py"])
