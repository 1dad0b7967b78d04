"""Facts for a person: numbers with separated thousands, one a line; nothing else."""

from collections.abc import Mapping

from tui.cli.output import say

__all__ = ["print_facts", "shown"]


def print_facts(facts: Mapping[str, object]) -> None:
    """Print one fact a line, names aligned."""
    width = max(len(name) for name in facts)
    for name, value in facts.items():
        say(f"{name:<{width}}  {shown(value)}")


def shown(value: object) -> str:
    """Return one fact for a person: large numbers with separated thousands.

    Example:
        >>> shown(900000), shown([755, 1170]), shown({"low": 0.5, "high": 2})
        ('900 000', '755 × 1 170', 'low 0.5, high 2')
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}".replace(",", " ")
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (list, tuple)):
        return " × ".join(shown(part) for part in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {shown(part)}" for name, part in value.items())
    return str(value)
