"""Lays the Python files of packages into folders, one for each, for who asks questions about them.

Downloads with pip, and only where it is told to; installs and runs nothing of a package.
"""

import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Sequence
from pathlib import Path

__all__ = ["package_folders"]


def package_folders(
    work: Path, packages: Sequence[str], *, fetch: bool, library: Sequence[str] = ()
) -> Path:
    """Return the folder in ``work`` with a folder for each package.

    Args:
        work: Keeps the wheels, too.
        packages: Requirements with versions; wheels only.
        fetch: Whether to download them if the folder is not there.
        library: Packages of the running Python's own library to lay beside them.
    """
    data = work / "packages"
    if fetch and not data.exists():
        wheels, partial = work / "wheels", work / "partial"
        command = [sys.executable, "-P", "-m", "pip", "download", "--no-deps", "-q", "-d"]
        subprocess.run([*command, str(wheels), "--only-binary", ":all:", *packages], check=True)
        for wheel in sorted(wheels.glob("*.whl")):
            with zipfile.ZipFile(wheel) as archive:
                names = [name for name in archive.namelist() if name.endswith(".py")]
                archive.extractall(partial / wheel.name.partition("-")[0], names)
        for name in library:
            own = Path(sysconfig.get_path("stdlib")) / name
            shutil.copytree(own, partial / name / name, dirs_exist_ok=True)
        partial.rename(data)  # all of them or none
    if not data.is_dir():
        raise SystemExit(f"{data} is not there: give --fetch to download it")
    return data
