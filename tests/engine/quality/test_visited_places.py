from pathlib import Path
from random import Random

from engine.quality.corpus import SourceFile
from engine.quality.visited_places import VISITED_LINES, visited_places

ROOT = Path("/work")
FILLER = "".join(f"filler_{row} = {row}\n" for row in range(3 * VISITED_LINES))
MAIN = SourceFile(ROOT, "app/main.py", "from app.money import rounded\n\nx = rounded(1)\n")
MONEY = SourceFile(ROOT, "app/money.py", FILLER + "def rounded(amount):\n    return amount\n")
OTHERS = [MAIN, MONEY, SourceFile(ROOT, "app/other.py", FILLER)]
FAR = SourceFile(ROOT, "far/away.py", "distant = 1\n")


def places(count: int, seed: int = 0):
    return visited_places(MAIN, [*OTHERS, FAR], count, Random(seed))


def test_definitions_that_the_file_imports_come_first() -> None:
    for seed in range(5):
        (place,) = places(1, seed)
        assert place.path == "app/money.py"
        assert "def rounded" in place.text


def test_other_places_lie_in_the_same_folder_or_in_imported_files() -> None:
    found = {place.path for seed in range(9) for place in places(6, seed)}
    assert found == {"app/money.py", "app/other.py"}


def test_no_place_comes_twice_and_none_is_longer_than_a_place() -> None:
    found = places(100)
    assert len({(place.path, place.text) for place in found}) == len(found) > 4
    assert all(place.text.count("\n") < VISITED_LINES for place in found)


def test_the_same_seed_gives_the_same_places() -> None:
    assert places(4) == places(4)
    assert len({places(4, seed) for seed in range(9)}) > 1


def test_a_file_alone_has_no_places() -> None:
    assert visited_places(MAIN, [MAIN, FAR], 4, Random(0)) == ()
    assert visited_places(SourceFile(ROOT, "far/a.py", "def ("), [FAR], 4, Random(0)) != ()
