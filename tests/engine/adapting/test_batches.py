"""Rows to learn from can have the form in which the app asks, and say how much a token counts."""

import msgspec
import numpy as np
import pytest

from engine.adapting.batches import asked_recipe, epoch_parts
from engine.adapting.marked_encoder import ModelEncoder
from engine.adapting.repository_texts import LearnableFile
from engine.adapting.told_elsewhere import LEAST_WORTH, ToldElsewhere
from engine.completion.prompts.prompt import PromptBuilder
from engine.completion.prompts.prompt_styles import find_style
from engine.knowledge.context_index import DEPTH
from engine.knowledge.forecast import blend
from engine.knowledge.text_index import TextIndex
from engine.model_store.bundled import default_bundled
from engine.packing.examples import MIDDLE, examples
from engine.packing.neighbours import FileNeighbours
from engine.tokenizer import Tokenizer
from tests.engine.adapting.conftest import PLAN, module_text

TRAINED = msgspec.structs.replace(PLAN, as_asked=False)


@pytest.fixture(scope="module")
def encode() -> ModelEncoder:
    return ModelEncoder("spark-nano", Tokenizer.load(default_bundled()))


def modules(count: int, letters: int) -> list[LearnableFile]:
    return [
        LearnableFile("shop", f"shop/module_{i}.py", module_text(i)[:letters]) for i in range(count)
    ]


def test_a_row_with_a_hole_is_the_prompt_that_the_app_asks_with(encode) -> None:
    tokenizer = encode.tokenizer
    style = find_style(tokenizer, "spark-nano")
    app = PromptBuilder(tokenizer, 2048, style, max_prompt_tokens=1024, healing=False)
    files, seen = modules(20, 1_000), 0
    for file in files:
        (example,) = examples(file, FileNeighbours(files), encode, 1024, asked_recipe([1024]))
        size = example.flags.count(MIDDLE)
        if not size:
            continue
        asked = example.tokens[:-size]
        behind, at = asked.index(encode.ids.suffix), asked.index(encode.ids.middle)
        above = tokenizer.decode_bytes(asked[at + 1 :]).decode()
        below = tokenizer.decode_bytes(asked[behind + 1 : at]).decode()
        assert asked == app.build(file.path, above, below, 64).ids
        assert file.text.startswith(above)
        assert file.text.endswith(below)
        seen += 1
    assert seen > 10  # most of them


def test_a_middle_counts_threefold_and_what_others_tell_hardly(encode) -> None:
    files = modules(4, 1_000)
    told = ToldElsewhere(files, encode)
    parts = epoch_parts(files, encode, 0, PLAN, told)
    counts = np.concatenate([part.counts[part.targets != encode.pad] for part in parts])
    assert counts.max() == 3.0
    assert counts[counts > 0].min() < 0.3  # ``amount_`` in all of them
    for first, second in zip(parts, epoch_parts(files, encode, 0, PLAN, told), strict=True):
        assert (first.tokens == second.tokens).all()
        assert (first.counts == second.counts).all()


def test_what_another_file_tells_is_worth_less_and_what_the_own_does_is_not(encode) -> None:
    line = "        self.ledger.append(Posting(account, amount, currency))\n"
    mine = "class Book:\n    def add(self, account, amount, currency):\n" + line
    other = "class Journal:\n    def note(self, account, amount, currency):\n" + line * 9
    files = [LearnableFile("shop", "mine.py", mine), LearnableFile("shop", "other.py", other)]
    ids = encode(line)
    worth = ToldElsewhere(files, encode).worth("mine.py", ids)
    alone = ToldElsewhere(files[:1], encode).worth("mine.py", ids)
    assert worth.shape == alone.shape == (len(ids),)
    assert worth[0] == 1.0  # nothing stands before it
    assert worth[4:].mean() < 0.2
    assert worth.min() >= np.float32(LEAST_WORTH)
    assert (alone == 1.0).all()


def test_rows_are_as_the_bundled_models_were_trained_and_all_of_them_counts(encode) -> None:
    files = modules(4, 1_000)
    parts = epoch_parts(files, encode, 0, TRAINED)
    counts = np.concatenate([part.counts[part.targets != encode.pad] for part in parts])
    assert set(np.unique(counts)) == {0.0, 1.0, 3.0}


def test_what_is_told_is_what_the_expert_of_the_repository_forecasts(encode) -> None:
    files = modules(5, 800)
    index = TextIndex(encode.tokenizer, [(file.path, file.text) for file in files])
    ids = encode(files[0].text)
    worth = ToldElsewhere(files, encode).worth(files[0].path, ids)
    for at, token in enumerate(ids):
        found = blend(index.followers(ids[max(0, at - DEPTH) : at], {files[0].path}))
        told = 0.0 if found is None else found.shares[found.tokens == token].sum()
        assert worth[at] == pytest.approx(max(LEAST_WORTH, 1.0 - told), abs=1e-5)
