"""`spark-tui models`: what it prints, and how it fails."""

import hashlib
from pathlib import Path

import pytest

import engine
from engine.knowledge.tuning import neutral_tuning
from engine.model_store import PullProgress, offers
from engine.quality.knowledge_fit import FittedTuning
from tests.gguf_writer import write_gguf
from tui.cli.models.pull import PullLine, progress_text

DATA = b"GGUF" + bytes(1000)


@pytest.fixture(autouse=True)
def own_store(own_folders, monkeypatch) -> Path:
    monkeypatch.setenv("SPARK_MODELS_DIR", str(own_folders / "models"))
    monkeypatch.setenv("SPARK_CACHE_DIR", str(own_folders / "cache"))
    monkeypatch.setenv("HOME", str(own_folders / "home"))
    return own_folders / "models"


@pytest.fixture
def file(tmp_path, monkeypatch) -> Path:
    """The file of smollm2-135m, whose pinned digest is this one's."""
    path = tmp_path / "SmolLM2-135M-Instruct.Q4_1.gguf"
    path.write_bytes(DATA)
    text = Path(offers.__file__).with_name("catalogue.toml").read_text()
    (tmp_path / "catalogue.toml").write_text(
        text.replace(
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            hashlib.sha256(DATA).hexdigest(),
        )
    )
    monkeypatch.setattr(offers, "files", lambda package: tmp_path)
    offers.available.cache_clear()
    yield path
    offers.available.cache_clear()


def test_the_list_is_what_models_alone_prints(spark) -> None:
    listed = spark("models", "list", "--json").json
    (nano,) = listed["models"]
    assert nano["name"] == "spark-nano"
    assert nano["source"] == "bundled"
    assert nano["default"] is True
    assert {"path", "family", "parameters", "types", "size_bytes", "context",
            "fill_in_the_middle", "memory_bytes", "wafers"} <= nano.keys()  # fmt: skip
    for field in ("memory_rule", "wafers_rule", "default_rule", "default_why"):
        assert listed[field]
    assert spark("models", "--json").json["models"] == listed["models"]
    table = spark("models")
    assert table.code == 0
    assert "spark-nano *" in table.out
    assert "1.3 × the weights" in " ".join(table.out.split())


def test_available_adds_the_catalogue(spark) -> None:
    models = {
        model["name"]: model for model in spark("models", "--available", "--json").json["models"]
    }
    offer = models["qwen2.5-coder-0.5b"]
    assert offer["source"] == "catalogue"
    assert offer["download_bytes"] == 477_610_024
    assert offer["licence"] == "Apache-2.0"
    assert "53 of 100" in offer["gains"]
    words = " ".join(spark("models", "list", "--available").out.split())
    assert "qwen2.5-coder-1.5b 1.09 GB, Apache-2.0" in words


def test_pull_prints_the_path_and_then_the_name_means_it(spark, file, own_store) -> None:
    pulled = spark("models", "pull", "smollm2-135m", "--from", file)
    assert (pulled.code, pulled.out) == (0, f"{own_store / 'smollm2-135m.gguf'}\n")
    facts = spark("models", "pull", "smollm2-135m", "--json").json
    assert facts["sha256"] == hashlib.sha256(DATA).hexdigest()
    assert (facts["name"], facts["size_bytes"], facts["source"]) == (
        "smollm2-135m", len(DATA), "folder",
    )  # fmt: skip
    listed = spark("models", "list", "--available", "--json")
    entries = [each for each in listed.json["models"] if each["name"] == "smollm2-135m"]
    assert [each["source"] for each in entries] == ["fetched"]


def test_verify_and_remove(spark, file, own_store) -> None:
    assert spark("models", "verify").code == 0
    spark("models", "pull", "smollm2-135m", "--from", file)
    right = spark("models", "verify", "smollm2-135m", "--json").json
    assert right["right"] is True
    assert [each["state"] for each in right["files"]] == ["right"]
    (own_store / "smollm2-135m.gguf").write_bytes(DATA[:-1] + b"x")
    wrong = spark("models", "verify", "smollm2-135m")
    assert wrong.code == 1
    assert "is altered" in wrong.out
    removed = spark("models", "remove", "smollm2-135m", "--json")
    assert removed.json == {"name": "smollm2-135m", "freed_bytes": len(DATA)}
    assert spark("models", "verify", "smollm2-135m").line.endswith("bundled: spark-nano")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["pull", "nothing"], 1, "hf:OWNER/REPO fetches another"),
        (["pull", "smollm2-135m", "--from", "/no/such"], 1, "no such file or folder"),
        (["pull", "hf:a"], 1, "hf:OWNER/REPO"),
        (["pull"], 2, "NAME"),
        (["remove", "spark-nano"], 1, "comes with the program"),
        (["verify", "nothing"], 1, "bundled: spark-nano"),
        (["shuffle"], 2, "shuffle"),
    ],
)
def test_what_fails_is_one_line(spark, arguments, code, words) -> None:
    outcome = spark("models", *arguments)
    assert outcome.code == code
    assert outcome.out == ""
    assert words in outcome.line


def test_a_wrong_digest_is_exit_1_and_no_model(spark, tmp_path) -> None:
    (tmp_path / "x.gguf").write_bytes(DATA)
    outcome = spark("models", "pull", "smollm2-135m", "--from", tmp_path / "x.gguf")
    assert outcome.code == 1
    assert "SHA-256" in outcome.err.splitlines()[-1]
    assert [model["name"] for model in spark("models", "--json").json["models"]] == ["spark-nano"]


def test_folders_and_the_default_from_the_settings(spark, session, own_folders, tmp_path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own/mine.gguf").write_bytes(DATA)
    (tmp_path / "a.py").write_text("x = 1\n")
    settings = own_folders / "config" / "settings.toml"
    settings.parent.mkdir()
    settings.write_text(f'[models]\nfolders = ["{tmp_path}/own"]\n')
    listed = spark("models", "--json").json["models"]
    assert [model["name"] for model in listed] == ["spark-nano", "mine"]
    assert listed[1]["problem"]
    spark("complete", f"{tmp_path}/a.py:1", "--model", "min")
    spark("complete", f"{tmp_path}/a.py:1", "--model", "spark")
    spark("complete", f"{tmp_path}/a.py:1")
    settings.write_text(f'[models]\nfolders = ["{tmp_path}/own"]\ndefault = "mine"\n')
    spark("complete", f"{tmp_path}/a.py:1")
    mine = str(tmp_path / "own/mine.gguf")
    assert [each["model"] for each in session.opened] == [mine, "spark-nano", None, mine]


def test_what_strangers_wrote_steers_neither_the_list_nor_the_terminal(
    spark, own_folders, tmp_path
) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own/a[red]b\x1b[2J.gguf").write_bytes(DATA)
    write_gguf(tmp_path / "own/c.gguf", {"general.architecture": "[/red]\nmamba"}, {})
    settings = own_folders / "config" / "settings.toml"
    settings.parent.mkdir()
    settings.write_text(f'[models]\nfolders = ["{tmp_path}/own"]\n')
    outcome = spark("models")
    assert outcome.code == 0
    assert "a[red]b␛[2J" in outcome.out
    assert "[/red]␊mamba" in outcome.out
    assert "\x1b" not in outcome.out + outcome.err
    assert [line.partition(":")[0] for line in outcome.err.splitlines()] == [
        "a[red]b␛[2J",
        "c",
    ]


def test_a_model_that_is_not_here_names_the_command_that_fetches_it(spark, tmp_path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    outcome = spark("complete", f"{tmp_path}/a.py:1", "--model", "qwen2.5-coder-0.5b")
    assert outcome.code == 2
    assert "`spark-tui models pull qwen2.5-coder-0.5b` fetches it (478 MB" in outcome.line


def report(stage: str, done: int = 0, total: int = 0, rate: float | None = None) -> PullProgress:
    left = (total - done) / rate if rate else None
    return PullProgress("m", stage, "packages", done, total, rate, left)


def test_progress_in_words() -> None:
    assert progress_text(report("fetching", 120 * 10**6, 478 * 10**6, 12 * 10**6)) == (
        "fetching m: 120 MB of 478 MB, 12 MB/s, 30 s left"
    )
    assert progress_text(report("joining", 0, 10**9, 10**7)).endswith("1 min 40 s left")
    assert progress_text(report("fetching")) == "fetching m: 0 B"
    assert progress_text(report("waiting")) == "m: another process is fetching it; waiting"


def test_without_a_terminal_a_line_now_and_then(capsys) -> None:
    now = [0.0]
    with PullLine(clock=lambda: now[0]) as line:
        for second in (0, 1, 2, 6, 7):
            now[0] = float(second)
            line.show(report("fetching", second * 10**7, 10**8))
        line.show(report("joining", 1, 2))
    assert [text[:12] for text in capsys.readouterr().err.splitlines()] == [
        "fetching m: ", "fetching m: ", "joining and ",
    ]  # fmt: skip


# ── fit ─────────────────────────────────────────────────────────────────────────────────────


def test_fitting_says_where_the_numbers_are(spark, monkeypatch, tmp_path: Path) -> None:
    asked: list[object] = []

    def fit(model, data, plan, answerer, on_item):
        asked.extend([model, data, plan.questions, plan.only_threshold, answerer])
        on_item("dictated", 1, 2)
        tuning = neutral_tuning()
        tuning.fitted_on["questions"] = 5
        return FittedTuning("spark-nano", tmp_path / "spark-nano.json", tuning)

    monkeypatch.setattr(engine, "fit_knowledge", fit, raising=False)
    call = ("models", "fit", "spark-nano", "--data", str(tmp_path), "--questions", "5")
    found = spark(*call, "--json").json
    assert asked == ["spark-nano", tmp_path, 5, False, None]
    asked.clear()
    spark(*call, "--workers", "3")
    assert asked[-1]._workers.name == "3 processes on one computer"
    path = str(tmp_path / "spark-nano.json")
    assert found == {"name": "spark-nano", "path": path, "threshold": None, "questions": 5}
    assert f"all is shown; the numbers of spark-nano are in {path}" in spark(*call).out
