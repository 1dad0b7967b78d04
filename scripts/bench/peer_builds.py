"""llama-cpp-python built from source, once for each set of processor features, in `.peers/`.

A build for this very processor may die of an illegal instruction where the system does not grant
AMX, so `BUILDS` names what comes next.  Measures nothing.
"""

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.bench.workers import ROOT

__all__ = ["BUILDS", "FOR_PATHS", "VERSION", "Build", "built"]

VERSION = "0.3.36"
PLACE = ROOT / ".peers"

_LESS = "-DLLAVA_BUILD=OFF"
"""Pictures are of no use here, and take time to compile."""
_AVX2 = ("SSE42", "AVX", "AVX2", "FMA", "F16C", "BMI2")
_AVX512 = {
    "AVX512": "avx512f", "AVX512_VBMI": "avx512vbmi", "AVX512_VNNI": "avx512_vnni",
    "AVX512_BF16": "avx512_bf16",
}  # fmt: skip
"""llama.cpp's options, and what the system calls these features."""
_ALL = (*_AVX2, *_AVX512, "AVX_VNNI", "AMX_TILE", "AMX_INT8", "AMX_BF16")


@dataclass(frozen=True, slots=True)
class Build:
    """One build of llama.cpp."""

    name: str
    features: tuple[str, ...] | None
    """Options that are on; None: whatever this processor has."""

    @property
    def cmake_arguments(self) -> str:
        """What tells the build which features to use."""
        if self.features is None:
            return f"{_LESS} -DGGML_NATIVE=ON"
        known = _processor_flags()
        wanted = [name for name in self.features if not known or _flag(name) in known]
        switched = [f"-DGGML_{name}={'ON' if name in wanted else 'OFF'}" for name in _ALL]
        return " ".join([_LESS, "-DGGML_NATIVE=OFF", *switched])


BUILDS = {
    build.name: build
    for build in (
        Build("native", None),
        Build("no-amx", (*_AVX2, *_AVX512)),
        Build("avx-vnni", (*_AVX2, "AVX_VNNI")),
        Build("avx2", _AVX2),
    )
}

FOR_PATHS: dict[str, Sequence[str]] = {
    "amx": ("native", "no-amx"),
    "vnni": ("no-amx",),
    "avx-vnni": ("avx-vnni",),
    "avx2": ("avx2",),
    "dotprod": ("native",),
    "best": ("native", "no-amx"),
}
"""For each kernel path of ours: the builds to compare it with, the fastest that runs."""


def built(build: Build, say: Callable[[str], None]) -> Path:
    """Return the Python of a build; builds it first if it is not there, which takes minutes.

    Raises:
        SystemExit: It cannot be built.
    """
    folder = PLACE / f"{build.name}-{VERSION}"
    python, done = folder / "bin" / "python", folder / "built"
    if done.exists():
        return python
    say(f"building llama-cpp-python {VERSION} ({build.name}) in {folder}: some minutes")
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    _install(python, build, say)
    done.write_text(build.cmake_arguments + "\n")
    return python


def _install(python: Path, build: Build, say: Callable[[str], None]) -> None:
    """Build and install; reports the compiler's own count of steps."""
    environment = {**os.environ, "CMAKE_ARGS": build.cmake_arguments, "FORCE_CMAKE": "1"}
    command = [
        str(python), "-m", "pip", "install", "-v", "--no-cache-dir",
        "--no-binary", "llama-cpp-python", f"llama-cpp-python=={VERSION}", "numpy",
    ]  # fmt: skip
    lines: list[str] = []
    with subprocess.Popen(
        command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines = [*lines[-30:], line]
            step = line.strip().partition("]")[0]
            if step.startswith("[") and "/" in step and step.split("/")[0][1:].endswith("0"):
                say(f"  {build.name} {step}]")
    if process.returncode:
        print("".join(lines), file=sys.stderr)
        raise SystemExit(f"llama-cpp-python {VERSION} ({build.name}) cannot be built; see above")


def _flag(option: str) -> str:
    """Return what the system calls the feature of an option."""
    return _AVX512.get(option, {"SSE42": "sse4_2"}.get(option, option.lower()))


def _processor_flags() -> set[str]:
    """Return the features that Linux lists; none elsewhere."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return set()
    line = next((line for line in text.splitlines() if line.startswith("flags")), "")
    return set(line.partition(":")[2].split())
