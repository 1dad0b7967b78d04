"""Fields of requests that ask for what this server does not do: refused, not passed over.

Fields that only hint at how to choose or to compute (``samplers``, ``cache_prompt``, penalties) are
passed over.  Pure.
"""

from typing import Any

import msgspec

from engine.errors import PromptError

__all__ = ["Unmet", "refuse_unmet"]

_FORM = "what a model writes follows no grammar or schema here"
_PROBABILITIES = "no probabilities of tokens are told: the mixture's are not the model's"
_TOOLS = "no tools are called here"
_WHY = {
    "grammar": _FORM,
    "json_schema": _FORM,
    "response_format": _FORM,
    "format": _FORM,
    "tools": _TOOLS,
    "functions": _TOOLS,
    "logprobs": _PROBABILITIES,
    "top_logprobs": _PROBABILITIES,
    "n_probs": _PROBABILITIES,
    "logit_bias": "tokens are numbered by each model in its own way, so none is weighed here",
    "lora": "no adapters are loaded here; spark-tui adapt makes a model of its own",
}


class Unmet(msgspec.Struct):
    """The fields of any of the three languages that are refused where they ask for something."""

    grammar: Any = None
    json_schema: Any = None
    response_format: Any = None
    format: Any = None
    """Ollama's."""
    tools: Any = None
    tool_choice: Any = None
    functions: Any = None
    logprobs: Any = None
    top_logprobs: Any = None
    n_probs: Any = None
    logit_bias: Any = None
    lora: Any = None

    def named(self) -> str | None:
        """Return the first field that asks for something; None: none does."""
        return next((name for name in _WHY if self._asks(name)), None)

    def _asks(self, name: str) -> bool:
        value = getattr(self, name)
        match name:
            case "response_format":
                return bool(value) and value != {"type": "text"}
            case "tools":
                return bool(value) and self.tool_choice != "none"
            case _:
                return bool(value)


def refuse_unmet(body: bytes) -> None:
    """Refuse a request that asks for what is not done.

    Args:
        body: Its JSON, an object.

    Raises:
        PromptError: It does; the line names the field and the reason.
    """
    name = msgspec.json.decode(body, type=Unmet).named()
    if name is not None:
        raise PromptError(f"the field {name!r} is not supported: {_WHY[name]}")
