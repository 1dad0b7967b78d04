"""What an ARM processor has although LLVM lists it nowhere: found by compiling four lines.

LLVM tells a processor of ARM by its name, and the name implies its instructions; its list of
features, made of what the system says, leaves the dot product out.
"""

import platform
from functools import cache
from typing import Any

from llvmlite import binding
from numba.core.registry import cpu_target as _cpu_target

__all__ = ["DOT_PRODUCT", "implied_features"]

DOT_PRODUCT = "dotprod"
"""Armv8.4-A's FEAT_DotProd, optional from Armv8.2-A on, as LLVM names it.  Source: Arm Architecture
Reference Manual for A-profile, A2.2."""

_INSTRUCTION = "sdot"

_PRODUCTS = """
define i32 @products(<16 x i8> %a, <16 x i8> %b) {
  %wide_a = sext <16 x i8> %a to <16 x i32>
  %wide_b = sext <16 x i8> %b to <16 x i32>
  %products = mul <16 x i32> %wide_a, %wide_b
  %sum = call i32 @llvm.vector.reduce.add.v16i32(<16 x i32> %products)
  ret i32 %sum
}
declare i32 @llvm.vector.reduce.add.v16i32(<16 x i32>)
"""
"""A sum of sixteen products, for which LLVM takes the instruction where it may."""

cpu_target: Any = _cpu_target  # numba brings no types


@cache
def implied_features() -> frozenset[str]:
    """Return what numba's code for this processor may use besides the listed features."""
    if platform.machine() not in ("aarch64", "arm64"):
        return frozenset()
    return frozenset({DOT_PRODUCT}) if _INSTRUCTION in _assembly() else frozenset()


def _assembly() -> str:
    """Return the products compiled as numba compiles a kernel."""
    triple, name, features = cpu_target.target_context.codegen().magic_tuple()
    machine = binding.Target.from_triple(triple).create_target_machine(name, features)
    module = binding.parse_assembly(_PRODUCTS)
    assembly: str = machine.emit_assembly(module)
    return assembly
