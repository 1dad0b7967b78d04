"""The warm-up: every kernel of the loop, compiled for the types with which the loop calls it."""

from collections import defaultdict

import pytest
from numba import types
from numba.core import compiler, registry, typed_passes

from engine.wafer.fast import pieces, step, warm_up
from engine.wafer.fast.kernels import attend, lookup, multiply, vectors, wide
from engine.wafer.fast.kernels.attention_terms import AttentionCode
from engine.wafer.fast.kernels.dot.portable import PORTABLE
from engine.wafer.fast.kernels.dot.products import Products
from engine.wafer.fast.kernels.dot.storage_table import STORAGES
from engine.wafer.program.operations import OPERATIONS

KERNELS = dict(warm_up.kernels())
NOT_CALLED_BY_THE_LOOP = {
    "copy_item", "half_bits", "item", "items", "piece", "product", "reduce_parts", "softcap",
}  # fmt: skip
"""Helpers that other kernels call, and tests; `product` and `piece` are called by addresses."""


@pytest.fixture(scope="module")
def given(tiny_runner):
    executor = tiny_runner.executor
    return warm_up.samples(executor._memory)


def test_labels_are_what_a_person_reads():
    assert list(KERNELS) == [
        "embed", "scale", "norm", "layer norm", "quantise", "matmul", "bias",
        "rotate", "append", "attention", "gate", "add", "head norm",
        "loop of a helper", "program loop",
    ]  # fmt: skip
    assert sum(len(operation.kernels) for operation in OPERATIONS) == len(KERNELS) - 2


@pytest.mark.parametrize("module", [attend, multiply, vectors])
def test_every_kernel_that_the_loop_may_call_is_warmed_up(module):
    public = {name for name in module.__all__ if hasattr(getattr(module, name), "py_func")}

    warmed = {kernel.py_func.__name__ for kernel in KERNELS.values()}
    assert public - NOT_CALLED_BY_THE_LOOP <= warmed


def test_the_loop_calls_kernels_with_the_types_they_were_compiled_for(given):
    """Other types would be compiled while the progress says "program loop", and twice in all."""
    called = calls_of(step.run_step, warm_up.signature(step.run_step, given))

    for label, kernel in KERNELS.items():
        if kernel not in (step.run_step, pieces.help_steps):
            assert called[kernel] == {warm_up.signature(kernel, given)}, label


@pytest.mark.parametrize(
    ("entry", "caller"),
    [
        (multiply.product, multiply._product),
        (lookup.row, vectors.embed),
        (wide.wide_product, multiply.product),
    ],
)
def test_the_code_of_a_storage_is_compiled_for_what_its_callers_hand_over(given, entry, caller):
    """A call by address checks no types: others would be read as these."""
    name = "call_row" if entry is lookup.row else "call_product"
    given = {**given, Products: Products(PORTABLE, STORAGES["int8"])}
    alone = warm_up.signature(entry, given)
    arguments = alone[1:] if caller is multiply._product else warm_up.signature(caller, given)

    assert handed_to(name, caller, arguments) == (types.intp, *alone[1:])


def test_the_code_of_an_attention_is_compiled_for_what_its_caller_hands_over(given):
    alone = warm_up.signature(attend.piece, {**given, AttentionCode: AttentionCode(PORTABLE)})
    calls = calls_of(attend.attend, warm_up.signature(attend.attend, given))
    (arguments,) = calls[attend.item]

    assert handed_to("call_attention", attend.item, arguments) == (types.intp, *alone[1:])


def handed_to(name, caller, arguments):
    """The types that a function hands to a call by address."""
    inferred = types_of(caller, arguments)
    (handed,) = (
        signature.args
        for expression, signature in inferred.calltypes.items()
        if getattr(expression, "op", None) == "call"
        and name in str(inferred.typemap[expression.func.name])
    )
    return handed


def calls_of(dispatcher, arguments):
    """The types with which a function calls others, as numba infers them: {dispatcher: {types}}."""
    inferred = types_of(dispatcher, arguments)
    calls = defaultdict(set)
    for expression, signature in inferred.calltypes.items():
        if getattr(expression, "op", None) == "call":
            function = inferred.typemap[expression.func.name]
            if isinstance(function, types.Dispatcher):
                calls[function.dispatcher].add(signature.args)
    return calls


def types_of(dispatcher, arguments):
    """What numba infers of a function."""
    target = registry.cpu_target
    return typed_passes.type_inference_stage(
        target.typing_context,
        target.target_context,
        compiler.run_frontend(dispatcher.py_func),
        arguments,
        None,
    )
