"""The session of the second model: opened beside the one that serves, and given back."""

from msgspec.structs import replace

from engine.protocol.messages import SessionFailed
from tui.assist.quick_session import QuickSession
from tui.demo_engine import demo_ready
from tui.flows.models.quick_model import QuickModel

LARGE = demo_ready()
SMALL = replace(LARGE, session=2, model=replace(LARGE.model, name="small"))


class PaperLink:
    def __init__(self) -> None:
        self.opened: list[str | None] = []
        self.dropped: list[int] = []

    def open(self, model: str | None) -> int:
        self.opened.append(model)
        return 1 + len(self.opened)

    def drop(self, session: int) -> None:
        self.dropped.append(session)


def made() -> tuple[QuickModel, PaperLink, list[QuickSession | None], list[str]]:
    link, used, told = PaperLink(), [], []
    return QuickModel(link, used.append, told.append), link, used, told  # type: ignore[arg-type]


def test_it_is_opened_once_a_model_serves_and_used_once_it_is_ready() -> None:
    quick, link, used, told = made()
    quick.want("small")
    assert link.opened == []
    quick.follow(LARGE, 1)
    quick.follow(LARGE, 1)
    assert link.opened == ["small"]
    quick.follow(SMALL, 1)
    assert used[-1] == QuickSession(2, SMALL.model)
    assert told == []


def test_it_is_given_back_when_nobody_wants_it() -> None:
    quick, link, used, _ = made()
    quick.want("small")
    quick.follow(LARGE, 1)
    quick.follow(SMALL, 1)
    quick.want("")
    assert link.dropped == [2]
    assert used[-1] is None


def test_the_model_that_serves_is_not_opened_twice() -> None:
    quick, link, _, _ = made()
    quick.want(LARGE.model.name)
    quick.follow(LARGE, 1)
    assert link.opened == []


def test_where_there_is_no_room_the_person_hears_why() -> None:
    quick, _, used, told = made()
    quick.want("small")
    quick.follow(LARGE, 1)
    quick.follow(SessionFailed(2, "small needs about 9.0 GB"), 1)
    assert used[-1] is None
    assert told == ["no second model: small needs about 9.0 GB"]
