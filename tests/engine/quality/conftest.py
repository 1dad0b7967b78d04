from pathlib import Path
from textwrap import dedent

import pytest


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two packages of three files, twins but for a word."""
    for package in ("a", "b"):
        for number in range(3):
            path = tmp_path / package / f"m{number}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(
                dedent(f"""\
                from .m{(number + 1) % 3} import Name{(number + 1) % 3}


                class Name{number}:
                    def run_{package}(self, value):
                        result = self.compute(value, {number})
                        if result is None:
                            raise ValueError("no {number}")
                        return Name{(number + 1) % 3}(result)

                    def compute(self, first, second):
                        total = first + second
                        total = total * {number}
                        return total - {number}
            """)
            )
    return tmp_path
