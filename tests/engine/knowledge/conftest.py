from functools import cache

import pytest
from tokenizers import Tokenizer as Backend
from tokenizers import pre_tokenizers, trainers

from engine.tokenizer import Tokenizer

CODE = """
def area(width, height):
    return width * height


class Shape:
    def __init__(self, name):
        self.name = name
        self.sides = []

    def add_side(self, side):
        self.sides.append(side)
        return self
"""


@cache
def code_tokenizer() -> Tokenizer:
    """A small byte-level vocabulary learnt from a few lines, in the pieces of spark-nano."""
    from scripts.train.tokenizer import untrained

    backend = untrained()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator([CODE * 3], trainer)
    return Tokenizer(Backend.from_str(backend.to_str()))


@pytest.fixture
def tokenizer() -> Tokenizer:
    return code_tokenizer()
