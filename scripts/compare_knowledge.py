"""Asks models the same questions with and without the repository: is its knowledge worth having?

    .venv/bin/python scripts/compare_knowledge.py --fetch --model spark-nano --model FILE.gguf
        [--suites line,mid,block,api,cross] [--n 500 500 200 200 200] [--records DIR]

The packages and the seed were fixed before the first run (``PACKAGES``): the six that training
never sees, and two first published in 2026, after every model here was trained.  Every answer is
written down at once, in ``--records``, with a stamp of the code and the numbers it came from; the
same command goes on where it was stopped.  Answers of other code are not added to: ``--renew``
drops them.  A report, then one JSON object as the last line.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.knowledge.tuning import find_tuning
from engine.own_sources import sources_digest
from engine.quality.answers import ModelAnswers
from engine.quality.bench import QualityBench
from engine.quality.paired import ask_pairs, paired_summary
from engine.session import Session
from scripts.bench.spread import rounded
from scripts.wheels import package_folders

ROOT = Path(__file__).resolve().parent.parent

PACKAGES = (
    "rich==15.0.0",
    "click==8.5.1",
    "jedi==0.20.1",
    "trio==0.35.0",
    "werkzeug==3.1.9",
    "verify-everything==0.2.16",
    "pydantic-handlebars==0.2.1",
)
"""Wheels; asyncio comes from the running Python.  The last two were first published in 2026."""

SEED = 2026
RECORDS = ROOT / "tests" / "data" / "comparison"
SUITES = {"line": 500, "mid": 500, "block": 200, "api": 200, "cross": 200}

ANSWERING = (
    *("completion/**/*.py", "generation/*.py", "knowledge/*.py", "repository/*.py"),
    *("tokenizer.py", "tokenization.py", "token_table.py", "token_roles.py"),
)
"""The sources on which an answer depends, given the model's logits."""


def main() -> None:
    """Fetch what is asked for, ask, report."""
    options = _options()
    data = package_folders(options.work, PACKAGES, fetch=options.fetch, library=["asyncio"])
    options.records.mkdir(parents=True, exist_ok=True)
    reports = {}
    for model in options.model:
        name = model_name(model)
        path = options.records / f"{name}.jsonl"
        if not options.report_only:
            ask(model, data, options.suites, path, options.threads, renew=options.renew)
        reports[name] = summaries(path)
    print(table(reports))
    print(json.dumps({"seed": SEED, "packages": [*PACKAGES, "asyncio"], "models": reports}))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", action="append", required=True, help="may be repeated")
    parser.add_argument("--suites", default=",".join(SUITES), help="names, comma between")
    parser.add_argument("--n", type=int, nargs="+", help="questions of each suite")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--fetch", action="store_true", help="download the packages with pip")
    parser.add_argument("--work", type=Path, default=ROOT / ".train" / "comparison")
    parser.add_argument("--records", type=Path, default=RECORDS, help="folder of all answers")
    parser.add_argument("--renew", action="store_true", help="drop answers of other code first")
    parser.add_argument("--report-only", action="store_true", help="ask nothing more")
    options = parser.parse_args()
    names = options.suites.split(",")
    unknown = sorted(set(names) - set(SUITES))
    if unknown or (options.n and len(options.n) != len(names)):
        parser.error(f"suites are {', '.join(SUITES)}; --n takes one number for each")
    options.suites = dict(zip(names, options.n or [SUITES[name] for name in names], strict=True))
    return options


def ask(
    model: str,
    data: Path,
    suites: dict[str, int],
    path: Path,
    threads: int | None,
    *,
    renew: bool = False,
) -> None:
    """Ask what is not in the file of records yet, and add it there.

    Raises:
        SystemExit: The file holds answers of other code, and they are not to be dropped.
    """
    bench = QualityBench(data, SEED)
    session = Session.open(model, threads=threads)
    try:
        stamp = stamp_of(session)
        keep_only(path, stamp, renew=renew)
        both = ModelAnswers(session, repository=True), ModelAnswers(session, repository=False)
        for kind, count in suites.items():
            known = frozenset(r["key"] for r in records(path) if r["kind"] == kind)
            for record in ask_pairs(bench, kind, count, *both, skip=known):
                with path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(rounded(record) | {"stamp": stamp}) + "\n")
                known |= {record["key"]}
                print(f"\r{path.stem} {kind} {len(known)} of {count}", end="", file=sys.stderr)
            print(file=sys.stderr)
    finally:
        session.close()


def model_name(model: str) -> str:
    """Return the name of a model, which may be given as its file; there may be points in it."""
    return Path(model).name.removesuffix(".gguf")


def stamp_of(session: Session) -> str:
    """Return what tells the answers of this code and these numbers from those of others."""
    info = session.model
    digest = sources_digest(ANSWERING)
    tuning = find_tuning(Path(info.folder), info.name, info.weight_bytes)
    mixture = None if tuning is None else tuning.mixture  # all is asked for: no threshold counts
    digest.update(msgspec.json.encode(mixture, order="sorted"))
    return digest.hexdigest()[:12]


def keep_only(path: Path, stamp: str, *, renew: bool) -> None:
    """Drop the records with another stamp, if that is asked for."""
    found = list(records(path))
    kept = [record for record in found if record.get("stamp") == stamp]
    if len(kept) == len(found):
        return
    if not renew:
        raise SystemExit(
            f"{path} holds {len(found) - len(kept)} answers of other code or numbers, which do not "
            f"belong together with new ones: give --renew to drop them, --records for another "
            f"folder, or --report-only"
        )
    text = "".join(json.dumps(record) + "\n" for record in kept)
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def records(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of a file; a last line that a kill cut short is none."""
    if path.exists():
        for line in path.read_text(encoding="utf-8").split("\n")[:-1]:
            yield json.loads(line)


def summaries(path: Path) -> dict[str, Any]:
    """Return the figures of each suite that has records."""
    found = list(records(path))
    kinds = [kind for kind in SUITES if any(record["kind"] == kind for record in found)]
    return {
        kind: paired_summary([record for record in found if record["kind"] == kind], SEED)
        | {"stamps": sorted({r.get("stamp", "none") for r in found if r["kind"] == kind})}
        for kind in kinds
    }


def table(reports: dict[str, Any]) -> str:
    """Return the figures for a person."""
    lines = [f"{'model':24} {'suite':6} {'n':>4} {'exact without → with':>21}  ratio (95 %)"]
    for model, suites in reports.items():
        for kind, each in suites.items():
            exact = [100 * each[side]["exact_match"] for side in ("without", "with")]
            ratios = (
                f"{name} {each[f'{name}_ratio']:.3f} ({low:.3f}–{high:.3f})"
                for name in ("exact", "bits")
                if each[f"{name}_ratio_ci"] is not None
                for low, high in [each[f"{name}_ratio_ci"]]
            )
            lines.append(
                f"{model:24} {kind:6} {each['n']:4} {exact[0]:8.1f} → {exact[1]:5.1f} %     "
                + "  ".join(ratios)
            )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
