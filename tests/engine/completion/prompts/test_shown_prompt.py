"""A prompt as a person reads it."""

from engine.completion.prompts.shown_prompt import shown_prompt
from tests.engine_tokenizers import byte_tokenizer


def test_text_is_text_and_control_tokens_have_their_names():
    tokenizer = byte_tokenizer()
    end = tokenizer.special("<|endoftext|>")
    text = "x = 'é'\n"
    ids = [end, *tokenizer.encode_part(text), end, end]

    assert shown_prompt(tokenizer, ids) == f"<|endoftext|>{text}<|endoftext|><|endoftext|>"


def test_a_name_in_the_text_is_no_control_token():
    tokenizer = byte_tokenizer()
    assert shown_prompt(tokenizer, tokenizer.encode_part("<|endoftext|>")) == "<|endoftext|>"


def test_nothing_is_nothing():
    assert shown_prompt(byte_tokenizer(), []) == ""
