"""Runs llama.cpp's own tests of its server against `spark-tui serve`.

    .venv/bin/python scripts/try_llama_tests.py --tests DIR --python PYTHON
        [--model spark-nano] [--chat-model M] [--file NAME …]

DIR is ``tools/server/tests`` of llama.cpp's sources, which stay where they are; PYTHON has what
their requirements.txt names.  The tests ask a server that runs already (their DEBUG_EXTERNAL).
What they say of the words of one story model is passed over.  A test that fails must be explained
in `REASONS`; ends with 1 where one is not.  The last line is JSON.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from urllib.error import URLError
from urllib.request import urlopen
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]

KEY = "sk-this-is-the-secret-key"
"""What the tests of keys send."""
FILES = ("basic", "infill", "completion", "chat_completion", "security")
WITH_CHAT = ("chat_completion",)
WITH_KEY = ("security",)
START_SECONDS = 300.0

STORY = "counts tokens, context or slots of the story model that it would start"
OPTION = "starts a server with an option of llama.cpp's own"
PROBABILITIES = "no probabilities are told: the mixture's are not the model's"
TOKENS = "prompts are text: token ids belong to one vocabulary"
GRAMMAR = "no grammars and schemas: refused with the field's name"
TEMPLATE = "no templates: they are programs and are never run"
LANGUAGE = "another language (Anthropic's, images)"
CODE = "a text for code ends where the code ends, whatever length is asked"

REASONS: tuple[tuple[str, str], ...] = (
    (r"test_server_(multiple_addresses|model_aliases_and_tags)", OPTION),
    (r"test_server_(props|models|slots)", STORY),
    (r"test_(load_split_model|no_ui)", OPTION),
    (r"test_access_static_assets", "there is no web page"),
    (r"test_cors_", "no page may ask unless its origin is named: refused, not marked by headers"),
    (r"test_local_media_file|_mtm|anthropic_header", LANGUAGE),
    (r"test_completion(_stream)?\[", STORY),
    (r"test_completion_(unified|parallel_slots)|test_nocache_long", STORY),
    (r"test_completion_with_tokens_input", TOKENS),
    (r"test_n_probs|test_logprobs|test_logit_bias", PROBABILITIES),
    (r"test_completion_prompt_cache", STORY),
    (r"test_return_progress", "counts batches of a prompt, of which there are none"),
    (r"test_completion_with_(response_format|json_schema|grammar|invalid_grammar)", GRAMMAR),
    (r"test_(chat_template|apply_chat_template)", TEMPLATE),
    (r"test_chat_completion(_stream|_with_timings_per_token|_cached_tokens)?(\[|$)", STORY),
    (r"test_context_size_exceeded", "a conversation that is too long loses its oldest turns"),
    (r"test_chat_completions_multiple", "a conversation is answered with the likeliest text alone"),
    (r"test_chat_completions_token_count", "no tokens are counted without an answer"),
    (r"test_verbose_debug", OPTION),
    (r"test_different_result_different_seed", CODE),
    (r"test_completion_with_openai_library", CODE),
    (r"test_chat_completion_with_openai_library", "asks for the number of a build of llama.cpp"),
    (r"test_openai_library_correct_api_key", "takes a model that converses; --model has to"),
    (r"test_json_prompt_no_mtmd", LANGUAGE),
    (r"test_completion_response_fields\[.*-32-", "no prompt is repeated in an answer"),
)
"""Tests that do not apply or cannot pass, and why; the first pattern that fits a name."""

PLUGIN = '''\
"""Passes over what the tests say of one story model's words; its files are not fetched."""

import utils

utils.match_regex = lambda pattern, text: True
utils.ServerPreset.load_all = staticmethod(lambda: None)
'''


@contextmanager
def served(model: str, key: str, folder: Path) -> Iterator[int]:
    """Start our server and wait until its model answers; lend its port."""
    command = [sys.executable, "-m", "tui", "serve", "--port", "0", "--model", model]
    if key:
        (folder / "token").write_text(key)
        command += ["--token-file", str(folder / "token")]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline().rpartition(":")[2])
        deadline = monotonic() + START_SECONDS
        while not _healthy(port):
            if monotonic() > deadline:
                raise SystemExit(f"{model} was not ready after {START_SECONDS:.0f} s")
            sleep(0.5)
        yield port
    finally:
        process.terminate()
        process.wait()


def _healthy(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/health", timeout=10) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def run_file(name: str, options: argparse.Namespace, folder: Path) -> dict[str, tuple[str, str]]:
    """Run one file of tests; return (passed, failed or skipped; what was said) by test."""
    model = options.chat_model if name in WITH_CHAT else options.model
    (folder / "spark_plugin.py").write_text(PLUGIN)
    results = folder / f"{name}.xml"
    with served(model, KEY if name in WITH_KEY else "", folder) as port:
        environment = os.environ | {
            "DEBUG_EXTERNAL": "1",
            "PORT": str(port),
            "PYTHONPATH": f"{folder}:{options.tests}",
        }
        command = [
            options.python, "-m", "pytest", f"unit/test_{name}.py", "-q", "--tb=line",
            "-p", "spark_plugin", "-p", "no:cacheprovider", "-o", "junit_family=xunit1",
            f"--junitxml={results}", "-m", "not slow",
        ]  # fmt: skip
        done = subprocess.run(
            command, cwd=options.tests, env=environment, capture_output=True, text=True, check=False
        )
    if not results.exists():
        raise SystemExit(f"the tests did not run: {(done.stdout + done.stderr)[-2000:]}")
    return dict(_read(results))


def _read(file: Path) -> Iterator[tuple[str, tuple[str, str]]]:
    for case in ElementTree.parse(file).getroot().iter("testcase"):
        failed = next((each for each in case if each.tag in ("failure", "error")), None)
        skipped = case.find("skipped")
        state = "skipped" if skipped is not None else "passed" if failed is None else "failed"
        said = "" if failed is None else (failed.get("message") or "").partition("\n")[0]
        yield case.get("name", ""), (state, said)


def reason(test: str) -> str | None:
    """Return why a test need not pass; None: nothing explains it."""
    return next((why for pattern, why in REASONS if re.match(pattern, test)), None)


def report(found: dict[str, dict[str, tuple[str, str]]]) -> dict[str, object]:
    """Print what passes, what does not apply, and what nobody explains."""
    passed, explained, unexplained = [], [], []
    for file, tests in found.items():
        print(f"\n{file}")
        for test, (state, said) in tests.items():
            why = reason(test) if state == "failed" else None
            if state == "passed":
                passed.append(test)
            elif state == "failed":
                (unexplained if why is None else explained).append(test)
            note = f"  ({why})" if why else f"  {said}" if said else ""
            print(f"  {state if why is None else 'no matter':10} {test}{note}")
    print(f"\n{len(passed)} pass, {len(explained)} do not apply, {len(unexplained)} unexplained")
    return {"passed": passed, "explained": explained, "unexplained": unexplained}


def main() -> int:
    """Run the files that are named, or all; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tests", type=Path, required=True)
    parser.add_argument("--python", required=True)
    parser.add_argument("--model", default="spark-nano")
    parser.add_argument("--chat-model", default="smollm2-135m")
    parser.add_argument("--file", action="append", choices=FILES)
    options = parser.parse_args()
    options.tests = options.tests.resolve()
    found = {}
    with tempfile.TemporaryDirectory() as name:
        for file in options.file or FILES:
            found[file] = run_file(file, options, Path(name))
    result = report(found)
    print(json.dumps(result))
    return 1 if result["unexplained"] else 0


if __name__ == "__main__":
    sys.exit(main())
