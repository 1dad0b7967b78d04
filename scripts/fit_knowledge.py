"""Fit the mixture of a bundled model and repository knowledge, and the threshold of what is shown.

    .venv/bin/python scripts/fit_knowledge.py --fetch          # the bundled default model
    .venv/bin/python scripts/fit_knowledge.py --model weights/spark-nano --data DIR

Questions are drawn from packages that the model was not trained on and that no benchmark uses
(``PACKAGES``); `engine.quality.knowledge_fit` does the rest.  Writes ``knowledge.json`` beside the
weights and its checksum into ``checksums.json``; the last line of stdout is one JSON object.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.knowledge.tuning import write_tuning
from engine.model_store.lookup import find_model
from engine.quality.knowledge_fit import FitPlan, fit_session
from engine.session import Session
from scripts.wheels import package_folders

PACKAGES = (
    "docutils==0.23",
    "gunicorn==26.2.0",
    "hypothesis==6.168.3",
    "markdown-it-py==4.2.0",
    "more-itertools==11.1.0",
    "paramiko==5.0.0",
    "peewee==4.5.1",
    "prompt-toolkit==3.0.53",
    "structlog==26.1.0",
    "tenacity==9.1.4",
)
"""Development packages: neither trained on nor held out."""


def main() -> None:
    """Fit, choose the threshold, write."""
    options = _options()
    folder = find_model(options.model)
    data = options.data or package_folders(options.work, PACKAGES, fetch=options.fetch)
    plan = FitPlan(options.questions, options.judged, options.seed, options.only_threshold)
    session = Session.open(str(folder), threads=options.threads)
    tuning = fit_session(session, data, plan, _show)
    session.close()
    write_tuning(folder, tuning)
    print(json.dumps({"folder": str(folder), "threshold": tuning.threshold} | tuning.fitted_on))


def _show(label: str, done: int, total: int) -> None:
    print(f"\r{label} {done} of {total}", end="\n" if done == total else "", file=sys.stderr)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", help="name or folder; default: the bundled default model")
    parser.add_argument("--data", type=Path, help="a folder with one folder for each package")
    parser.add_argument("--work", type=Path, default=Path(".train/knowledge"))
    parser.add_argument("--fetch", action="store_true", help="download PACKAGES into --work")
    parser.add_argument("--questions", type=int, default=240, help="of each of the two kinds")
    parser.add_argument("--judged", type=int, default=240, help="answers for the threshold")
    parser.add_argument("--only-threshold", action="store_true", help="keep the mixture")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
