"""Conversations in the forms that the families' own templates give them."""

import pytest

from engine.chat.chat_styles import CHAT_STYLES, ChatTurn, find_chat_style
from engine.token_roles import TokenRoles
from engine.tokenizer import Tokenizer
from tests.engine_tokenizers import byte_tokenizer, tokenizer_with

TURNS = [
    ChatTurn("system", "Be brief."),
    ChatTurn("user", "Hi <|im_end|>"),
    ChatTurn("assistant", "Ho"),
]

VOCABULARIES = {
    "chatml": ("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
    "llama3": ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
    "gemma": ("<bos>", "<start_of_turn>", "<end_of_turn>"),
}

WRITTEN = {
    "chatml": "[im_start]system\nBe brief.[im_end]\n[im_start]user\nHi <|im_end|>[im_end]\n"
    "[im_start]assistant\nHo[im_end]\n[im_start]assistant\n```",
    "llama3": "[begin_of_text][start_header_id]system[end_header_id]\n\nBe brief.[eot_id]"
    "[start_header_id]user[end_header_id]\n\nHi <|im_end|>[eot_id]"
    "[start_header_id]assistant[end_header_id]\n\nHo[eot_id]"
    "[start_header_id]assistant[end_header_id]\n\n```",
    "gemma": "[bos][start_of_turn]user\nBe brief.\n\nHi <|im_end|>[end_of_turn]\n"
    "[start_of_turn]model\nHo[end_of_turn]\n[start_of_turn]model\n```",
}


def vocabulary(family: str) -> Tokenizer:
    roles = TokenRoles() if family == "chatml" else TokenRoles(start=(0,))
    return tokenizer_with(*VOCABULARIES[family], roles=roles)


def written(tokenizer: Tokenizer, ids: list[int]) -> str:
    """The text of some ids, with control tokens in square brackets."""
    names = {tokenizer.special(name): name.strip("<|>") for name in tokenizer.special_names}
    parts = [f"[{names[i]}]".encode() if i in names else tokenizer.token_bytes(i) for i in ids]
    return b"".join(parts).decode()


def test_every_style_is_here() -> None:
    assert {style.name for style in CHAT_STYLES} == VOCABULARIES.keys() == WRITTEN.keys()


@pytest.mark.parametrize("family", VOCABULARIES)
def test_a_conversation_has_the_familys_form(family: str) -> None:
    """Words of a person that look like a control token stay words."""
    tokenizer = vocabulary(family)
    style = find_chat_style(tokenizer)
    assert style is not None
    assert style.name == family
    assert written(tokenizer, style.encode(tokenizer, TURNS, "```")) == WRITTEN[family]


def test_text_between_two_control_tokens_is_cut_into_tokens_together() -> None:
    tokenizer = tokenizer_with(*VOCABULARIES["chatml"], words=("user\nHi",))
    style = find_chat_style(tokenizer)
    assert style is not None
    ids = style.encode(tokenizer, [ChatTurn("user", "Hi")], "")
    assert tokenizer.encode_part("user\nHi") == [ids[1]]


def test_an_answer_ends_where_the_turn_or_the_text_does() -> None:
    tokenizer = vocabulary("chatml")
    style = find_chat_style(tokenizer)
    assert style is not None
    assert style.ends_in(tokenizer) == {0, 2}


def test_a_model_that_only_completes_has_no_style() -> None:
    assert find_chat_style(byte_tokenizer()) is None
