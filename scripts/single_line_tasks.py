"""Makes single-line infilling tasks from a file of infilling tasks that tells its solutions.

    scripts/single_line_tasks.py TASKS.jsonl[.gz] OUT.jsonl

Every line of code inside a function, without docstrings, becomes a hole of its own, as in the
single-line set of HumanEval-Infilling (Bavarian et al., 2022).
Two tasks of one program count once.
"""

import ast
import json
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.quality.task_files import InfillTask, read_infill_tasks


def code_lines(program: str) -> Iterator[int]:
    """Yield the numbers, from 0, of the lines of statements inside the program's functions."""
    lines = program.split("\n")
    inside: set[int] = set()
    for node in ast.walk(ast.parse(program)):
        if isinstance(node, ast.FunctionDef):
            for statement in node.body:
                if ast.get_docstring(node) is None or statement is not node.body[0]:
                    inside.update(range(statement.lineno - 1, statement.end_lineno or 0))
    yield from (number for number in sorted(inside) if lines[number].strip())


def single_lines(task: InfillTask, name: str) -> Iterator[dict[str, str]]:
    """Yield the tasks of one program, a line each."""
    lines = f"{task.prompt}{task.canonical_solution}{task.suffix}".split("\n")
    for number in code_lines("\n".join(lines)):
        yield {
            "task_id": f"SingleLineInfilling/{name}/L{number}",
            "entry_point": task.entry_point,
            "prompt": "\n".join(lines[:number]) + "\n",
            "suffix": "\n" + "\n".join(lines[number + 1 :]),
            "canonical_solution": lines[number],
            "test": task.test,
        }


def main(source: str, target: str) -> None:
    """Write the tasks of every program in ``source``."""
    programs = {task.prompt + str(task.canonical_solution) + task.suffix: task
                for task in read_infill_tasks(Path(source))}  # fmt: skip
    with open(target, "w", encoding="utf-8") as out:
        for task in programs.values():
            name = task.task_id.partition("/")[2].rpartition("/")[0] or task.task_id
            for item in single_lines(task, name):
                out.write(json.dumps(item) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
