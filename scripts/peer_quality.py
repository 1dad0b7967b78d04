"""Asks the bare model in llama.cpp what `bench quality` asks ours: infilling tasks, situations.

    .venv/bin/python scripts/peer_quality.py infill|situations TASKS MODEL.gguf
        --peer-python /path/to/python [--n N] [--seed S] [--run-code] [--ours FILE]

Bare: the plain fill-in-the-middle prompt of Qwen2.5-Coder, the likeliest token each time, up to the
end of the line where a task has one line.  The same tasks and the same judges as in the command.
With what that printed (``bench quality --suite infill … --json``) both are compared task by task.
The last line is JSON.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

STOPS = ["<|endoftext|>", "<|fim_pad|>", "<|file_sep|>", "<|im_end|>", "<|fim_prefix|>"]


def peer(job: dict[str, Any]) -> None:
    """Answer a job with llama.cpp; runs under the peer's Python, so no module of ours."""
    import llama_cpp

    model = llama_cpp.Llama(job["model"], n_ctx=4096, n_threads=job["threads"], verbose=False)
    texts = []
    for prefix, suffix, multi_line, length in job["questions"]:
        prompt = [
            part
            for mark, text in (("prefix", prefix), ("suffix", suffix), ("middle", ""))
            for part in (
                *model.tokenize(f"<|fim_{mark}|>".encode(), add_bos=False, special=True),
                *model.tokenize(text.encode(), add_bos=False, special=False),
            )
        ]
        answer = model.create_completion(
            prompt, max_tokens=length, temperature=0.0, stop=STOPS if multi_line else [*STOPS, "\n"]
        )
        texts.append(answer["choices"][0]["text"])
    json.dump(texts, sys.stdout)


class Answers:
    """The peer's texts, given as answers in the order of the questions."""

    def __init__(self, texts: list[str]) -> None:
        self._texts = iter(texts)

    def answer(self, question: Any) -> Any:
        """Return the next text."""
        from engine.quality.answers import CursorAnswer

        return CursorAnswer(next(self._texts))


class Questions:
    """Keeps the questions that a suite asks and answers nothing."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, bool, int]] = []

    def answer(self, question: Any) -> Any:
        """Note a question."""
        from engine.quality.answers import CursorAnswer

        self.asked.append(
            (question.prefix, question.suffix, question.multi_line, question.max_tokens)
        )
        return CursorAnswer()


def measure(call: argparse.Namespace, answers: Any, *, judge: bool) -> dict[str, Any]:
    """Run the suite with someone who answers."""
    import engine

    def quiet(done: int, total: int) -> None:
        """Report nothing."""

    if call.suite == "situations":
        return engine.measure_situations(engine.read_situations(call.tasks), answers, quiet)
    tasks = engine.draw_tasks(engine.read_infill_tasks(call.tasks), call.n, call.seed)
    if judge:
        return engine.measure_infill(tasks, answers, call.seed, quiet)
    return engine.measure_infill(tasks, answers, call.seed, quiet, run=lambda source: "not run")


def paired(ours: list[dict[str, Any]], theirs: list[dict[str, Any]], seed: int) -> dict[str, Any]:
    """Return how often each of two sides passes the tasks that both were asked, pair by pair.

    Raises:
        SystemExit: They were asked different tasks.
    """
    from engine.quality.code_runner import PASSED
    from engine.quality.scores import interval, mean

    passed = [
        {item["task_id"]: float(item["ended"] == PASSED) for item in items}
        for items in (ours, theirs)
    ]
    if passed[0].keys() != passed[1].keys():
        raise SystemExit("the answers are to other tasks: give both the same file, --n and --seed")
    gains = [mine - passed[1][task] for task, mine in passed[0].items()]
    return {
        "n": len(gains),
        "ours": mean(list(passed[0].values())),
        "theirs": mean(list(passed[1].values())),
        "gained": gains.count(1.0),
        "lost": gains.count(-1.0),
        "difference": mean(gains),
        "difference_ci": interval(gains, seed),
    }


def main() -> None:
    """Ask, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("suite", choices=["infill", "situations"])
    parser.add_argument("tasks", type=Path)
    parser.add_argument("model")
    parser.add_argument("--peer-python", required=True)
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--run-code", action="store_true")
    parser.add_argument("--ours", type=Path, help="our answers, as the command printed them")
    call = parser.parse_args()
    if call.suite == "infill" and not call.run_code:
        raise SystemExit("infill runs what the model writes, in a confined process: --run-code")
    questions = Questions()
    measure(call, questions, judge=False)
    job = {"model": call.model, "threads": call.threads, "questions": questions.asked}
    done = subprocess.run(
        [call.peer_python, __file__, "--peer"],
        input=json.dumps(job), text=True, check=True, stdout=subprocess.PIPE,
    )  # fmt: skip
    figures = measure(call, Answers(json.loads(done.stdout)), judge=True)
    for item in figures["items"]:
        print(item.get("name") or item["task_id"], item.get("right", item.get("ended")),
              repr(item["text"]))  # fmt: skip
    if call.ours and call.suite == "infill":
        ours = json.loads(call.ours.read_text(encoding="utf-8"))["suites"]["infill"]["items"]
        figures["paired"] = paired(ours, figures["items"], call.seed)
        print(figures["paired"])
    print(json.dumps({"peer": "llama.cpp", "model": Path(call.model).name} | figures))


if __name__ == "__main__":
    if sys.argv[1:] == ["--peer"]:
        peer(json.load(sys.stdin))
    else:
        main()
