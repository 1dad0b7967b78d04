"""Compare the fp32 reference with transformers, family by family, on tiny models of random weights.

Needs a Python with torch, transformers, safetensors and msgspec, apart from the project's own:

    python -m venv ../peer && ../peer/bin/pip install torch transformers safetensors msgspec
    ../peer/bin/python scripts/parity_transformers.py            # compare
    ../peer/bin/python scripts/parity_transformers.py --golden   # and write the tests' numbers

A model passes if its logits differ by at most 1e-4 of the largest and 64 greedy tokens are equal.
Prints a table, then one JSON object as the last line; exits 1 if a model fails.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.model.families import read_config
from engine.model.formats.checked_tensors import load_float_tensors
from engine.model.reference.fp32 import Fp32Reference
from tests.tiny_families import FAMILY_CONFIGS, PROMPT, write_family

GOLDEN = Path(__file__).resolve().parent.parent / "tests" / "golden" / "families"
TOLERANCE = 1e-4
GREEDY = 64
KEPT = 3
"""Positions whose logits are kept as golden numbers: the prompt's last."""


@dataclass(frozen=True)
class Parity:
    """How one tiny model compares."""

    model: str
    parameters: int
    largest_relative: float
    """Largest difference of logits, relative to the largest logit."""
    equal_tokens: int
    """Greedy tokens before the first difference, of `GREEDY`."""

    @property
    def passed(self) -> bool:
        """Whether it is within the limits."""
        return self.largest_relative <= TOLERANCE and self.equal_tokens == GREEDY


class Peer:
    """A model in transformers, with the weights of a folder."""

    def __init__(self, folder: Path, fields: dict[str, Any]) -> None:
        own = {name: value for name, value in fields.items() if name != "model_type"}
        config = transformers.AutoConfig.for_model(fields["model_type"], **own)
        self.model = transformers.AutoModelForCausalLM.from_config(
            config, attn_implementation="eager", dtype=torch.float32
        )
        self.model.eval()
        shapes = {
            name: tuple(value.shape)
            for name, value in self.model.state_dict().items()
            if not (name == "lm_head.weight" and fields["tie_word_embeddings"])
        }
        tensors = write_family(folder, fields, shapes)
        state = {name: torch.from_numpy(values) for name, values in tensors.items()}
        unfilled = self.model.load_state_dict(state, strict=False).missing_keys
        if set(unfilled) - {"lm_head.weight"}:
            raise SystemExit(f"{folder.name}: no weights for {unfilled}")
        self.model.tie_weights()

    def logits(self, tokens: list[int]) -> np.ndarray:
        """Return the logits of a whole sequence."""
        with torch.no_grad():
            return self.model(torch.tensor([tokens]), use_cache=False).logits[0].numpy()

    def greedy(self, tokens: list[int], count: int) -> list[int]:
        """Return the tokens that follow, each the likeliest."""
        row = list(tokens)
        for _ in range(count):
            row.append(int(self.logits(row)[-1].argmax()))
        return row[len(tokens) :]


def compare(name: str, folder: Path, golden: bool) -> Parity:
    """Compare one tiny model, and keep what transformers says of it if asked."""
    fields = FAMILY_CONFIGS[name]
    peer = Peer(folder, fields)
    config = read_config(folder / "config.json")
    graph = config.graph(name)
    reference = Fp32Reference(graph, load_float_tensors(folder, graph, None, config.adapt))
    tokens = list(PROMPT)
    expected, found = peer.logits(tokens), reference.forward(tokens)
    relative = float(np.abs(found - expected).max() / np.abs(expected).max())
    continued = peer.greedy(tokens, GREEDY)
    if golden:
        write_golden(name, expected[-KEPT:], continued)
    equal = 0
    row = reference.prefill(tokens)
    for token in continued:
        if int(row.argmax()) != token:
            break
        equal += 1
        row = reference.decode(token)
    return Parity(name, graph.parameters, relative, equal)


def write_golden(name: str, logits: np.ndarray, continued: list[int]) -> None:
    """Keep the logits after the prompt's last tokens, and the greedy tokens that follow."""
    rows = [[float(f"{value:.7g}") for value in row] for row in logits]
    kept = {"transformers": transformers.__version__, "greedy": continued, "logits": rows}
    GOLDEN.mkdir(parents=True, exist_ok=True)
    (GOLDEN / f"{name}.json").write_text(json.dumps(kept) + "\n")


def main() -> int:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--golden", action="store_true", help="write the tests' golden numbers")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the models' folders here")
    parser.add_argument("names", nargs="*", help="models to compare; all unless given")
    options = parser.parse_args()
    torch.manual_seed(0)
    print(f"{'model':14} {'parameters':>10} {'relative':>9} {'greedy':>7}")
    results = []
    with tempfile.TemporaryDirectory() as temporary:
        for name in options.names or FAMILY_CONFIGS:
            folder = (options.keep or Path(temporary)) / name
            result = compare(name, folder, options.golden)
            results.append(result)
            print(
                f"{name:14} {result.parameters:10,} {result.largest_relative:9.1e} "
                f"{result.equal_tokens:3}/{GREEDY} {'' if result.passed else 'FAILED'}"
            )
    passed = all(result.passed for result in results)
    report = {"transformers": transformers.__version__, "passed": passed}
    print(json.dumps(report | {"models": [asdict(result) for result in results]}))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
