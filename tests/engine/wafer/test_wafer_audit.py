"""Nothing is forgotten: operations have all their parts and a test, kernels a place in the key.

`engine.wafer.program.operations` names the parts of an operation; here they are looked for, and
every part is looked up in the registry.
"""

import ast
import inspect
import textwrap
from pathlib import Path

import pytest

from engine.model import graph
from engine.model.reference.interpreter import Interpreter
from engine.model.roles import Role
from engine.wafer.compile import compiler
from engine.wafer.fabric import compute, lowering
from engine.wafer.fabric.lower import lowerings
from engine.wafer.fabric.micro import ADDRESSES, Kind
from engine.wafer.fast import step
from engine.wafer.jit import decorators, kernel_cache
from engine.wafer.program.isa import Op
from engine.wafer.program.operations import OPERATIONS, resolve
from engine.wafer.trace import mnemonics

HERE = Path(__file__).parent
WAFER = Path(inspect.getfile(step)).parents[1]

SHARED = {
    "site": "what all operations share; no operation",
}
"""Modules of `engine.wafer.ops` that price nothing."""

OF_NO_OPERATION = {
    Kind.NOTHING: "only shows a value to an observer",
    Kind.HOST: "the host's words; its link is not simulated",
    Kind.ELEMENTWISE: "vector instructions of a program of one's own",
    Kind.CONTRACT: "products of a training program",
    Kind.OUTER: "gradients of weights in a training program",
    Kind.PEAK: "softmax in a training program",
}
"""Kinds of COMPUTE that belong to the simulation, not to an operation."""

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


each_operation = pytest.mark.parametrize(
    "operation", OPERATIONS, ids=lambda operation: operation.op.name.lower()
)


def functions_of(tree):
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


# ── the registry against what there is ──────────────────────────────────────────────────────


def test_every_instruction_has_one_row():
    assert [operation.op for operation in OPERATIONS] == list(Op)


@each_operation
def test_every_operation_has_a_price(operation):
    price = resolve("engine.wafer.ops", operation.price)

    assert inspect.getdoc(price)
    assert next(iter(inspect.signature(price).parameters)) == "site"
    assert price.__name__ in inspect.getmodule(price).__all__


def test_every_module_of_prices_has_a_row():
    modules = {path.stem for path in (WAFER / "ops").glob("*.py")} - {"__init__", *SHARED}

    assert {operation.price.partition(".")[0] for operation in OPERATIONS} == modules


@each_operation
def test_an_operation_has_kernels_and_a_lowering_or_a_reason(operation):
    assert bool(operation.kernels) != bool(operation.no_kernel)
    assert bool(operation.lowering) != bool(operation.no_lowering)


def test_the_loop_computes_every_operation_that_has_a_kernel():
    computed = {Op[name[1:]] for name in vars(step) if name[1:] in Op.__members__}

    assert computed == {operation.op for operation in OPERATIONS if operation.kernels}


@each_operation
def test_every_kernel_of_a_row_is_there(operation):
    for name in operation.kernels.values():
        assert (
            name.partition(".")[2]
            in inspect.getmodule(resolve("engine.wafer.fast.kernels", name).py_func).__all__
        )


def test_every_lowering_has_a_row():
    written = {
        f"{path.stem}.{name}"
        for path in Path(lowering.__path__[0]).glob("lower_*.py")
        for name in functions_of(ast.parse(path.read_text(encoding="utf-8")))
        if takes_only_the_lowering(path.stem, name)
    }

    assert written == {operation.lowering for operation in OPERATIONS} - {""}
    assert set(lowerings()) == {operation.op for operation in OPERATIONS if operation.lowering}


def takes_only_the_lowering(module, name):
    function = resolve(lowering.__name__, f"{module}.{name}")
    return not name.startswith("_") and list(inspect.signature(function).parameters) == ["low"]


def test_every_kind_of_work_belongs_to_one_operation_and_has_a_mnemonic():
    kinds = [Kind[name] for operation in OPERATIONS for name in operation.works]

    assert sorted([*kinds, *OF_NO_OPERATION]) == sorted(Kind)
    assert set(mnemonics._WORK) == set(Kind)


def test_a_core_can_do_every_kind_of_work():
    done = {Kind[name[1:]] for name in vars(compute) if name[1:] in Kind.__members__}

    assert done == set(Kind) - {Kind.NOTHING}


def test_every_kind_of_work_says_which_of_its_arguments_are_addresses():
    assert set(ADDRESSES) == set(Kind)


# ── the graph ───────────────────────────────────────────────────────────────────────────────


def texts_in(function):
    """Every text that stands in a function's code."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    constants = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {value for value in constants if isinstance(value, str)}


def test_every_operation_of_the_graph_has_a_role_a_check_a_reference_and_an_instruction():
    operations = set(graph.OPERATIONS)

    assert {role.op for role in Role} == operations
    assert set(graph._CHECKS) == operations
    assert operations <= texts_in(Interpreter._compute)
    assert operations <= texts_in(compiler._Lowering.lower)


# ── the rest ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("op", list(Op), ids=lambda op: op.name.lower())
def test_every_instruction_is_tested(op):
    file, function = TESTED[op]

    tree = ast.parse((next(HERE.rglob(file))).read_text(encoding="utf-8"))
    assert function in functions_of(tree)


def test_every_instruction_says_what_it_means():
    source = ast.parse((WAFER / "program" / "isa.py").read_text(encoding="utf-8"))
    (table,) = (n for n in source.body if isinstance(n, ast.ClassDef) and n.name == "Op")
    pairs = zip(table.body[1::2], table.body[2::2], strict=True)
    for definition, meaning in pairs:
        assert isinstance(definition, ast.Assign)
        assert isinstance(meaning, ast.Expr)
        assert len(meaning.value.value) > 20


def modules_with_kernels():
    """Every module of the engine that imports from `engine.wafer.jit.decorators`, and what."""
    found = {}
    for path in sorted(WAFER.parent.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if decorators.__name__ in text:
            found[path] = {
                alias.name
                for node in ast.walk(ast.parse(text))
                if isinstance(node, ast.ImportFrom) and node.module == decorators.__name__
                for alias in node.names
            }
    return {path: names for path, names in found.items() if names}


def test_every_module_that_is_compiled_is_in_the_key_of_the_kernel_cache():
    """Otherwise its kernels would be stale after an edit, in silence."""
    modules = modules_with_kernels()

    assert len(modules) > 8
    assert set(modules) <= set(kernel_cache.sources())
    for path, names in modules.items():
        assert names <= set(decorators.__all__), path


def test_every_kernel_is_compiled_with_the_flags_of_one_place():
    """No other file names a numba decorator or a flag of its own."""
    for path in sorted(WAFER.parent.rglob("*.py")):
        if path != Path(inspect.getfile(decorators)):
            text = path.read_text(encoding="utf-8")
            assert "njit" not in text, path
            assert "fastmath" not in text, path
