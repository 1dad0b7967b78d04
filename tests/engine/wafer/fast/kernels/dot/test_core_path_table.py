"""The table of paths: which one a processor gets, and what a further one needs."""

import numba
import pytest
from llvmlite import binding

from engine.wafer.fast.kernels.dot import amx, path_table
from engine.wafer.fast.kernels.dot.amx import AMX
from engine.wafer.fast.kernels.dot.avx2 import AVX2
from engine.wafer.fast.kernels.dot.dotprod import DOTPROD
from engine.wafer.fast.kernels.dot.path_table import PATHS, best_path, is_usable, path_named
from engine.wafer.fast.kernels.dot.portable import PORTABLE
from engine.wafer.fast.kernels.dot.vnni import AVX_VNNI, VNNI
from tests.engine.wafer.fast.kernels.dot.exactness import Exactness
from tests.engine.wafer.fast.kernels.dot.toy_path import TOY


def test_the_names_are_those_of_the_json():
    names = ["amx", "vnni", "avx-vnni", "avx2", "dotprod", "portable"]

    assert [path.name for path in PATHS] == names
    assert [path_named(name) for name in names] == list(PATHS)


def test_an_unknown_name_is_an_error():
    with pytest.raises(KeyError):
        path_named("neon")


@pytest.mark.parametrize(
    ("features", "path"),
    [
        ("+amx-tile,+amx-int8,+avx2,+avx512vnni,+avx512bw", AMX),
        ("+amx-int8,+avx2,+avx512vnni,+avx512bw", VNNI),
        ("+amx-tile,+amx-int8,+avx2,+f16c", AVX2),
        ("+avx2,+avx512vnni,+avx512bw", VNNI),
        ("+avx2,+f16c,+avxvnni", AVX_VNNI),
        ("+avx2,+f16c,+avx512vnni,-avx512bw", AVX2),
        ("+sse2,+avx2,+f16c", AVX2),
        ("+sse2,+avx2,-f16c", PORTABLE),
        ("+sse2,-avx2", PORTABLE),
        ("+neon,+dotprod", DOTPROD),
        ("+neon", PORTABLE),
        ("", PORTABLE),
    ],
)
def test_the_fastest_path_that_numba_may_use_is_taken(monkeypatch, features, path):
    monkeypatch.setattr(numba.config, "CPU_NAME", None)
    monkeypatch.setattr(numba.config, "CPU_FEATURES", features)
    monkeypatch.setattr(amx, "_permitted", lambda: True)

    assert best_path() is path


@pytest.mark.parametrize("given", [True, False])
def test_tile_registers_are_used_where_the_system_gives_them(monkeypatch, given):
    """Their instructions end a process that has no permission: then it is the next path."""
    monkeypatch.setattr(numba.config, "CPU_NAME", None)
    monkeypatch.setattr(
        numba.config, "CPU_FEATURES", "+amx-tile,+amx-int8,+avx2,+avx512vnni,+avx512bw"
    )
    monkeypatch.setattr(amx, "_permitted", lambda: given)

    assert best_path() is (AMX if given else VNNI)


@pytest.mark.parametrize(("system", "machine"), [("darwin", "x86_64"), ("linux", "aarch64")])
def test_another_system_is_not_asked_for_tile_registers(monkeypatch, system, machine):
    """A number of a system call means something else there."""
    monkeypatch.setattr(amx.sys, "platform", system)
    monkeypatch.setattr(amx.platform, "machine", lambda: machine)
    monkeypatch.setattr(amx.ctypes, "CDLL", lambda *_, **__: pytest.fail("asked"))

    assert not amx._permitted.__wrapped__()


def test_a_system_that_refuses_tile_registers_is_taken_at_its_word(monkeypatch):
    class Refusing:
        def syscall(self, *arguments):
            return -1

    monkeypatch.setattr(amx.sys, "platform", "linux")
    monkeypatch.setattr(amx.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(amx.ctypes, "CDLL", lambda *_, **__: Refusing())

    assert not amx._permitted.__wrapped__()


def test_code_for_another_processor_is_portable(monkeypatch):
    """numba then generates code for that one, whatever this one has."""
    monkeypatch.setattr(numba.config, "CPU_NAME", "generic")

    assert best_path() is PORTABLE


def test_the_processor_is_asked_when_numba_is_told_nothing(monkeypatch):
    monkeypatch.setattr(numba.config, "CPU_NAME", None)
    monkeypatch.setattr(numba.config, "CPU_FEATURES", None)
    monkeypatch.setattr(binding, "get_host_cpu_features", lambda: {"avx2": True, "f16c": True})

    monkeypatch.setattr(path_table, "implied_features", frozenset)

    assert [path for path in PATHS if is_usable(path)] == [AVX2, PORTABLE]


def test_what_the_name_of_a_processor_implies_counts_too(monkeypatch):
    """LLVM lists ARM's dot product nowhere."""
    monkeypatch.setattr(numba.config, "CPU_NAME", None)
    monkeypatch.setattr(numba.config, "CPU_FEATURES", None)
    monkeypatch.setattr(binding, "get_host_cpu_features", lambda: {"neon": True})
    monkeypatch.setattr(path_table, "implied_features", lambda: {"dotprod"})

    assert best_path() is DOTPROD


class TestToyPath(Exactness):
    """One module and one line in the table make a path, even with vectors of its own width."""

    path = TOY
    storages = ("q4_0",)
    test_its_code_has_its_own_instructions_only = None  # has none, and no processor lacks it

    @pytest.fixture(autouse=True, scope="class")
    def listed(self):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(path_table, "PATHS", (*PATHS, TOY))
            yield
