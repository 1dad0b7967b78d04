"""What a question names: names of the code, and words that code about it would use.  Pure."""

import re
from dataclasses import dataclass

__all__ = ["QuestionWords"]

_WORD = re.compile(r"[A-Za-z_][\w.]*(?:\(\))?")
_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_COMMON_WORDS = """
a about above after all also an and any are as at be because been before below between both but by
called calls can class code could def did do does doing down each explain file files find for from
function functions get give has have how i if in into is it its just let line lines make may me
method mean means module most my name no not of off on one only or other out over please program
return returns same say see set should show so some such tell than that the their them then there
these they this those to too under until up us use used uses using variable very was way we what
when where which while who why will with work works would write you your
"""
_STOP = frozenset(_COMMON_WORDS.split())
MOST_WORDS = 24
"""Words of a question that are looked for; the first ones."""


@dataclass(frozen=True, slots=True)
class QuestionWords:
    """The names and words of a question, without doubles, in its order."""

    names: tuple[str, ...]
    """What can only be a name of the code: it has an underscore, capitals inside, brackets behind
    it, or stands between backticks."""
    plain: tuple[str, ...]
    """Other words that may be a name, as they are written."""
    words: tuple[str, ...]
    """Lower-case words and parts of names, of three letters or more."""

    @classmethod
    def of(cls, question: str) -> "QuestionWords":
        """Return what a question names."""
        quoted = {
            word for part in re.findall(r"`([^`\n]+)`", question) for word in _WORD.findall(part)
        }
        names, plain, words = [], [], []
        for found in _WORD.findall(question):
            bare = found.removesuffix("()").strip(".")
            *_, name = bare.split(".")
            certain = found in quoted or found.endswith("()") or _looks_like_code(bare)
            if certain:
                names.append(name)
            elif name.lower() not in _STOP and len(name) > 2:
                plain.append(name)
            parts = [part.lower() for part in _PARTS.findall(bare)]
            words += [
                _stem(part) for part in parts if len(part) > 2 and (certain or part not in _STOP)
            ]
        return cls(
            tuple(dict.fromkeys(names))[:MOST_WORDS],
            tuple(dict.fromkeys(plain))[:MOST_WORDS],
            tuple(dict.fromkeys(words))[:MOST_WORDS],
        )


def _looks_like_code(word: str) -> bool:
    """Return whether a word is written as names are: a_b, aB, a.b; not as a sentence is."""
    inner = word[1:]
    capitals = inner != inner.lower() and word != word.upper()
    dotted = "." in word and len(word.rpartition(".")[2]) > 1
    return "_" in word.strip("_") or word.startswith("_") or capitals or dotted


def _stem(word: str) -> str:
    """Return a word without the ending of a plural, so that it is found in both forms."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
