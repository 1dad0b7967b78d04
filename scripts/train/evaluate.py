"""Measure a model on held-out files: loss, bits per byte, fill-in-the-middle.

Reads the held-out corpus only; changes no weights.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import torch

from engine.packing import fim
from scripts.train import precision, weights_file
from scripts.train.model import Llama, ModelConfig
from scripts.train.pack import Encoder
from scripts.train.sources import Document, read_jsonl

WINDOW = 512

Cut = Callable[[str, random.Random], fim.MiddleHole | None]


@dataclass(frozen=True, slots=True)
class Loss:
    """Plain left-to-right prediction of held-out code."""

    nats_a_token: float
    bits_a_byte: float
    tokens: int


@dataclass(frozen=True, slots=True)
class FimScore:
    """Greedy answers to rest-of-line questions."""

    exact: float
    """Share of answers equal to the text left out, up to spaces at its end."""

    first_token: float
    """Share of answers whose first token is right."""

    count: int


@dataclass(frozen=True, slots=True)
class Question:
    """A place in a held-out file with the text left out there."""

    package: str
    parts: fim.CutText


def load_weights(folder: Path, device: str) -> Llama:
    """Load an exported weights folder."""
    known = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    names = {field.name for field in fields(ModelConfig)}
    model = Llama(ModelConfig(**{k: v for k, v in known.items() if k in names}))
    tensors = weights_file.read(folder)
    model.load_state_dict({name: torch.from_numpy(tensor) for name, tensor in tensors.items()})
    return model.to(device)


def held_out_documents(path: Path, seed: int = 7) -> list[Document]:
    """Return the held-out files in a fixed random order."""
    documents = list(read_jsonl(path))
    random.Random(seed).shuffle(documents)
    return documents


def loss_windows(
    documents: list[Document], encode: Encoder, windows: int, length: int = WINDOW
) -> list[tuple[list[int], int]]:
    """Return windows of tokens from the beginning of files, with their bytes.

    Every window begins with the end marker, so its first token is predicted too.  At most four
    windows come from one file.
    """
    found: list[tuple[list[int], int]] = []
    for document in documents:
        ids = encode(document.text)
        for first in range(0, min(len(ids), 4 * length), length):
            part = ids[first : first + length]
            size = len(encode.decode_bytes(part))
            found.append(([encode.ids.end, *part], size))
            if len(found) == windows:
                return found
    return found


@torch.no_grad()
def measure_loss(model: Llama, windows: list[tuple[list[int], int]], device: str) -> Loss:
    """Return mean loss over all tokens of the windows."""
    nats = tokens = size = 0.0
    for ids, bytes_here in windows:
        row = torch.tensor([ids], device=device)
        with precision.products(device, precision.fastest(device)):
            logits = model(row[:, :-1])
        losses = torch.nn.functional.cross_entropy(logits[0].float(), row[0, 1:], reduction="sum")
        nats += float(losses)
        tokens += len(ids) - 1
        size += bytes_here
    return Loss(nats / tokens, nats / math.log(2) / size, int(tokens))


def questions(documents: list[Document], count: int, cut: Cut, seed: int = 11) -> list[Question]:
    """Return places of one kind, one from a file in turn.  Deterministic."""
    generator, found = random.Random(seed), []
    while len(found) < count:
        for document in documents:
            hole = cut(document.text, generator)
            if hole is None or not document.text[hole.start : hole.end].strip():
                continue
            found.append(Question(document.package, fim.cut(document.text, hole)))
            if len(found) == count:
                break
    return found


def line_after_indent(text: str, generator: random.Random) -> fim.MiddleHole | None:
    """Cut one whole line of eight characters or more, the cursor after its indentation."""
    start, end = fim.line_bounds(text, generator.randrange(len(text)))
    line = text[start:end]
    if len(line.strip()) < 8:
        return None
    return fim.MiddleHole(end - len(line.lstrip()), end, "lines")


def without_suffix(question: Question) -> Question:
    """Return the same place at the end of its file."""
    parts = question.parts
    return Question(question.package, fim.CutText(parts.prefix, parts.typed, parts.middle, ""))


def prompt(question: Question, encode: Encoder, order: str = "typed") -> list[int]:
    """Return the tokens of a question: 1,200 characters before, 500 after the cursor."""
    parts = question.parts
    near = fim.CutText(parts.prefix[-1200:], parts.typed, "", parts.suffix[:500])
    near = fim.CutText(_from_line_start(near.prefix, parts.prefix), near.typed, "", near.suffix)
    arranged = fim.arrange(near, order, encode.ids, encode, 640)
    if arranged is None:
        raise ValueError(f"the typed part has {len(parts.typed)} characters: no room for context")
    return arranged[0][:-1]


def _from_line_start(near: str, whole: str) -> str:
    return near if len(near) == len(whole) else near[near.find("\n") + 1 :]


@torch.no_grad()
def greedy(model: Llama, tokens: list[int], end: int, limit: int, device: str) -> list[int]:
    """Continue a prompt with the likeliest tokens up to the end marker.

    Computes the whole window anew for each token: slow and obviously right.
    """
    answer: list[int] = []
    while len(answer) < limit:
        row = torch.tensor([tokens + answer], device=device)
        with precision.products(device, precision.fastest(device)):
            hidden = model.hidden(row)[:, -1]
            token = int(model.head(hidden).argmax())
        if token == end:
            break
        answer.append(token)
    return answer


def measure_fim(
    model: Llama, asked: list[Question], encode: Encoder, device: str, order: str = "typed"
) -> tuple[FimScore, list[dict[str, str]]]:
    """Ask every question; return the score and the first eight answers in full."""
    exact = first = 0
    answers = []
    for index, question in enumerate(asked):
        truth = question.parts.middle
        wanted = encode(truth)
        # An answer that has not ended a little after the true length is wrong anyway.
        limit = len(wanted) + 4
        before = prompt(question, encode, order)
        opening = greedy(model, before, encode.ids.end, 1, device)
        first += opening == wanted[:1]
        # Another first token can still lead to the same text, cut differently.
        if index >= 8 and not truth.encode().startswith(encode.decode_bytes(opening) or b"\n"):
            continue
        got = greedy(model, before, encode.ids.end, limit, device)
        text = encode.decode_bytes(got).decode("utf-8", "replace")
        exact += text.rstrip() == truth.rstrip()
        if index < 8:
            answers.append({"typed": question.parts.typed, "truth": truth, "answer": text})
    count = len(asked)
    return FimScore(exact / count, first / count, count), answers
