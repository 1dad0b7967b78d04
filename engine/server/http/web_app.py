"""The server as one application: which path belongs to which language, behind the guard.

Opens no connection; `engine.server.http.listening` does.
"""

from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from engine.server.dispatcher import Dispatcher
from engine.server.http.answers import ClientGoneError, refusal, refusal_of
from engine.server.http.guard import Guard, Rules
from engine.server.http.llama_api import LlamaApi
from engine.server.http.metrics import Metrics
from engine.server.http.ollama_api import OllamaApi
from engine.server.http.openai_api import OpenAiApi
from engine.server.http.service import Service
from engine.server.http.writing import TextWriter

__all__ = ["web_app"]


def web_app(
    dispatcher: Dispatcher, rules: Rules, private_patterns: tuple[str, ...] = ()
) -> ASGIApp:
    """Return the application.

    Args:
        dispatcher: The way to the engine.
        rules: Who may ask.
        private_patterns: Further patterns of files that are refused.
    """
    metrics = Metrics()
    service = Service(TextWriter(dispatcher, metrics), metrics, private_patterns)

    async def failed(request: Request, error: Exception) -> Response:
        if isinstance(error, ClientGoneError):
            return Response(status_code=499)  # nobody reads it
        metrics.refused += 1
        return refusal_of(error)

    async def wrong_path(request: Request, error: Exception) -> Response:
        metrics.refused += 1
        status = error.status_code if isinstance(error, HTTPException) else 404
        known = "there is no such path here; spark-tui serve --help names those that there are"
        return refusal(status, known if status == 404 else f"{request.method} is not answered here")

    async def metrics_page(request: Request) -> Response:
        turns = dispatcher.turns
        page = metrics.page(processing=turns.busy, waiting=turns.waiting)
        return PlainTextResponse(page, media_type="text/plain; version=0.0.4")

    handlers: dict[Any, Any] = {HTTPException: wrong_path, ClientGoneError: failed}
    handlers |= {kind: failed for kind in service.errors}
    apis = (LlamaApi(service), OpenAiApi(service), OllamaApi(service))
    routes = [route for api in apis for route in api.routes()]
    app = Starlette(routes=[*routes, Route("/metrics", metrics_page)], exception_handlers=handlers)
    return Guard(app, rules)
