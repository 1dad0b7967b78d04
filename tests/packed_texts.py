"""Made-up Python modules for tests of packing, the same for ever."""

from random import Random

from scripts.train.sources import Document

__all__ = ["modules_of"]


def modules_of(count: int) -> list[Document]:
    """Return so many modules of one package."""
    found = []
    for seed in range(count):
        generator, pieces = Random(seed), []
        for _ in range(60):
            number = generator.randrange(1000)
            pieces.append(
                f"def function_{number}(first, second=None):\n    total = first + {number}\n"
                f"    if second is not None:\n        return helper_{number % 7}(total, second)\n"
                "    return total\n\n"
            )
        found.append(Document("package", f"package/module_{seed}.py", "".join(pieces)))
    return found
