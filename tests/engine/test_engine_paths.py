import os
import tempfile
from pathlib import Path

import pytest

from engine import paths
from engine.errors import ServerError


@pytest.fixture
def short_folder():
    with tempfile.TemporaryDirectory(prefix="spark-") as folder:
        yield Path(folder)


@pytest.fixture(autouse=True)
def own_runtime_dir(monkeypatch, short_folder):
    monkeypatch.setenv("SPARK_RUNTIME_DIR", str(short_folder / "run"))
    monkeypatch.setattr(tempfile, "tempdir", str(short_folder / "tmp"))


@pytest.mark.parametrize("name", ["runtime", "cache", "state", "models"])
def test_every_folder_can_be_moved(monkeypatch, name):
    monkeypatch.setenv(f"SPARK_{name.upper()}_DIR", "/somewhere")
    assert getattr(paths, f"{name}_dir")() == Path("/somewhere")
    monkeypatch.delenv(f"SPARK_{name.upper()}_DIR")
    assert getattr(paths, f"{name}_dir")().is_absolute()


def test_the_socket_folder_is_private(short_folder):
    (short_folder / "run").mkdir(mode=0o755)
    folder = paths.socket_dir(20)
    assert folder == short_folder / "run"
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_path_too_long_for_a_socket_is_replaced(monkeypatch, short_folder):
    monkeypatch.setenv("SPARK_RUNTIME_DIR", str(short_folder / ("x" * 90)))
    folder = paths.socket_dir(20)
    assert folder == short_folder / "tmp" / f"spark-tui-{os.geteuid()}"
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_file_or_a_link_in_its_place_is_not_used(short_folder):
    (short_folder / "run").symlink_to("/")
    assert paths.socket_dir(20).parent == short_folder / "tmp"


def test_no_usable_folder_is_a_clear_error(monkeypatch, short_folder):
    (short_folder / "run").write_text("")
    (short_folder / "tmp").write_text("")
    with pytest.raises(ServerError, match="SPARK_RUNTIME_DIR") as caught:
        paths.socket_dir(20)
    assert str(short_folder / "run") in str(caught.value)


def test_each_version_of_the_code_has_its_own_socket(monkeypatch):
    names = [paths.socket_path()]
    assert paths.socket_path() == names[0]
    for name, value in (("__version__", "9"), ("PROTOCOL_VERSION", 99), ("__file__", "/x/y.py")):
        with monkeypatch.context() as changed:
            changed.setattr(paths, name, value)
            names.append(paths.socket_path())
    assert len(set(names)) == len(names)


def test_a_model_path_means_the_same_elsewhere(monkeypatch, short_folder):
    (short_folder / "model").mkdir()
    monkeypatch.chdir(short_folder)
    assert paths.model_argument("model") == str((short_folder / "model").resolve())
    assert paths.model_argument(None) is None
    assert paths.model_argument("spark-nano") == "spark-nano"
    assert paths.model_argument("some-name") == "some-name"
    assert paths.model_argument("some/path") == str((short_folder / "some/path").resolve())
