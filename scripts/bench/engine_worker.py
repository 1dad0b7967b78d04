"""The child that measures this engine: opens one model, then answers a line of JSON with another.

    python engine_worker.py '{"model": …, "threads": …}'

Runs the engine that PYTHONPATH leads to, which may be another checkout's, so it uses few and old
names of it and no other module of ours.  `scripts.bench.workers` is the other end.
"""

import json
import signal
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

Json = dict[str, Any]


class Engine:
    """A model on the fast tier, from an empty context each time."""

    def __init__(self, job: Json) -> None:
        began = perf_counter()
        from engine.model.load import load_model
        from engine.model_store.lookup import find_model
        from engine.tokenizer import Tokenizer
        from engine.wafer.plan.placed import open_placed
        from engine.wafer.program import machine
        from engine.wafer.tiers import find_tier

        place = find_model(job["model"])
        self.model = load_model(place)
        self.tokenizer = Tokenizer.load(place)
        placed = open_placed(self.model.graph, machine.get("wse3"), formats=self.model.formats)
        self.runner = find_tier("fast")(
            placed, self.model.tensors, threads=job["threads"], on_progress=lambda *step: None
        )
        self.open_seconds = perf_counter() - began

    def described(self) -> Json:
        """Return what is known without measuring: names, sizes, the work of a token."""
        from engine.generation.generator import PREFILL_CHUNK

        return {
            "name": self.model.name,
            "place": str(self.model.path),
            "path": self.runner.processor_path,
            "threads": self.runner.threads,
            "open_seconds": self.open_seconds,
            "parameters": self.model.parameters,
            "context_length": self.runner.context_length,
            "prefill_chunk": PREFILL_CHUNK,
            "vocabulary": self.model.graph.vocabulary,
            **work(self.runner.placed.program, self.model.tensors),
        }

    def encode(self, question: Json) -> Json:
        """Return the ids of a text."""
        return {"tokens": self.tokenizer.encode_part(question["text"], first=True)}

    def measure(self, question: Json) -> Json:
        """Prefill tokens from an empty context, then decode the likeliest ones behind them.

        Args:
            question: ``tokens``; ``decode``, how many at most; ``seconds``, after which decoding
                ends, too.

        Returns:
            ``prefill_seconds``, and ``token_seconds`` of every decoded token: its step and the
            choice of the next one.
        """
        from engine.generation.generator import PREFILL_CHUNK

        tokens = np.array(question["tokens"], np.int32)
        self.runner.rewind(0)
        began = perf_counter()
        for first in range(0, len(tokens), PREFILL_CHUNK):
            logits = self.runner.prefill(tokens[first : first + PREFILL_CHUNK])
        next_token = int(logits.argmax())
        prefilled = before = perf_counter()
        times: list[float] = []
        while len(times) < question["decode"] and before - prefilled < question["seconds"]:
            next_token = int(self.runner.decode(next_token).argmax())
            now = perf_counter()
            times.append(now - before)
            before = now
        return {"prefill_seconds": prefilled - began, "token_seconds": times}


def work(program: Any, tensors: Any) -> Json:
    """Return what a step asks of the host, from the Program's tables.

    Returns:
        ``weight_bytes``: bytes of the panels that one decoded token reads; ``file_bytes``: of the
        same tensors in the model's files; ``row_macs``: multiply–accumulates of products for every
        row of a step, ``step_macs``: those for its last row only (the head); ``attentions``: for
        each layer (query heads × dimensions, window).
    """
    from engine.wafer.program.isa import Field, Op

    counted = {"weight_bytes": 0, "file_bytes": 0, "row_macs": 0, "step_macs": 0}
    attentions = []
    for row in program.instructions:
        if row[Field.OP] == Op.ATTENTION:
            kind = program.attentions[row[Field.VARIANT]]
            attentions.append((kind.heads * kind.head_dim, kind.window))
        if row[Field.OP] == Op.MATMUL:
            matrix = program.matrices[row[Field.WEIGHT]]
            counted["weight_bytes"] += panel_bytes(matrix)
            counted["file_bytes"] += sum(tensors[name].size_bytes for name in matrix.tensors)
            macs = "step_macs" if row[Field.LAST_ROW] else "row_macs"
            counted[macs] += matrix.inputs * matrix.outputs
    return {**counted, "attentions": attentions}


def panel_bytes(matrix: Any) -> int:
    """Return the bytes of a matrix as the kernels read it."""
    from engine.wafer.fast.kernels.dot.panel_layout import GROUP, PANEL
    from engine.wafer.fast.panel_places import storage_of

    return sum(
        -(-width // PANEL) * storage_of(name).panel_bytes(matrix.inputs // GROUP)
        for width, name in zip(matrix.widths, matrix.formats, strict=True)
    )


def serve(engine: Any) -> None:
    """Describe the model, then answer questions until there are no more.

    Answers go where standard output was; what libraries print goes to standard error.
    """
    answers, sys.stdout = sys.stdout, sys.stderr
    print(json.dumps(engine.described()), file=answers, flush=True)
    for line in sys.stdin:
        question = json.loads(line)
        answer = getattr(engine, question.pop("ask"))(question)
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, which ends this
    sys.path.remove(str(Path(__file__).resolve().parent))
    from engine.errors import EngineError

    try:
        serve(Engine(json.loads(sys.argv[1])))
    except EngineError as error:
        raise SystemExit(str(error)) from None
