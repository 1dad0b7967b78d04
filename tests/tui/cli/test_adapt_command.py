"""`spark-tui adapt`: what it asks for, prints, and how it fails."""

import json
from pathlib import Path

import msgspec
import pytest

import engine
from engine.adapting.messages import Adapted, AdaptProgress
from engine.errors import AdaptCancelledError, AdaptError
from tui.cli.adapt import progress_text

FIGURES = {
    "choice": {"n": 150, "share": 0.5, "bits_per_byte": {"0": 0.42, "0.5": 0.4, "1": 0.43},
               "fitted": True, "fitted_bits_per_byte": {"0": 0.41, "0.5": 0.39, "1": 0.42}},
    "bits_per_byte": {"n": 8, "before": 0.85, "after": 0.74, "ratio_ci": [1.1, 1.2]},
    "mid": {"n": 200, "before": 0.4, "after": 0.5, "gained": 30, "lost": 10,
            "difference_ci": [0.04, 0.16]},
    "line": {"n": 0, "before": None, "after": None, "gained": 0, "lost": 0, "difference_ci": None},
}  # fmt: skip
KEPT = Adapted(
    name="spark-nano+shop",
    kept=True,
    why="better on files it has not learnt: …",
    path="/models/spark-nano+shop",
    size_bytes=14_000_000,
    repository="/code/shop",
    files={"learnt": 7, "watched": 2, "judged": 3, "copies": 0, "left_out": 0},
    steps=40,
    tokens=160_000,
    epochs=5,
    seconds=90.0,
    watched_loss=[(0, 2.5), (40, 2.1)],
    figures=FIGURES,
)


class FakeProcess:
    """Ends as it is told to."""

    def __init__(self, end: Adapted | BaseException) -> None:
        self.end = end
        self.asked: list[dict] = []
        self.closed = 0

    def __call__(self, folder: Path, **options) -> "FakeProcess":
        self.asked.append({"folder": folder, **options})
        return self

    def follow(self, on_progress) -> Adapted:
        on_progress(AdaptProgress("planned", 0.0, "learns about 200 tokens a second"))
        on_progress(AdaptProgress("learning", 0.5, "step 20, loss 2.20"))
        if isinstance(self.end, BaseException):
            raise self.end
        return self.end

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def process(own_folders, monkeypatch) -> FakeProcess:
    fake = FakeProcess(KEPT)
    monkeypatch.setattr(engine, "AdaptingProcess", fake, raising=False)
    return fake


def test_it_adapts_the_repository_around_a_folder(spark, process, tmp_path) -> None:
    (tmp_path / "shop" / ".git").mkdir(parents=True)
    (tmp_path / "shop" / "deep").mkdir()
    ended = spark("adapt", tmp_path / "shop" / "deep", "--minutes", "2.5", "--model", "nano")
    assert ended.code == 0
    assert process.asked == [
        {"folder": (tmp_path / "shop").resolve(), "model": "nano", "private_patterns": (),
         "plan": {"minutes": 2.5}}
    ]  # fmt: skip
    assert process.closed == 1
    assert "learns about 200 tokens a second\n" in ended.err
    assert "planned" not in ended.err
    assert "learning 50%: step 20, loss 2.20" in ended.err
    words = " ".join(ended.out.split())
    assert "learnt 7 files in 40 steps of 5 readings, 160000 tokens, 1.5 min" in words
    assert "share: 50 % of the way to what it learnt" in words
    assert "bits a byte of 150 rests of lines: 0 % 0.420, 50 % 0.400, 100 % 0.430" in words
    assert "; with the repository's knowledge weighed anew 0.390" in words
    assert "bits_per_byte: 0.850 → 0.740, before ÷ after 1.100 to 1.200" in words
    assert "mid: 40.0 % → 50.0 % of 200, +4.0 to +16.0 points (30 gained, 10 lost)" in words
    assert "line: no questions" in words
    assert "spark-nano+shop (14 MB); `spark-tui --model spark-nano+shop` uses it" in words


def test_json_is_all_that_is_known(spark, process, tmp_path) -> None:
    ended = spark("adapt", tmp_path, "--json")
    assert ended.json == json.loads(msgspec.json.encode(KEPT))


def test_what_is_refused_ends_well_and_says_so(spark, process, tmp_path) -> None:
    process.end = msgspec.structs.replace(KEPT, kept=False, path=None, why="not kept, because …")
    ended = spark("adapt", tmp_path)
    assert ended.code == 0
    assert "spark-nano+shop: not kept, because …" in ended.out
    assert "uses it" not in ended.out


@pytest.mark.parametrize("error", [AdaptError("no file"), AdaptCancelledError("stopped; kept")])
def test_without_a_result_it_fails_in_one_line(spark, process, tmp_path, error) -> None:
    process.end = error
    ended = spark("adapt", tmp_path)
    assert ended.code == 1
    assert ended.err.splitlines()[-1].endswith(str(error))
    assert process.closed == 1


def test_ctrl_c_says_that_what_was_learnt_is_kept(spark, process, tmp_path) -> None:
    process.end = KeyboardInterrupt()
    ended = spark("adapt", tmp_path)
    assert ended.code == 130
    assert "what it learnt so far is kept" in ended.err
    assert process.closed == 1


def test_a_folder_that_is_none_is_a_wrong_call(spark, process, tmp_path) -> None:
    ended = spark("adapt", tmp_path / "nowhere")
    assert ended.code == 2
    assert "is no directory" in ended.err
    assert process.asked == []


def test_progress_is_said_in_words() -> None:
    assert progress_text(AdaptProgress("reading", 0.0)) == "reading"
    assert progress_text(AdaptProgress("waiting", 0.0, "waits while you type")) == (
        "waits while you type"
    )
