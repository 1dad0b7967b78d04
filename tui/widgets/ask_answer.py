"""One question with its answer: Markdown that grows while it is written, and its blocks of code.

Shows; decides nothing.  What a model wrote opens no link and steers no terminal.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Markdown, Static
from textual.widgets.markdown import MarkdownBlock, MarkdownFence

from engine.visible_text import visible
from tui.assist.conversation import AskedTurn
from tui.visuals.answer_markdown import answer_parser, shown_markdown
from tui.visuals.ask_text import progress_text, shown_cost, sources_text
from tui.widgets.theme_inks import inks_of

__all__ = ["AnswerCode", "AnswerView", "CodeUse"]

CodeUse = Literal["insert", "apply", "copy"]


class AnswerCode(MarkdownFence, can_focus=True):
    """A block of code in an answer, which keys bring into the file."""

    DEFAULT_CSS = """
    AnswerCode {
        margin: 0 0 1 0;
        border-left: wide $border;
        background: $background;
        overflow-x: auto;
        & > Label { padding: 0 1; }
        &:focus { border-left: wide $primary; background: $boost; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "i,enter", "use('insert')", "insert a block of code at the cursor", id="answer.insert"
        ),
        Binding("a", "use('apply')", "apply: show it as a change of the file", id="answer.apply"),
        Binding("c", "use('copy')", "copy it", id="answer.copy"),
    ]

    @dataclass
    class Used(Message):
        """A key says what to do with a block of code."""

        use: CodeUse
        code: str
        turn: AskedTurn

    def action_use(self, use: CodeUse) -> None:
        """Say what is wanted."""
        view = self.query_ancestor(AnswerView)
        self.post_message(self.Used(use, self.code, view.turn))


class AnswerText(Markdown):
    """The Markdown of an answer."""

    DEFAULT_CSS = """
    AnswerText {
        padding: 0;
        margin: 0;
        background: transparent;
        MarkdownBlock { margin: 0 0 1 0; }
        MarkdownList MarkdownBlock { margin: 0; }
        MarkdownHeader { margin: 0 0 1 0; content-align: left middle; text-style: bold; }
    }
    """

    def __init__(self) -> None:
        super().__init__(parser_factory=answer_parser, open_links=False)

    def get_block_class(self, block_name: str) -> type[MarkdownBlock]:
        """Return the widget of a kind of block: code has keys of its own."""
        code = block_name in ("fence", "code_block")
        return AnswerCode if code else super().get_block_class(block_name)


class AnswerView(Vertical):
    """A turn of the conversation on the screen.

    Args:
        turn: It changes while the answer is written; `show` and `write` follow it.
    """

    DEFAULT_CSS = """
    AnswerView {
        height: auto;
        margin-bottom: 1;
        & > Static { height: auto; }
    }
    """

    def __init__(self, turn: AskedTurn) -> None:
        super().__init__()
        self.turn = turn
        self._shown = ""
        self._writing = False
        self._streamed = False

    def compose(self) -> ComposeResult:
        """Put the answer between what was asked and what it took."""
        yield Static(id="ask-question")
        yield Static(id="ask-sources")
        yield AnswerText()
        yield Static(id="ask-foot")

    @property
    def code(self) -> list[AnswerCode]:
        """The blocks of code, from top to bottom."""
        return list(self.query(AnswerCode))

    def on_mount(self) -> None:
        """Show what is known."""
        self.show()

    def show(self) -> None:
        """Show the state of the turn; its text is `write`'s part."""
        inks, turn = inks_of(self), self.turn
        question = Text("▸ ", style=inks.host).append(
            visible(turn.question), style=f"bold {inks.text}"
        )
        self.query_one("#ask-question", Static).update(question)
        sources = Text(visible(sources_text(turn.parts)), style=inks.muted)
        for reason in turn.left_out:
            sources.append(f"\nleft out: {visible(reason)}", style=inks.caution)
        self.query_one("#ask-sources", Static).update(sources)
        self.query_one("#ask-sources").display = bool(sources)
        foot = Text(progress_text(turn), style=inks.muted)
        if turn.ended:
            foot = Text(visible(turn.note), style=inks.caution)
            if cost := shown_cost(turn):
                foot.append("\n" if foot else "").append(visible(cost), style=inks.faint)
        self.query_one("#ask-foot", Static).update(foot)
        self.query_one("#ask-foot").display = bool(foot)

    async def write(self) -> None:
        """Bring the Markdown up to the answer so far; blocks that stay are not made again."""
        if self._writing or not self.is_mounted:
            return
        self._writing = True
        try:
            text = self.query_one(AnswerText)
            while self.is_attached and (
                (wanted := shown_markdown(self.turn.answer)) != self._shown
            ):
                if self._shown and wanted.startswith(self._shown):
                    await text.append(wanted[len(self._shown) :])
                    self._streamed = True
                else:
                    await text.update(wanted)
                self._shown = wanted
            if self.turn.ended and self._streamed:
                self._streamed = False
                await text.update(self._shown)  # what was parsed in pieces, once as a whole
        finally:
            self._writing = False
