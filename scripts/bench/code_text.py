"""Real code for prompts: this repository's own modules, one after the other."""

from scripts.bench.workers import ROOT, Worker

__all__ = ["code_text", "prompt_tokens"]

_BYTES_A_TOKEN = 8
"""More than any vocabulary packs into a token of code, on average."""


def code_text(size: int) -> str:
    """Return at least ``size`` characters of code, the same for the same checkout."""
    text = ""
    for path in sorted((ROOT / "engine").rglob("*.py")):
        text += path.read_text(encoding="utf-8")
        if len(text) >= size:
            break
    return text * -(-size // len(text))


def prompt_tokens(worker: Worker, prompt: int, decode: int) -> list[int]:
    """Return the first ``prompt`` tokens of the code, by the vocabulary of a worker's model.

    Raises:
        SystemExit: The model's context does not hold them and ``decode`` more.
    """
    context = worker.described["context_length"]
    if prompt + decode > context:
        raise SystemExit(
            f"{prompt} tokens and {decode} behind them: {worker.described['name']} holds "
            f"{context}; ask for fewer"
        )
    tokens: list[int] = worker.ask("encode", text=code_text(_BYTES_A_TOKEN * prompt))["tokens"]
    return tokens[:prompt]
