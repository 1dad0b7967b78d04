"""Packages that only some commands need: says how to get them where they are missing."""

from importlib.util import find_spec

from tui.cli.failures import WrongCallError

__all__ = ["need_extra"]


def need_extra(name: str, *modules: str) -> None:
    """Refuse a command whose packages are not installed.

    Args:
        name: The extra that has them.
        modules: What the command imports of them.

    Raises:
        WrongCallError: One is missing.
    """
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise WrongCallError(
            f"this command needs {' and '.join(missing)}; install the extra '{name}': "
            f"pipx install 'spark-tui[{name}]', or pip install '.[{name}]' in the repository"
        )
