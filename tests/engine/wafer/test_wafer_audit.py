"""Nothing is forgotten: every operation has a price, an instruction and a test.

Add a line here with an operation; an exception needs its reason.
"""

import ast
import inspect
from importlib import import_module
from pathlib import Path

import pytest

from engine.wafer.fast import executor, step
from engine.wafer.fast.kernels import attend, multiply, vectors
from engine.wafer.program.isa import Op

HERE = Path(__file__).parent
WAFER = Path(inspect.getfile(step)).parents[1]

SHARED = {
    "site": "what all operations share; no operation",
}
TWO_INSTRUCTIONS = {
    "transfer": (Op.SEND, Op.RECEIVE),
}
"""Operations whose two ends lie in two regions."""

ON_THE_HOST = {
    Op.MULTICAST: "copies; on the host a value is where it is",
    Op.SEND: "copies",
    Op.RECEIVE: "copies",
    Op.HEAD_NORM: "no family that runs has it; priced for predictions",
    Op.SELECT: "the sampler reads the logits; the wafer's greedy choice is priced only",
}
"""Instructions that the fast tier prices and does not compute."""

TESTED = {
    Op.EMBED: ("test_core_vectors.py", "test_embed_gives_back_every_row_dequantised"),
    Op.NORM: ("test_core_vectors.py", "test_norm_sums_its_squares_in_the_order_of_the_program"),
    Op.QUANTISE: ("test_core_vectors.py", "test_quantise_like_the_loop"),
    Op.MULTICAST: ("test_row_collectives.py", "test_multicast_is_the_measured_row_on_wse3"),
    Op.MATMUL: ("test_square_matmul.py", "test_every_path_gives_the_bits_of_the_loop"),
    Op.ROTARY: ("test_core_vectors.py", "test_rotate_like_the_loop"),
    Op.ATTENTION: ("test_layer_attention.py", "test_attention_is_the_loop"),
    Op.GATE: ("test_core_vectors.py", "test_gate_like_the_loop"),
    Op.ADD: ("test_core_vectors.py", "test_add_may_write_where_it_reads"),
    Op.SEND: ("test_square_costs.py", "test_sending_and_receiving_a_row"),
    Op.RECEIVE: ("test_square_costs.py", "test_sending_and_receiving_a_row"),
    Op.SELECT: ("test_square_costs.py", "test_select_scans_and_brings_the_best_west"),
    Op.HEAD_NORM: ("test_square_costs.py", "test_head_norm_is_its_formula"),
}
"""The first test to read for each instruction."""


def operation_files():
    return sorted(p.stem for p in (WAFER / "ops").glob("*.py") if p.stem not in {"__init__"})


@pytest.mark.parametrize("name", [n for n in operation_files() if n not in SHARED])
def test_every_operation_has_a_price_and_an_instruction(name):
    module = import_module(f"engine.wafer.ops.{name}")
    ops = TWO_INSTRUCTIONS.get(name) or (Op[name.upper()],)

    prices = ["cost"] if len(ops) == 1 else [f"{op.name.lower()}_cost" for op in ops]
    for price in prices:
        function = getattr(module, price)
        assert inspect.getdoc(function)
        assert next(iter(inspect.signature(function).parameters)) == "site"
        assert price in module.__all__


def test_every_instruction_has_an_operation():
    priced = {
        op
        for name in operation_files()
        if name not in SHARED
        for op in TWO_INSTRUCTIONS.get(name) or (Op[name.upper()],)
    }

    assert priced == set(Op)


@pytest.mark.parametrize("op", list(Op), ids=lambda op: op.name.lower())
def test_every_instruction_is_tested(op):
    file, function = TESTED[op]

    tree = ast.parse((next(HERE.rglob(file))).read_text(encoding="utf-8"))
    assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_the_loop_computes_every_instruction_but_the_listed():
    computed = {Op[name[1:]] for name in vars(step) if name[1:] in Op.__members__}

    assert computed == set(Op) - set(ON_THE_HOST)


def test_every_instruction_says_what_it_means():
    source = ast.parse((WAFER / "program" / "isa.py").read_text(encoding="utf-8"))
    (table,) = (n for n in source.body if isinstance(n, ast.ClassDef) and n.name == "Op")
    pairs = zip(table.body[1::2], table.body[2::2], strict=True)
    for definition, meaning in pairs:
        assert isinstance(definition, ast.Assign)
        assert isinstance(meaning, ast.Expr)
        assert len(meaning.value.value) > 20


def test_every_kernel_is_compiled_with_the_flags_of_one_place():
    """No kernel file names a numba decorator or a flag of its own."""
    for path in sorted((WAFER / "fast" / "kernels").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if path.stem != "jit":
            assert "njit" not in text, path
            assert "fastmath" not in text, path


def test_every_kernel_of_the_loop_is_warmed_up(tiny_runner):
    """A kernel that `warm_up` forgets would compile for seconds in the middle of a step."""
    memory = tiny_runner.executor._memory
    warmed = {id(kernel) for _, kernel, _ in executor._kernels(0, memory)}

    for module in (attend, multiply, vectors):
        for name in module.__all__:
            function = getattr(module, name)
            inlined = name in {"reduce_parts", "round_to_half"}
            if hasattr(function, "py_func") and not inlined:
                assert id(function) in warmed, name
