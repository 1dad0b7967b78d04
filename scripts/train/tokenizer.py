"""Learn a byte-level BPE for Python.  Reads the core set, writes ``WORK/tokenizer.json``."""

from __future__ import annotations

import argparse
import logging
import random
from collections.abc import Iterator
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from scripts.train import settings
from scripts.train.sources import read_jsonl

log = logging.getLogger(__name__)

PIECES = (
    r"\r?\n[ \t\r\n]*"  # line ends with all the indentation that follows
    r"|[ \t]{2,}"  # other runs of spaces; the word after one carries no space
    r"| ?[\p{L}_]+"  # names, underscores inside
    r"|\p{N}"  # digits one by one
    r"| ?[^\s\p{L}\p{N}_]+"  # operators and brackets
    r"|\s+"
)
"""What merges may not cross.

A line's first word never takes a space of the indentation with it, so a prompt that ends with
the indentation reads just as the same place inside a file does.
"""

SAMPLE_BYTES = 60_000_000


def untrained() -> Tokenizer:
    """Return a tokenizer with the pieces set and no merges yet."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def sample(corpus: Path, limit_bytes: int) -> Iterator[str]:
    """Yield random documents up to a size.  Deterministic."""
    texts = [document.text for document in read_jsonl(corpus)]
    random.Random(0).shuffle(texts)
    for text in texts:
        limit_bytes -= len(text)
        if limit_bytes < 0:
            return
        yield text


def load(path: Path) -> Tokenizer:
    """Load a tokenizer that treats special tokens in its input as ordinary text."""
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.encode_special_tokens = True
    return tokenizer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``tokenizer``."""
    parser.add_argument("--vocabulary", type=int, default=settings.VOCABULARY)
    parser.add_argument("--sample-bytes", type=int, default=SAMPLE_BYTES)
    parser.add_argument("--force", action="store_true", help="learn it again")


def run(arguments: argparse.Namespace) -> None:
    """Learn the tokenizer, unless it is there."""
    path = arguments.work / "tokenizer.json"
    if path.exists() and not arguments.force:
        log.info("tokenizer.json exists; --force learns it again")
        return
    tokenizer = untrained()
    trainer = trainers.BpeTrainer(
        vocab_size=arguments.vocabulary,
        special_tokens=list(settings.SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = sample(arguments.work / settings.TOKENIZER_SET / "corpus.jsonl", arguments.sample_bytes)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.save(str(path))
    held = [document.text for document in read_jsonl(arguments.work / "heldout.jsonl")]
    tokens = sum(len(encoding.ids) for encoding in load(path).encode_batch_fast(held))
    size = sum(len(text.encode()) for text in held)
    log.info(
        "%d tokens; %.2f bytes a token on held-out code", tokenizer.get_vocab_size(), size / tokens
    )
