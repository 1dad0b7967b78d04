"""The conductor, with a model that says a fixed text."""

import pytest
from msgspec.structs import replace

from engine.completion.completer import Completer, Listener
from engine.completion.stats import WaferMeter
from engine.errors import EngineError, PromptError
from engine.generation.generator import Generator
from engine.protocol.completion import CompletionRequest, TextChunk
from tests.canned import (
    CannedWafer,
    canned_completer,
    canned_machine_info,
    canned_model_info,
)
from tests.engine_tokenizers import tokenizer_with


def request(prefix="def f():\n    ", suffix="\n", **options):
    return CompletionRequest("a.py", prefix, suffix, **options)


def run(completer, request, on_text=lambda text: None, cancelled=lambda: False):
    return completer.complete(request, Listener(on_text, cancelled))


def complete(text, prefix="def f():\n    ", suffix="\n", **options):
    return run(canned_completer(text), request(prefix, suffix, **options))


def test_the_text_the_model_says_is_the_completion():
    completion = complete("return 1")
    assert (completion.text, completion.finish_reason) == ("return 1", "stop")
    assert completion.completion_tokens == len("return 1")
    assert completion.cached_tokens == 0


def test_the_limit_of_tokens_is_said():
    completion = complete("return 1", max_tokens=3)
    assert (completion.text, completion.finish_reason) == ("ret", "length")
    assert completion.completion_tokens == 3


def test_text_that_a_rule_cuts_is_not_generated():
    completion = complete("return 1\n\nclass A:\n    pass\n")
    assert (completion.text, completion.finish_reason) == ("return 1", "trimmed")
    assert completion.completion_tokens == len("return 1\n\nc")


def test_a_single_line_ends_at_its_line_end():
    completion = complete("return 1\n    more", multi_line=False)
    assert (completion.text, completion.finish_reason) == ("return 1", "stop")
    assert completion.completion_tokens == len("return 1\n")


def test_nothing_to_say_is_an_empty_text():
    completion = complete("")
    assert (completion.text, completion.finish_reason) == ("", "stop")
    assert completion.completion_tokens == 0
    assert completion.host.tokens_per_second is None


def test_an_unfinished_character_is_left_out():
    assert complete("a€", max_tokens=3).text == "a"


def test_text_so_far_is_reported_as_it_grows():
    seen = []
    run(canned_completer("x = 1 "), request(), seen.append)
    assert seen == ["x", "x =", "x = 1"]


def test_a_private_file_is_refused():
    with pytest.raises(PromptError, match=r"\.env is private"):
        run(canned_completer("x"), CompletionRequest("config/.env", "A=", ""))


def test_line_ends_of_another_kind_make_no_difference():
    completer = canned_completer("x = 1")
    plain = run(completer, request("a\n    ", "\nb\n"))
    other = run(completer, request("a\r\n    ", "\r\nb\r\n"))
    assert other.prompt_tokens == plain.prompt_tokens
    assert other.cached_tokens == plain.prompt_tokens - 1


def test_typing_on_keeps_the_cache():
    completer = canned_completer("return 1")
    first = run(completer, request("def f():\n    r"))
    second = run(completer, request("def f():\n    re"))
    assert second.cached_tokens == first.prompt_tokens


def test_a_cancelled_request_says_so_and_keeps_the_cache():
    completer = canned_completer("return 1")
    seen = []
    first = run(completer, request(), seen.append, lambda: len(seen) == 2)
    assert (first.finish_reason, first.text) == ("cancelled", "re")
    assert run(completer, request()).cached_tokens == first.prompt_tokens - 1


def test_a_sampling_setting_outside_its_range_is_refused():
    with pytest.raises(EngineError, match="temperature -1"):
        complete("x", temperature=-1.0)


def test_a_completion_names_its_model():
    assert complete("x").model == "canned"


def test_the_room_for_the_text_must_leave_room_for_a_prompt():
    with pytest.raises(PromptError, match="max_tokens 600 leaves no room"):
        complete("x", max_tokens=600)


def test_in_an_empty_file_nothing_is_indented():
    seen = []
    assert run(canned_completer("    return self.x"), request("", ""), seen.append).text == ""
    assert seen == []


def test_a_text_is_no_deeper_than_python_reads_it_there():
    seen = []
    done = run(
        canned_completer("    if x == 0:\n        y = 1"), request("x = 1\n", ""), seen.append
    )
    assert done.text == "if x == 0:\n    y = 1"
    assert all(not text.startswith(" ") for text in seen), "it would jump when it is complete"


@pytest.mark.parametrize("sign", ["\x9b", "\u202e", "\u200b", "\x1b"])
def test_what_a_model_says_ends_where_nobody_could_see_it(sign):
    assert complete(f"return 1{sign}2").text == "return 1"


def test_how_likely_each_token_is_is_told_with_its_place():
    completion = complete("return 1")
    ends = [end for end, _ in completion.likelihoods]
    assert ends == list(range(1, 9))
    assert all(0.9 < share <= 1 for _, share in completion.likelihoods)


def test_places_count_from_the_text_that_is_left():
    completion = complete(" x", prefix="y\nx = ")
    assert (completion.text, [end for end, _ in completion.likelihoods]) == ("x", [1])
    cut = complete("return 1\n\nclass A:\n    pass\n")
    assert [end for end, _ in cut.likelihoods] == list(range(1, 9))
    assert cut.held_back == "the block ends there"


def test_the_prompt_is_told_as_the_model_reads_it():
    prompts = []
    canned_completer("1").complete(request("x = ", "\ny"), Listener(on_prompt=prompts.append))
    (prompt,) = prompts
    assert "a.py" in prompt
    assert prompt.endswith("x = ") or "<|fim" in prompt


def test_another_threshold_decides_instead_of_the_models():
    completer = canned_completer("return 1")
    assert completer.complete(request(), Listener()).shown
    assert not completer.complete(request(), Listener(), threshold=-1e-9).shown
    assert completer.complete(request(), Listener(), threshold=-3.0).shown


def test_stretches_that_a_client_brings_along_are_read_unless_they_are_private(tmp_path):
    wafer = CannedWafer("1", context_length=2048)
    meter = WaferMeter(canned_machine_info(), wafer.placed, wafer.context_length)
    marks = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|repo_name|>", "<|file_sep|>")
    tokenizer = tokenizer_with("<|endoftext|>", "<|im_start|>", *marks)
    completer = Completer(canned_model_info(), tokenizer, Generator(wafer), meter, None)
    chunks = (
        TextChunk("b.py", "B = 'a stretch that is long enough'\r\n"),
        TextChunk(".env", "KEY = 'a secret that is long enough'"),
        TextChunk("own.txt", "own = 'private by a pattern of mine'"),
    )
    prompts = []
    asked = request("x = ", "\ny", chunks=chunks, private_patterns=("own.txt",))
    completer.complete(asked, Listener(on_prompt=prompts.append))
    assert "<|file_sep|>b.py\nB = 'a stretch that is long enough'\n" in prompts[0]
    assert "secret" not in prompts[0]
    assert "pattern of mine" not in prompts[0]
    inside = replace(asked, repository=str(tmp_path))
    completer.complete(replace(inside, path="c.py"), Listener(on_prompt=prompts.append))
    assert "stretch" not in prompts[1]  # no such file is there
    for name in ("b.py", ".env", "own.txt"):
        (tmp_path / name).write_text("saved")
    completer.complete(replace(inside, path="d.py"), Listener(on_prompt=prompts.append))
    assert "<|file_sep|>b.py\nB = 'a stretch that is long enough'\n" in prompts[2]
    assert "secret" not in prompts[2]
    assert "pattern of mine" not in prompts[2]
