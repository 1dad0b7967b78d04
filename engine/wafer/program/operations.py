"""The registry of operations: where the price, the kernels and the lowering of each `isa.Op` are.

Holds names only, because the parts lie in layers above: ``"vectors.norm"`` is the function ``norm``
of the module ``vectors`` in the package that the field names.  `resolve` finds it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from engine.wafer.program.isa import Op

__all__ = ["OPERATIONS", "Operation", "resolve"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation and the names of its parts."""

    op: Op
    price: str
    """Function of `engine.wafer.ops`: what it costs a region."""
    kernels: Mapping[str, str] = field(default_factory=dict)
    """Functions of `engine.wafer.fast.kernels` that compute it on the host, by the label shown
    while they compile."""
    no_kernel: str = ""
    """Why the host computes nothing for it; empty where it does."""
    lowering: str = ""
    """Function of `engine.wafer.fabric.lowering` that writes its micro-program."""
    no_lowering: str = ""
    """Why the cycle tier does not run it; empty where it does."""
    works: Mapping[str, str] = field(default_factory=dict)
    """The kinds of COMPUTE (`engine.wafer.fabric.micro.Kind`) of its micro-program, with the
    vendor's mnemonic that comes nearest: sim.log shows both."""


_COPIES = "copies; on the host a value is where it is"

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        Op.EMBED,
        price="embed.cost",
        kernels={"embed": "vectors.embed", "scale": "vectors.rescale"},
        lowering="lower_stream.embed",
        works={"LOOKUP": "LD32"},
    ),
    Operation(
        Op.NORM,
        price="norm.cost",
        kernels={"norm": "vectors.norm", "layer norm": "vectors.layer_norm"},
        lowering="lower_vectors.norm",
        works={
            "TOTAL": "FADDS",
            "MEAN": "FDIVSS",
            "CENTRE": "FSSQRS",
            "SQUARES": "FSSQRS",
            "ROOT": "FNORMS",
            "NORMALISE": "FMULS",
            "SHIFT": "FMACS",
        },
    ),
    Operation(
        Op.QUANTISE,
        price="quantise.cost",
        kernels={"quantise": "vectors.quantise"},
        lowering="lower_products.quantise",
        works={"MAGNITUDE": "FMAXS", "SCALE": "FDIVSS", "ROUND": "FS2XP16"},
    ),
    Operation(
        Op.MULTICAST,
        price="multicast.cost",
        no_kernel=_COPIES,
        lowering="lower_products.multicast",
        works={"COPY": "MOV32", "HALVES": "FS2H"},
    ),
    Operation(
        Op.MATMUL,
        price="matmul.cost",
        kernels={
            "matmul": "multiply.matmul",
            "bias": "vectors.add_bias",
        },
        lowering="lower_products.matmul",
        works={"DOT": "XDP8", "SUM": "XDP8", "TERMS": "FMULS", "FINISH": "FADDS"},
    ),
    Operation(
        Op.ROTARY,
        price="rotary.cost",
        kernels={"rotate": "vectors.rotate"},
        lowering="lower_vectors.rotary",
        works={"ROTATE": "FMULS"},
    ),
    Operation(
        Op.ATTENTION,
        price="attention.cost",
        kernels={
            "append": "attend.append",
            "attention": "attend.attend",
        },
        lowering="lower_attention.attention",
        works={
            "KEEP": "ST32",
            "SCORES": "FMULS",
            "LARGEST": "FMAXS",
            "WEIGH": "FMULS",
            "DIVIDE": "FDIVSS",
        },
    ),
    Operation(
        Op.GATE,
        price="gate.cost",
        kernels={"gate": "vectors.gate"},
        lowering="lower_vectors.gate",
        works={"GATE": "FMULS"},
    ),
    Operation(
        Op.ADD,
        price="add.cost",
        kernels={"add": "vectors.add"},
        lowering="lower_vectors.add",
        works={"ADD": "FADDS"},
    ),
    Operation(Op.SEND, price="transfer.send_cost", no_kernel=_COPIES, lowering="lower_stream.send"),
    Operation(
        Op.RECEIVE,
        price="transfer.receive_cost",
        no_kernel=_COPIES,
        lowering="lower_stream.receive",
    ),
    Operation(
        Op.SELECT,
        price="select.cost",
        no_kernel="the sampler reads the logits; the wafer's greedy choice is priced only",
        lowering="lower_stream.select",
        works={"BEST": "FMAXS"},
    ),
    Operation(
        Op.HEAD_NORM,
        price="head_norm.cost",
        kernels={"head norm": "vectors.head_norm"},
        lowering="lower_vectors.head_norm",
        works={"HEAD_SQUARES": "FSSQRS", "HEAD_NORMALISE": "FMULS"},
    ),
)
"""All operations, in the order of the instruction set."""


def resolve(package: str, name: str) -> Callable[..., Any]:
    """Return the function in a package that a name of the registry stands for.

    Raises:
        ImportError: The package has no such module.
        AttributeError: The module has no such function.
    """
    module, _, function = name.partition(".")
    found: Callable[..., Any] = getattr(import_module(f"{package}.{module}"), function)
    return found
