"""The program's own sources as what a kept file depends on: found by patterns, read into a digest.

What is kept between starts (kernels, plans, prices, packed weights) lies under a name that such a
digest is part of, so that an edit is never answered with what an older version left.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

__all__ = ["own_sources", "sources_digest"]


def own_sources(patterns: Sequence[str]) -> list[Path]:
    """Return the files that patterns from the folder `engine` mean.

    Raises:
        FileNotFoundError: A pattern finds nothing: a file was moved, and the digest would be blind.
    """
    engine = Path(__file__).parent
    found: list[Path] = []
    for pattern in patterns:
        matches = sorted(engine.glob(pattern))
        if not matches:
            raise FileNotFoundError(f"no source matches {engine / pattern}")
        found += matches
    return found


def sources_digest(patterns: Sequence[str]) -> "hashlib._Hash":
    """Return a sha256 of the names and the texts of `own_sources`, to which more can be added.

    Raises:
        FileNotFoundError: As `own_sources`.
    """
    digest = hashlib.sha256()
    for source in own_sources(patterns):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest
