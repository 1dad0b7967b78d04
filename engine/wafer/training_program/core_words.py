"""CoreWords: the memory map that all cores of a training program share.  Only names and places."""

from dataclasses import dataclass, field

__all__ = ["CoreWords"]


@dataclass(slots=True)
class CoreWords:
    """Named stretches of a core's memory, one behind the other."""

    places: dict[str, tuple[int, int]] = field(default_factory=dict)
    """(first word, words) by name."""
    uses: dict[str, str] = field(default_factory=dict)
    """What each is for: weights, gradients, optimiser, activations, buffers, host."""
    words: int = 0

    def take(self, name: str, words: int, use: str) -> int:
        """Return the first word of a stretch, made at its first mention."""
        if name not in self.places:
            self.places[name] = self.words, words
            self.uses[name] = use
            self.words += words
        address, size = self.places[name]
        assert words == size, f"{name!r} has {size} words, {words} are asked for"
        return address

    def __getitem__(self, name: str) -> int:
        """Return the first word of a stretch that was made."""
        return self.places[name][0]

    def size(self, name: str) -> int:
        """Return its words."""
        return self.places[name][1]

    def by_use(self) -> dict[str, int]:
        """Return the words of a core by what they are for."""
        found: dict[str, int] = {}
        for name, (_, words) in self.places.items():
            found[self.uses[name]] = found.get(self.uses[name], 0) + words
        return found
