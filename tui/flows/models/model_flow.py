"""Models in the running app: which one serves, comes, is fetched or taught, and how fast it is.

Joins the parts that do it; decides nothing itself.
"""

from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.protocol.messages import Completed, EngineReady
from engine.protocol.what_if import WhatIfSetup
from engine.remote_host import remote_address
from tui.app_messages import BackgroundWork, TrainingNews
from tui.flows.models.model_adapt import ModelAdapt
from tui.flows.models.model_fetch import ModelFetch
from tui.flows.models.model_speed import ModelSpeed
from tui.flows.models.model_switch import ModelSwitch, Notify
from tui.flows.models.remote_consent import AskLine, AskQuestion, asked_address, may_send
from tui.link.engine_link import EngineLink

if TYPE_CHECKING:
    from engine.model_store import CatalogueModel
    from tui.app_messages import EngineNews

__all__ = ["ModelFlow"]

Flow = Callable[[], Coroutine[None, None, None]]


class ModelFlow:
    """What the app does about models.

    Args:
        link: The connection to the engine.
        notify: Tells the person something.
        ask: Shows a question and waits for the answer; only for what ``run`` runs.
        ask_line: The same for a line of text.
        run: Runs something in the background.
        show: Takes what goes on beside the work, for the status line.
        tell: Takes how far a model is that learns, for the panes.
    """

    def __init__(
        self,
        link: EngineLink,
        *,
        notify: Notify,
        ask: AskQuestion,
        ask_line: AskLine,
        run: Callable[[Flow], Any],
        show: Callable[[BackgroundWork | None], None],
        tell: Callable[[TrainingNews | None], None],
    ) -> None:
        self._notify = notify
        self._ask, self._ask_line = ask, ask_line
        self._run = run
        self._show = show
        self._elsewhere = ""
        """The address of another engine's model that was chosen last."""
        self._works: dict[str, BackgroundWork | None] = {}
        self._speed = ModelSpeed()
        self.serving: str | None = None
        """The name of the model that serves; None before one does."""
        self._switch = ModelSwitch(link, notify, partial(self._note_work, "switch"))
        self._fetch = ModelFetch(ask, notify, partial(self._note_work, "fetch"), self._fetched)
        self._adapt = ModelAdapt(notify, partial(self._note_work, "adapt"), self._adapted, tell)

    @property
    def fetching(self) -> str | None:
        """The model that is being fetched."""
        return self._fetch.running

    @property
    def adapting(self) -> bool:
        """Whether a model is being taught the repository."""
        return self._adapt.running

    def takes(self, event: "EngineNews") -> bool:
        """Follow an event; return True if it does not concern the session that serves."""
        if isinstance(event, Completed):
            self._speed.heard(event.completion)
        taken = self._switch.takes(event)
        if isinstance(event, EngineReady) and not taken:
            self.serving = event.model.name
        return taken

    def offer_once(self) -> None:
        """Offer a better model, unless the person was asked before."""
        self._run(self._fetch.offer_once)

    def choose(self, place: str) -> None:
        """Use another model, once it is ready."""
        self._switch.choose(place)

    def choose_elsewhere(self) -> None:
        """Use a model that another engine runs, once the person has said which, and agreed."""
        self._run(self._choose_elsewhere)

    async def _choose_elsewhere(self) -> None:
        text = await asked_address(self._elsewhere, self._ask_line)
        if text is not None and await may_send(remote_address(text), self._ask):
            self._elsewhere = text
            self.choose(text)

    def change_machine(self, place: str, setup: WhatIfSetup) -> None:
        """Use a model on another machine, once it is ready there."""
        self._switch.choose(place, setup)

    def fetch(self, offer: "CatalogueModel") -> None:
        """Fetch a model of the catalogue, after a question."""
        self._run(partial(self._fetch.ask_and_fetch, offer))

    def stop_fetching(self) -> None:
        """Stop fetching, at the person's wish."""
        self._fetch.cancel()

    def adapt(
        self, root: Path, private_patterns: tuple[str, ...], model: str | None = None
    ) -> None:
        """Teach a model a repository, the small one if none is named; it serves if better."""
        self._run(partial(self._adapt.adapt, root, private_patterns, model))

    def stop_adapting(self) -> None:
        """Stop teaching, at the person's wish."""
        self._adapt.cancel()

    def typed(self) -> None:
        """Note that the person types: what runs at the lowest priority waits."""
        self._adapt.typed()

    def forget_switch(self) -> None:
        """Wait for no other model: the connection is made anew."""
        self._switch.forget()

    def end(self) -> None:
        """Stop what goes on, because the app ends."""
        self._fetch.stop()
        self._adapt.stop()

    def _adapted(self, name: str) -> None:
        """Go over to a model that has just learnt the repository."""
        from engine import model_store

        places = {model.name: model.path for model in model_store.adapted_models()}
        self._switch.choose(str(places.get(name, Path(name))))

    def _fetched(self, name: str) -> None:
        """Go over to a model that has just come."""
        from engine import model_store

        places = {model.name: model.path for model in model_store.installed()}
        self._notify(f"{name} is there; it serves as soon as it is open", timeout=6)
        self._switch.choose(str(places.get(name, Path(name))))

    def _note_work(self, part: str, work: BackgroundWork | None) -> None:
        """Show what goes on: a model that is opened before one that is fetched or taught."""
        self._works[part] = work
        known = (self._works.get(each) for each in ("switch", "fetch", "adapt"))
        self._show(next(filter(None, known), None))
