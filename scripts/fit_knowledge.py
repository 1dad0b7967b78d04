"""Fit the mixture of a model and repository knowledge, and the threshold of what is shown.

    .venv/bin/python scripts/fit_knowledge.py --fetch          # the bundled default model
    .venv/bin/python scripts/fit_knowledge.py --model weights/spark-nano --data DIR

Questions are drawn from packages that the model was not trained on and that no benchmark uses
(``PACKAGES``).  With the right answer dictated token by token, the coefficients that make it
likeliest are found by gradient descent; they do not see how often an answer comes out exactly.
Then other questions are answered, and the threshold is set where the estimated chance that a
suggestion is right falls below `WORTH_SHOWING`.  Writes ``knowledge.json`` beside the weights and
its checksum into ``checksums.json``; the last line of stdout is one JSON object.
"""

import argparse
import json
import math
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.completion.scoring import FollowedStep
from engine.generation.sampling import softmax
from engine.knowledge.advice import Opinion, line_ends
from engine.knowledge.mixture import Certainty
from engine.knowledge.tuning import EXPERTS, FILE, Tuning, load_tuning, write_tuning
from engine.model.catalogue import find_model, weights_sha256
from engine.protocol.completion import CompletionRequest
from engine.quality.corpus import read_corpus
from engine.quality.question_sampler import QuestionItem, QuestionSampler
from engine.session import Session

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

WORTH_SHOWING = 0.25
"""Least chance of being right at which a suggestion is shown: what one that helps is worth, and
what one that does not costs, as 0.75 to 0.25 (the reward that Cursor published for its model)."""

PENALTY = 1e-3
"""Of the squared coefficients, so that a rare feature stays near 0."""

STEPS = 800
RATE = 0.03

Rows = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Question:
    """A cursor and the rest of its line."""

    root: Path
    request: CompletionRequest
    answer: str


@dataclass(slots=True)
class Observed:
    """Forecasts of right tokens by the model and each expert.  n tokens, E experts, F features."""

    right: Rows
    """Probability of the right token, shape (n, 1 + E), the model first."""
    possible: Rows
    """Probability of all tokens that healing allows, same shape."""
    features: Rows
    """Shape (n, E, F), filled up with zeros."""
    present: NDArray[np.bool_]
    """Whether an expert says anything, shape (n, E)."""


def main() -> None:
    """Fit, choose the threshold, write."""
    options = _options()
    folder = find_model(options.model)
    data = options.data or _fetched(options.work, fetch=options.fetch)
    questions = list(_questions(data, options.questions, options.seed))
    # Every other one is kept for the threshold, and of those as many of each kind.
    fitted_on, rest = questions[::2], questions[1::2]
    judged_on = rest[:: max(1, len(rest) // options.judged)]
    session = Session.open(str(folder), threads=options.threads)
    if options.only_threshold:
        tuning = load_tuning(folder)
        if tuning is None:
            raise SystemExit(f"{folder} has no {FILE}: leave --only-threshold away")
    else:
        tuning = _fit(session, folder, fitted_on, data, options.seed)
    # With a threshold, as in the app, which makes the model say something; here it is all judged.
    session.tune(msgspec.structs.replace(tuning, threshold=-math.inf))
    tuning = with_threshold(tuning, _answer(session, judged_on))
    session.close()
    write_tuning(folder, tuning)
    print(json.dumps({"folder": str(folder), "threshold": tuning.threshold} | tuning.fitted_on))


def _fit(
    session: Session, folder: Path, questions: list[Question], data: Path, seed: int
) -> Tuning:
    """Return the tuning whose mixture makes the answers likeliest; without a threshold."""
    session.tune(_start())
    observed = _observe(session, questions)
    coefficients = fit(observed)
    before = loss(np.zeros_like(coefficients), observed, alone=True)
    facts = {
        "packages": sorted(path.name for path in data.iterdir() if path.is_dir()),
        "questions": len(questions),
        "tokens": len(observed.right),
        "nats_per_token_model": round(before, 4),
        "nats_per_token_mixed": round(loss(coefficients, observed), 4),
        "seed": seed,
    }
    return _tuning(folder, coefficients, facts)


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


# ── questions ───────────────────────────────────────────────────────────────────────────────


def _fetched(work: Path, *, fetch: bool) -> Path:
    """Return the folder with the development packages, one folder each."""
    data = work / "packages"
    if fetch and not data.exists():
        wheels = work / "wheels"
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "-q", "-d", str(wheels)]
        subprocess.run([*command, "--only-binary", ":all:", *PACKAGES], check=True)
        partial = work / "partial"
        for wheel in sorted(wheels.glob("*.whl")):
            with zipfile.ZipFile(wheel) as archive:
                names = [name for name in archive.namelist() if name.endswith(".py")]
                archive.extractall(partial / wheel.name.partition("-")[0], names)
        partial.rename(data)  # all of them or none
    if not data.is_dir():
        raise SystemExit(f"{data} is not there: give --data, or --fetch to download it")
    return data


def _questions(data: Path, count: int, seed: int) -> Iterator[Question]:
    """Yield whole lines and rests of lines; of the lines, half from behind the indentation."""
    items = QuestionSampler(read_corpus(data, seed), seed)
    for kind in ("line", "mid"):
        for i, item in enumerate(items.draw(kind, count)):
            yield _question(item, behind_indentation=kind == "line" and i % 4 < 2)


def _question(item: QuestionItem, *, behind_indentation: bool) -> Question:
    answer = item.target.rstrip()
    typed = len(answer) - len(answer.lstrip()) if behind_indentation else 0
    request = CompletionRequest(
        path=item.file.path,
        prefix=item.prefix + answer[:typed],
        suffix=item.suffix,
        multi_line=False,
        repository=str(item.file.root),
    )
    return Question(item.file.root, request, answer[typed:])


# ── what was said of the right tokens ───────────────────────────────────────────────────────


def _observe(session: Session, questions: list[Question]) -> Observed:
    """Dictate the answers and note what the model and the experts held of each token."""
    width = max(map(len, EXPERTS.values()))
    right, possible, features, present = [], [], [], []
    ends = line_ends(session.tokenizer)
    for i, question in enumerate(questions):
        session.read_repository(str(question.root))
        for step in session.follow(question.request, question.answer):
            assert step.advice is not None  # the request names a repository
            shares = softmax(step.logits)
            shares /= shares.sum()
            opinion = step.advice.opinion(Certainty.of(shares))
            wanted = ends if step.token is None else np.array([step.token])
            held = _held(shares, opinion, wanted)
            right.append(held)
            possible.append(_held(shares, opinion, _allowed(step)))
            filled = np.zeros((len(EXPERTS), width))
            for expert, own in enumerate(opinion.features):
                if own is not None:
                    filled[expert, : len(own)] = own
            features.append(filled)
            present.append([own is not None for own in opinion.features])
        print(f"\rdictated {i + 1} of {len(questions)}", end="", file=sys.stderr)
    print(file=sys.stderr)
    return Observed(
        np.array(right), np.array(possible), np.array(features), np.array(present, bool)
    )


def _allowed(step: FollowedStep) -> NDArray[np.int64] | None:
    return None if step.allowed is None else np.array(step.allowed)


def _held(shares: Rows, opinion: Opinion, tokens: NDArray[np.int64] | None) -> list[float]:
    """Return the probability that the model and each expert give a set of tokens; None: all."""
    held = [1.0 if tokens is None else float(shares[tokens].sum())]
    for forecast in opinion.forecasts:
        if forecast is None:
            held.append(0.0)
        elif tokens is None:
            held.append(1.0)
        else:
            held.append(float(forecast.shares[np.isin(forecast.tokens, tokens)].sum()))
    return held


# ── fitting ─────────────────────────────────────────────────────────────────────────────────


def mixture_weights(coefficients: Rows, observed: Observed) -> Rows:
    """Return the weights of the model and the experts for every token, shape (n, 1 + E)."""
    scores = np.einsum("nef,ef->ne", observed.features, coefficients)
    scores = np.where(observed.present, scores, -np.inf)
    scores = np.concatenate([np.zeros((len(scores), 1)), scores], axis=1)
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    result: Rows = powers / powers.sum(axis=1, keepdims=True)
    return result


def loss(coefficients: Rows, observed: Observed, *, alone: bool = False) -> float:
    """Return nats per right token, of the mixture or of the model alone."""
    if alone:
        return float(-np.log(observed.right[:, 0] / observed.possible[:, 0]).mean())
    weights = mixture_weights(coefficients, observed)
    right = (weights * observed.right).sum(axis=1)
    possible = (weights * observed.possible).sum(axis=1)
    return float(-np.log(right / possible).mean())


def gradient(coefficients: Rows, observed: Observed) -> Rows:
    """Return the derivative of the loss and its penalty, shape (E, F)."""
    weights = mixture_weights(coefficients, observed)
    right = (weights * observed.right).sum(axis=1, keepdims=True)
    possible = (weights * observed.possible).sum(axis=1, keepdims=True)
    pull = weights * (observed.right / right - observed.possible / possible)
    slope: Rows = np.einsum("ne,nef->ef", pull[:, 1:], observed.features)
    return -slope / len(weights) + PENALTY * coefficients


def fit(observed: Observed) -> Rows:
    """Return the coefficients of the likeliest mixture, shape (E, F), by Adam's rule.

    Source:
        Kingma and Ba, "Adam" (2015), with the usual 0.9 and 0.99.
    """
    coefficients = np.zeros(observed.features.shape[1:])
    mean, spread = np.zeros_like(coefficients), np.zeros_like(coefficients)
    for step in range(1, STEPS + 1):
        slope = gradient(coefficients, observed)
        mean = 0.9 * mean + 0.1 * slope
        spread = 0.99 * spread + 0.01 * slope**2
        unbiased = np.sqrt(spread / (1 - 0.99**step)) + 1e-8
        coefficients -= RATE * mean / (1 - 0.9**step) / unbiased
    return coefficients


def _start() -> Tuning:
    """Return a tuning with which advice can be asked for before anything is fitted."""
    mixture = {name: dict.fromkeys(features, 0.0) for name, features in EXPERTS.items()}
    return Tuning(mixture, None, "", {})


def _tuning(folder: Path, coefficients: Rows, fitted_on: dict[str, object]) -> Tuning:
    mixture = {
        expert: {name: round(float(c), 4) for name, c in zip(names, own, strict=False)}
        for (expert, names), own in zip(EXPERTS.items(), coefficients, strict=True)
    }
    return Tuning(mixture, None, weights_sha256(folder), fitted_on)


# ── the threshold ───────────────────────────────────────────────────────────────────────────


def _answer(session: Session, questions: list[Question]) -> list[tuple[float, bool]]:
    """Return (mean log-probability, whether it is right) of the answers that are not empty."""
    answers = []
    for i, question in enumerate(questions):
        session.read_repository(str(question.root))
        completion = session.complete(question.request)
        if completion.text.strip() and completion.mean_logprob is not None:
            right = completion.text.rstrip() == question.answer.rstrip()
            answers.append((completion.mean_logprob, right))
        print(f"\ranswered {i + 1} of {len(questions)}", end="", file=sys.stderr)
    print(file=sys.stderr)
    return answers


def chance_of_being_right(answers: list[tuple[float, bool]]) -> tuple[float, float]:
    """Return (a, b): the chance at a mean log-probability m is 1 / (1 + exp(−a − b·m)).

    Logistic regression by Newton's rule, its slope held back a little.
    """
    m = np.array([mean for mean, _ in answers])
    y = np.array([right for _, right in answers], float)
    design = np.stack([np.ones_like(m), m], axis=1)
    beta = np.zeros(2)
    for _ in range(50):
        p = 1 / (1 + np.exp(-design @ beta))
        slope = design.T @ (p - y) + 1e-2 * beta
        bend = (design.T * (p * (1 - p))) @ design + 1e-2 * np.eye(2)
        beta -= np.linalg.solve(bend, slope)
    return float(beta[0]), float(beta[1])


def with_threshold(tuning: Tuning, answers: list[tuple[float, bool]]) -> Tuning:
    """Return the tuning with the threshold that the answers give, and what it does to them."""
    a, b = chance_of_being_right(answers)
    threshold = round((np.log(WORTH_SHOWING / (1 - WORTH_SHOWING)) - a) / b, 3)
    shown = [right for mean, right in answers if mean >= threshold]
    facts = {
        "threshold_answers": len(answers),
        "threshold_least_chance": WORTH_SHOWING,
        "right_of_all": round(sum(right for _, right in answers) / len(answers), 4),
        "right_of_shown": round(sum(shown) / max(len(shown), 1), 4),
        "shown": round(len(shown) / len(answers), 4),
    }
    return Tuning(tuning.mixture, float(threshold), tuning.weights_sha256, tuning.fitted_on | facts)


if __name__ == "__main__":
    main()
