"""The lock files fit the ranges in pyproject.toml, and `scripts/make_lock.py` writes them so."""

import importlib.util
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = SETTINGS["project"]
NAMES = ("requirements.lock", "requirements-build.lock", "requirements-dev.lock")
LOCKS = {name: (ROOT / name).read_text() for name in NAMES}
RANGES = {
    "requirements.lock": PROJECT["dependencies"],
    "requirements-build.lock": SETTINGS["build-system"]["requires"],
    "requirements-dev.lock": PROJECT["optional-dependencies"]["dev"],
}


@pytest.fixture
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_lock", ROOT / "scripts" / "make_lock.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pins(text: str) -> dict[str, str]:
    return dict(re.findall(r"(?m)^(\S+)==(\S+)", text))


@pytest.mark.parametrize("name", LOCKS)
def test_every_dependency_is_locked_within_its_range(name: str) -> None:
    locked = pins(LOCKS[name])
    for line in RANGES[name]:
        wanted = Requirement(line)
        version = locked.get(canonicalize_name(wanted.name))
        assert version is not None, f"{wanted.name} is not locked: run scripts/lock"
        assert version in wanted.specifier, f"{line}, locked {version}: run scripts/lock"


@pytest.mark.parametrize("line", [*RANGES["requirements.lock"], *RANGES["requirements-dev.lock"]])
def test_a_range_is_one_series_from_a_tested_release_on(line: str) -> None:
    bounds = {one.operator: one.version for one in Requirement(line).specifier}
    assert bounds.keys() == {">=", "<"}


def test_every_locked_package_has_hashes_and_one_home() -> None:
    for text in LOCKS.values():
        entries = re.split(r"(?m)^(?=\S+==)", text)[1:]
        assert [re.match(r"\S+==", entry) for entry in entries]
        for entry in entries:
            first, *rest = entry.rstrip().split(" \\\n")
            assert rest, f"{first} has no hash"
            assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}", line) for line in rest)
    homes = [name for text in LOCKS.values() for name in pins(text)]
    assert len(homes) == len(set(homes))


def test_no_target_needs_a_package_that_the_locks_lack(script: ModuleType) -> None:
    """pip judges markers by the Python that runs it; nothing else is installed than what is locked.

    Packages that are not installed here are passed over: those of the build, in an environment
    that was made before they were locked.
    """
    locked = {name for text in LOCKS.values() for name in pins(text)}
    machines = (("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "arm64"))
    targets = [
        {
            "python_version": python, "python_full_version": f"{python}.0",
            "sys_platform": system.lower(), "platform_system": system, "platform_machine": machine,
            "os_name": "posix", "implementation_name": "cpython",
            "platform_python_implementation": "CPython", "extra": "",
        }
        for python in script.PYTHONS
        for system, machine in machines
    ]  # fmt: skip
    missing = {
        (name, wanted.name)
        for name in locked
        for wanted in requirements_of(name)
        if canonicalize_name(wanted.name) not in locked
        and (wanted.marker is None or any(map(wanted.marker.evaluate, targets)))
    }
    assert missing == set()


def requirements_of(name: str) -> list[Requirement]:
    try:
        return [Requirement(line) for line in metadata.distribution(name).requires or ()]
    except metadata.PackageNotFoundError:
        return []


def test_known_weaknesses_of_what_is_locked_are_looked_for_by_the_workflow() -> None:
    workflow = (ROOT / ".github" / "workflows" / "audit.yml").read_text()
    for name in NAMES:
        assert f"--requirement {name}" in workflow
    assert re.search(r"pip-audit==\d+\.\d+\.\d+", workflow)
    assert "cron" in workflow


def test_compiled_packages_have_a_file_for_every_target(script: ModuleType) -> None:
    entry = LOCKS["requirements.lock"].partition("numba==")[2].partition("==")[0]
    assert entry.count("--hash") == len(script.PYTHONS) * 3  # macOS 13 and 14 share one


def test_ci_runs_the_pythons_that_are_locked(script: ModuleType) -> None:
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    listed = re.search(r"python: \[(.*)\]", workflow)
    assert listed is not None
    assert tuple(re.findall(r'"(.*?)"', listed[1])) == script.PYTHONS
    assert PROJECT["requires-python"] == f">={script.PYTHONS[0]}"


def test_no_lock_names_a_registry() -> None:
    for text in LOCKS.values():
        assert "://" not in text
        assert "--index" not in text


class Pip:
    """Answers as pip would: chooses the newest, or what the constraints say."""

    def __init__(self) -> None:
        self.newest = {
            "click": "9.1",
            "builder": "1.0",
            "editables": "0.6",
            "Mypy_Ext": "2.0",
            "colour": "1.5",
        }
        self.targets: list[str] = []
        self.kept: list[dict[str, str]] = []

    def __call__(self, arguments: list[str]) -> dict[str, Any]:
        constrained: dict[str, str] = {}
        if "--constraint" in arguments:
            file = Path(arguments[arguments.index("--constraint") + 1])
            constrained = pins(file.read_text())
            self.kept.append(constrained)
        else:
            self.targets.append(arguments[arguments.index("--python-version") + 1])
        names = [Requirement(word).name for word in arguments if re.match(r"[a-z-]+[=>~]=", word)]
        if "click" in names and "--constraint" in arguments:
            names.append("colour")  # what click needs
        chosen = {canonicalize_name(name): version for name, version in self.newest.items()}
        chosen |= constrained
        return {
            "install": [
                {
                    "metadata": {"name": name.replace("-", "_"), "version": chosen[name]},
                    "download_info": {
                        "url": f"https://registry.example/{name}",
                        "archive_info": {"hashes": {"sha256": self._hash(name)}},
                    },
                }
                for name in names
            ]
        }

    def _hash(self, name: str) -> str:
        target = self.targets[-1].replace(".", "") if self.targets and name == "click" else "0"
        return target.rjust(64, "f")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["builder==1.0"]\n'
        '[project]\ndependencies = ["click>=8"]\n'
        '[project.optional-dependencies]\ndev = ["mypy-ext>=1"]\n'
    )
    (tmp_path / "requirements.lock").write_text("click==8.0 \\\n    --hash=sha256:aa\n")
    return tmp_path


@pytest.mark.parametrize(
    ("freed", "click"), [([], "8.0"), (["Click"], "9.1"), (["other"], "8.0"), (None, "9.1")]
)
def test_locked_versions_stay_until_they_are_freed(
    script: ModuleType,
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    freed: list[str] | None,
    click: str,
) -> None:
    monkeypatch.setattr(script, "_ask_pip", Pip())
    files = script.lock(repository, freed)
    assert pins(files["requirements.lock"]) == {"click": click, "colour": "1.5"}
    assert pins(files["requirements-build.lock"]) == {"builder": "1.0", "editables": "0.6"}
    assert pins(files["requirements-dev.lock"]) == {"mypy-ext": "2.0"}


def test_the_files_of_all_targets_are_allowed(
    script: ModuleType, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip = Pip()
    monkeypatch.setattr(script, "_ask_pip", pip)
    text = script.lock(repository, [])["requirements.lock"]
    assert len(pip.targets) == len(script.PYTHONS) * len(script.PLATFORMS)
    assert re.findall(r"sha256:f+(\d+)", text.partition("colour")[0]) == [
        python.replace(".", "") for python in script.PYTHONS
    ]
    assert "registry" not in text


def test_development_runs_on_the_versions_that_the_program_gets(
    script: ModuleType, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip = Pip()
    monkeypatch.setattr(script, "_ask_pip", pip)
    script.lock(repository, None)
    run = {"click": "9.1", "colour": "1.5"}
    assert pip.kept == [{}, run, run | {"builder": "1.0", "editables": "0.6"}]


def test_what_pip_cannot_solve_is_told_with_the_way_out(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing = [sys.executable, "-c", "import sys; sys.exit('ERROR: no such version')"]
    run = script.subprocess.run
    monkeypatch.setattr(script.subprocess, "run", lambda _, **options: run(failing, **options))
    assert script.main([]) == 1
    said = capsys.readouterr().err
    assert "ERROR: no such version" in said
    assert "scripts/lock --upgrade" in said


def test_what_the_workflows_use_is_named_by_its_commit() -> None:
    """A tag can be moved to other code; the version behind it is for people."""
    used = [
        line
        for path in (ROOT / ".github" / "workflows").glob("*.yml")
        for line in re.findall(r"uses: (.+)", path.read_text())
    ]
    assert len(used) >= 5
    for line in used:
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", line), line
