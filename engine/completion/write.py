"""Write: a writer and a generator at work on one completion until it stands.

Up to the end of the first line, then, where that line was taken back, again from the place where
it goes another way, and to the end of the text.
"""

from collections.abc import Callable, Sequence
from time import perf_counter

from engine.completion.writer import UNBOUND, Writer
from engine.generation.generator import Generation, Generator

__all__ = ["write"]


def write(
    writer: Writer,
    generator: Generator,
    prompt: Sequence[int],
    max_tokens: int,
    generation: Generation,
    on_text: Callable[[str], None],
    cancelled: Callable[[], bool],
) -> float:
    """Let the writer say its text; return when there was some, by `time.perf_counter`.

    Args:
        writer: A new one.
        generator: Of its model.
        prompt: Ids in front of the text.
        max_tokens: Of the text, those not counted that were taken back.
        generation: Told of all steps.
        on_text: Called with what can be shown, when it has changed and is not yet all.
        cancelled: Asked between steps; True ends the text where it is.
    """
    shown, first_text = "", None
    settled = False  # whether the first line stays
    while writer.ended is None or not settled:
        if settled or not writer.first_line_ended:
            for _ in generator.run(
                prompt, writer.pick, max_tokens, generation, cancelled, writer.tokens
            ):
                writer.push()
                if writer.text and first_text is None:
                    first_text = perf_counter()
                if writer.ended is not None or (writer.first_line_ended and not settled):
                    break
                if writer.shown != shown:
                    shown = writer.shown
                    on_text(shown)
            else:  # cancelled, or as long as it may be
                if not settled and not generation.cancelled:
                    writer.take_best(UNBOUND)
                break
        if not settled:
            settled = not writer.go_back()
    return perf_counter() if first_text is None else first_text
