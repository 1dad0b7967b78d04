"""What a search through files found, as rows of a list: files, their matches, and which are ticked.

Rows are numbered from 0; a file's row stands above those of its matches.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tui.search.in_files import FoundFile, FoundMatch

__all__ = ["FoundRow", "FoundRows"]


@dataclass(frozen=True, slots=True)
class FoundRow:
    """One row: a match in a file, or the file itself."""

    file: FoundFile
    match: FoundMatch | None
    ticked: bool
    """Whether it is to be replaced; of a file: whether any of its matches is."""


@dataclass(slots=True)
class FoundRows:
    """The files of one search, in the order they were found."""

    files: list[FoundFile] = field(default_factory=list)
    match_count: int = 0
    _first_rows: list[int] = field(default_factory=list)
    _unticked: set[tuple[int, int]] = field(default_factory=set)
    """Numbers of a file and of one of its matches."""

    def add(self, file: FoundFile) -> range:
        """Add a file; return its rows."""
        first = len(self)
        self.files.append(file)
        self._first_rows.append(first)
        self.match_count += len(file.matches)
        return range(first, len(self))

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.files) + self.match_count

    def __getitem__(self, row: int) -> FoundRow:
        """Return a row."""
        if not 0 <= row < len(self):
            raise IndexError(f"row {row} of {len(self)}")
        number, match = self._place(row)
        file = self.files[number]
        if match is None:
            ticked = any((number, each) not in self._unticked for each in range(len(file.matches)))
            return FoundRow(file, None, ticked)
        return FoundRow(file, file.matches[match], (number, match) not in self._unticked)

    def toggle(self, row: int) -> range:
        """Tick a match or all of a file, or take the tick away; return the rows that change."""
        number, match = self._place(row)
        first = self._first_rows[number]
        every = {(number, each) for each in range(len(self.files[number].matches))}
        if match is not None:
            self._unticked ^= {(number, match)}
        elif self[row].ticked:
            self._unticked |= every
        else:
            self._unticked -= every
        return range(first, first + 1 + len(every))

    def ticked(self) -> Iterator[tuple[FoundFile, Sequence[FoundMatch]]]:
        """Yield the files with ticked matches, and these."""
        for number, file in enumerate(self.files):
            kept = [
                match
                for each, match in enumerate(file.matches)
                if (number, each) not in self._unticked
            ]
            if kept:
                yield file, kept

    def next_file(self, row: int, step: int) -> int:
        """Return the row of the next file, or of the one before; the nearest end if none is."""
        if not self.files:
            return 0
        number = self._place(row)[0] + step
        return self._first_rows[max(0, min(number, len(self.files) - 1))]

    def _place(self, row: int) -> tuple[int, int | None]:
        """Return the numbers of a row's file and match; None for the file's own row."""
        number = bisect_right(self._first_rows, row) - 1
        offset = row - self._first_rows[number] - 1
        return number, None if offset < 0 else offset
