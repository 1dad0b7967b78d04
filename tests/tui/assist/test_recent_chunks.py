from tui.assist.recent_chunks import CHUNK_LINES, KEPT, MAX_CHARACTERS, QUEUED, RecentChunks


def lines(name: str, count: int = 100) -> list[str]:
    return [f"{name}_{row} = {row}" for row in range(count)]


def settled(chunks: RecentChunks) -> RecentChunks:
    while chunks.settle():
        pass
    return chunks


def seen(*places: tuple[str, int]) -> RecentChunks:
    """A person who was at some places of files and then paused."""
    chunks = RecentChunks()
    for path, row in places:
        chunks.saw(path, lines(path), row)
    return settled(chunks)


def paths(chunks: RecentChunks, path: str = "") -> list[str]:
    return [chunk.path for chunk in chunks.beside(path)]


def test_what_was_seen_counts_from_a_pause_on() -> None:
    chunks = RecentChunks()
    chunks.saw("a", lines("a"), 0)
    chunks.saw("b", lines("b"), 0)
    assert paths(chunks) == []
    assert chunks.settle()
    assert paths(chunks) == ["a"]
    assert not chunks.settle()
    assert paths(chunks) == ["b", "a"]


def test_a_part_is_the_lines_around_the_cursor() -> None:
    for row, first in ((0, 0), (50, 50 - CHUNK_LINES // 2), (99, 100 - CHUNK_LINES)):
        (part,) = seen(("a", row)).beside("")
        assert part.text.split("\n") == lines("a")[first : first + CHUNK_LINES]


def test_a_file_gets_no_parts_of_itself() -> None:
    assert paths(seen(("a", 0), ("b", 0)), "a") == ["b"]


def test_the_oldest_go_first() -> None:
    count = KEPT + 3
    many = seen(*((f"file{i}", 0) for i in range(count)))
    assert paths(many) == [f"file{i}" for i in reversed(range(count - KEPT, count))]
    chunks = RecentChunks()
    for i in range(QUEUED + 3):
        chunks.saw(f"file{i}", lines(f"file{i}"), 0)
    assert paths(settled(chunks))[-1] == "file3"


def test_a_changed_place_takes_the_place_of_what_it_was() -> None:
    chunks = seen(("a", 10), ("b", 10))
    text = lines("a")
    text[10] = "changed = True"
    chunks.saw("a", text, 12)
    assert [chunk.path for chunk in settled(chunks).beside("")] == ["a", "b"]
    assert "changed = True" in chunks.beside("")[0].text


def test_a_copy_of_a_file_takes_the_place_of_the_original() -> None:
    chunks = seen(("a", 0))
    chunks.saw("copy_of_a", lines("a"), 0)
    assert paths(settled(chunks)) == ["copy_of_a"]


def test_two_places_of_a_file_are_two_parts() -> None:
    assert paths(seen(("a", 0), ("a", 99))) == ["a", "a"]


def test_nothing_and_long_lines_make_no_part() -> None:
    chunks = RecentChunks()
    for text in ([], [""], ["", "  ", ""], ["x" * (MAX_CHARACTERS + 1)]):
        chunks.saw("a", text, 0)
    assert paths(settled(chunks)) == []


def test_a_part_is_cut_at_a_line() -> None:
    wide = [f"{row:03} {'x' * 200}" for row in range(CHUNK_LINES)]
    chunks = RecentChunks()
    chunks.saw("a", wide, 0)
    (part,) = settled(chunks).beside("")
    assert len(part.text) <= MAX_CHARACTERS
    assert part.text.split("\n") == wide[: part.text.count("\n") + 1]


def test_forgetting_leaves_nothing() -> None:
    chunks = seen(("a", 0))
    chunks.saw("b", lines("b"), 0)
    chunks.forget()
    assert paths(settled(chunks)) == []
