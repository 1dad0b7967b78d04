"""The audit finds what it is there to find, and finds nothing in the corpus trained on."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from scripts.train import audit, corpus, settings
from scripts.train.sources import Document, write_jsonl

NAMES = frozenset(settings.read_names(settings.HELD_OUT))


def audited(*options: str) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=Path)
    audit.add_arguments(parser)
    audit.run(parser.parse_args(options))


def test_nothing_held_out_was_trained_on(capsys: pytest.CaptureFixture[str]) -> None:
    audited()
    report = json.loads(capsys.readouterr().out)
    assert report["names"] == sorted(NAMES)
    assert report["problems"] == []
    assert report["sets"]["full"]["packages"] > 300
    assert report["sets"]["full"]["files"] > 20_000


def test_a_package_that_was_trained_on_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="flask"):
        audited("flask")
    problems = json.loads(capsys.readouterr().out)["problems"]
    assert "set full: flask is a held-out package" in problems


def test_one_set_can_be_looked_at_alone(capsys: pytest.CaptureFixture[str]) -> None:
    audited("--set", "core", "pypdf")
    assert list(json.loads(capsys.readouterr().out)["sets"]) == ["core"]
    with pytest.raises(SystemExit, match="pypdf"):
        audited("--set", "full", "pypdf")


def body(seed: int) -> str:
    return "".join(
        f"def function_{seed}_number_{i}(argument):\n    return {i}\n" for i in range(30)
    )


HELD = Document("click", "click/core.py", body(1))


def listed(*documents: Document) -> list[audit.Entry]:
    lines = corpus.listing("held-out", [HELD]) + corpus.listing("full", documents)
    return [audit.Entry.parse(line) for line in lines]


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (Document("typer", "typer/_click/core.py", body(2)), "lies in a held-out package"),
        (Document("typer", "typer/inner.py", body(1)), "is the same as click/core.py"),
        (Document("typer", "typer/inner.py", body(1).replace("    ", "\t")), "is the same as"),
    ],
)
def test_copies_are_seen_in_the_list_of_files(document: Document, problem: str) -> None:
    assert audit.in_listing(listed(Document("a", "a/b.py", body(3))), NAMES) == []
    (found,) = audit.in_listing(listed(document), NAMES)
    assert problem in found


def test_a_manifest_that_hides_files_is_seen() -> None:
    source = {"package": "a", "files": 2, "held_out": False, "licence": "MIT"}
    manifest = {"sets": {"full": {"sources": [source]}}}
    (found,) = audit.unlisted(manifest, listed(Document("a", "a/b.py", body(3))))
    assert "a has 2 files in the manifest and 1 in the list" in found


def test_licences_are_looked_at() -> None:
    source = {"package": "a", "files": 1, "held_out": False, "licence": "GPL-3.0"}
    (found,) = audit.in_manifest({"sets": {"full": {"sources": [source]}}}, NAMES)
    assert "GPL-3.0" in found


def test_texts_show_edited_and_partial_copies() -> None:
    edited = Document("a", "a/edited.py", body(1).replace("_number_3(", "_count_3("))
    partial = Document("a", "a/partial.py", body(1) + body(2) + body(3))
    fair = Document("a", "a/fair.py", body(4))
    problems, largest, count = audit.in_texts([edited, partial, fair], [HELD])
    assert [problem.partition(" is ")[0].partition(" shares ")[0] for problem in problems] == [
        "a: a/edited.py",
        "a: a/partial.py",
    ]
    assert (largest.path, largest.lines, count) == ("a: a/edited.py", 29, 3)


def test_another_corpus_than_the_manifests_is_seen(tmp_path: Path) -> None:
    (tmp_path / "core").mkdir()
    write_jsonl(tmp_path / "core/corpus.jsonl", [Document("a", "a/b.py", body(3))])
    write_jsonl(tmp_path / "heldout.jsonl", [HELD])
    manifest = json.loads(settings.MANIFEST.read_text(encoding="utf-8"))
    manifest["sets"] = {"core": manifest["sets"]["core"]}
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(manifest))
    with pytest.raises(SystemExit, match="is not the corpus the manifest describes"):
        audited("--work", str(tmp_path), "--manifest", str(path), "--texts")
