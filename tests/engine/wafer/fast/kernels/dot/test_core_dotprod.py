"""The path of ARM's dot products, and how a processor that has them is told."""

import platform

import pytest

from engine.wafer.fast.kernels.dot import arm_features
from engine.wafer.fast.kernels.dot.arm_features import implied_features
from engine.wafer.fast.kernels.dot.dotprod import DOTPROD
from tests.engine.wafer.fast.kernels.dot.exactness import Exactness, needs


@needs(DOTPROD)
class TestDotprod(Exactness):
    path = DOTPROD
    instructions = ("neon.sdot", "half")
    wide_instructions = ("neon.sdot",)


@pytest.mark.parametrize(
    ("machine", "compiled", "expected"),
    [
        ("aarch64", "\tsdot\tv2.4s, v0.16b, v1.16b", {"dotprod"}),
        ("arm64", "\tsdot.4s\tv2, v0, v1", {"dotprod"}),
        ("aarch64", "\tsmull\tv2.8h, v0.8b, v1.8b", set()),
        ("x86_64", "\tsdot", set()),
    ],
)
def test_the_dot_product_is_there_where_llvm_takes_it(monkeypatch, machine, compiled, expected):
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(arm_features, "_assembly", lambda: compiled)

    assert implied_features.__wrapped__() == expected


def test_the_sum_of_products_is_compiled_for_this_processor():
    assert "products" in arm_features._assembly()
