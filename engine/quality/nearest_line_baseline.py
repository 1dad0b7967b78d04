"""The copying baseline: repeats the text that follows at the nearest similar place.

Inside a line, that place follows the longest match of the end of the typed text.  On an empty
line, it follows the line most like the one above.  The question's own text is searched first,
then the other files of its repository.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from engine.completion.code.surroundings import Surroundings, indent_width
from engine.completion.rules.trim import trim
from engine.quality.answers import CursorAnswer, Question
from engine.quality.code_words import split_words
from engine.quality.corpus import Corpus, SourceFile

__all__ = ["NearestLineBaseline"]

MAX_TYPED = 120
"""Most characters of the typed text to match."""

MAX_BLOCK_LINES = 16


class SimilarLines:
    """Lines of some texts, blank ones left out; finds the one most like another line.

    Args:
        texts: Their lines are numbered on from text to text.
    """

    def __init__(self, *texts: str) -> None:
        self.lines: list[str] = []
        self.parts: list[range] = []
        """The line numbers of each text."""
        for text in texts:
            start = len(self.lines)
            self.lines += [line for line in text.split("\n") if line.strip()]
            self.parts.append(range(start, len(self.lines)))
        self._bags = [_bag(line) for line in self.lines]
        self._holders: defaultdict[str, list[int]] = defaultdict(list)
        for index, bag in enumerate(self._bags):
            for word in bag:
                self._holders[word].append(index)

    def most_like(self, line: str, skip: range = range(0)) -> tuple[float, int]:
        """Return the highest similarity (Jaccard index of the words) and the last line with it.

        Args:
            line: The line to compare with.
            skip: Numbers of lines to leave out.
        """
        bag = _bag(line)
        shared: Counter[int] = Counter()
        for word in bag:
            shared.update(self._holders.get(word, ()))
        return max(
            (
                (common / (len(bag) + len(self._bags[index]) - common), index)
                for index, common in shared.items()
                if index not in skip
            ),
            default=(0.0, -1),
        )

    def after(self, index: int) -> list[str]:
        """Return the next lines of the same text, at most `MAX_BLOCK_LINES`."""
        part = next(part for part in self.parts if index in part)
        return self.lines[index + 1 : min(part.stop, index + 1 + MAX_BLOCK_LINES)]


def _bag(line: str) -> frozenset[str]:
    return frozenset(word for word in split_words(line) if not word.isspace())


class NearestLineBaseline:
    """Answers with copied text.

    Args:
        corpus: The directory.  A question's own file is left out: only the question's text counts.
    """

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        # Questions come file by file and repository by repository.
        self._others = lru_cache(maxsize=1)(self._other_text)
        self._repository = lru_cache(maxsize=1)(self._repository_lines)

    def answer(self, question: Question) -> CursorAnswer:
        """Return the copied text, trimmed as in the app."""
        place = Surroundings.of(question.prefix, question.suffix)
        typed = place.before.lstrip()[-MAX_TYPED:]
        copied = self._rest(question, typed) if typed else self._next_lines(question, place)
        return CursorAnswer(trim(copied, place, multi_line=question.multi_line))

    def _files(self, root: Path) -> list[SourceFile]:
        return [file for file in self._corpus.files if file.root == root]

    # ── inside a line ───────────────────────────────────────────────────────────────────────

    def _rest(self, question: Question, typed: str) -> str:
        """Return the rest of the line after the last match of the longest end of ``typed``."""
        above = question.prefix.rpartition("\n")[0]
        texts = (above, question.suffix, self._others(question.root, question.path))
        known, unknown = 0, len(typed) + 1  # lengths of ends that do, and do not, occur
        while unknown - known > 1:
            length = (known + unknown) // 2
            if any(typed[-length:] in text for text in texts):
                known = length
            else:
                unknown = length
        if not known:
            return ""
        text = next(text for text in texts if typed[-known:] in text)
        return text[text.rfind(typed[-known:]) + known :].partition("\n")[0]

    def _other_text(self, root: Path, path: str) -> str:
        return "\n".join(file.text for file in self._files(root) if file.path != path)

    # ── on an empty line ────────────────────────────────────────────────────────────────────

    def _next_lines(self, question: Question, place: Surroundings) -> str:
        """Return the text after the line most like the one above, indented as here."""
        if not place.above:
            return ""
        best, found = 0.0, []
        for lines, skip in self._sources(question):
            likeness, index = lines.most_like(place.above, skip)
            if likeness > best and (behind := lines.after(index)):
                best, found = likeness, [lines.lines[index], *behind]
        return _indented_like(found, place, question.multi_line) if found else ""

    def _sources(self, question: Question) -> Iterator[tuple[SimilarLines, range]]:
        """Yield the lines to search, each with the numbers of those to leave out."""
        # The line above is left out: it would match itself.
        above = question.prefix.rpartition("\n")[0].rstrip().rpartition("\n")[0]
        yield SimilarLines(above, question.suffix), range(0)
        names, lines = self._repository(question.root)
        own = names.get(question.path)
        yield lines, lines.parts[own] if own is not None else range(0)

    def _repository_lines(self, root: Path) -> tuple[dict[str, int], SimilarLines]:
        files = self._files(root)
        names = {file.path: index for index, file in enumerate(files)}
        return names, SimilarLines(*(file.text for file in files))


def _indented_like(found: list[str], place: Surroundings, multi_line: bool) -> str:
    """Return the lines after the first of ``found``, indented as at ``place``.

    Without ``multi_line`` only one line is returned, else the block that it begins.
    """
    header, first = found[0], found[1]
    depth = indent_width(first)
    here = indent_width(place.above) + depth - indent_width(header)
    if place.before:
        here = indent_width(place.before)
    kept = [first]
    if multi_line:
        for line in found[2:]:
            if indent_width(line) < depth:
                break
            kept.append(line)
    unit = "\t" if place.above.startswith("\t") else " "
    step = 8 if unit == "\t" else 1
    text = "\n".join(
        unit * (max(0, here + indent_width(line) - depth) // step) + line.strip() for line in kept
    )
    return text[len(place.before) :] if place.before else text
