"""The HTTP server of a run: a page that draws its gates as you type, and the same answers as JSON.

with TestClient(make_app(Predictor.load("runs/first"))) as client:
    client.post("/predict", json={"text": "很好用"}).json()["label"]

GET  /               the live page         POST /predict   the answer to a text, or to each of several
GET  /health         what is served        POST /inspect   gates, states and answers of a text, token by token
GET  /metrics        for Prometheus        POST /generate  what a language model makes follow a text
GET  /openapi.json     all of it, for programs; GET /docs for people
/v2/…                  the same answers by the Open Inference Protocol (`serve.inference`)

HEAD is answered as GET is. Whatever is wrong with a request is one sentence, {"detail": "…"}, with a status that says
whose fault it is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cellwright import __version__
from cellwright.errors import InputError
from cellwright.models.sampling import Sampling
from cellwright.serve import inference
from cellwright.serve.docs import docs_page
from cellwright.serve.limits import Limits
from cellwright.serve.metrics import Metrics
from cellwright.serve.pages import HEADERS, pages
from cellwright.serve.schemas import (
    JSON,
    RefusedError,
    ToGenerate,
    ToInspect,
    ToPredict,
    arrived,
    check_length,
    parsed,
    read,
)
from cellwright.serve.worker import SHORT, BusyError, Work, Worker
from cellwright.tasks.predictor import Predictor

Inspect = Callable[[str, bool], Mapping[str, Any]]
"""What the page draws of a text; the second argument: whether with attributions."""


Write = Callable[[str, Sampling], Sequence[str]]
"""What a language model makes follow a text, in pieces."""


@dataclass(frozen=True)
class Capabilities:
    """What a model can do beside predicting.

    inspect   None where it has no gates to show
    explains  whether it tells attributions
    effort    about how many tokens it reads to inspect a text; the second argument: whether with attributions
    write     None where it writes no text
    outputs   the tensors of an answer
    """

    inspect: Inspect | None = None
    explains: bool = False
    effort: Callable[[str, bool], int] = lambda text, attributions: len(text)
    write: Write | None = None
    outputs: Sequence[inference.Output] = (inference.ANSWER,)


class Problem(BaseModel):
    """Why a request is not answered."""

    detail: str


PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": text}
    for status, text in {
        404: "The model that is served cannot do that.",
        408: "The request has not arrived in time.",
        413: "The body is too large.",
        415: "The body is compressed, or not application/json.",
        422: "The body is not what was expected.",
        503: "Too many requests wait, or the server ends.",
        504: "There was no answer in time.",
    }.items()
}


def make_app(
    predictor: Predictor[Any],
    *,
    capabilities: Capabilities | None = None,
    name: str = "",
    model: str = "model",
    example: str = "",
    limits: Limits | None = None,
) -> FastAPI:
    """The server of a predictor.

    capabilities: what the model can do beside predicting; None: nothing.
    name: of what is served, for the page and for /health.
    model: its name in the paths of /v2.
    example: a text that the page offers to begin with; none if it is empty.
    """
    capabilities, limits, metrics = capabilities or Capabilities(), limits or Limits(), Metrics()
    dispatcher = Dispatcher(limits, metrics)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with dispatcher:
            yield

    app = FastAPI(
        title="cellwright serve",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,  # its scripts come from a network; `docs_page` is without any
        redoc_url=None,
    )
    app.state.served = _served(predictor, capabilities, name)
    app.add_middleware(MetricsMiddleware, metrics=metrics)
    _tell_problems(app)
    work = _predicting(predictor, dispatcher.limits)
    _add_predict(app, dispatcher, work)
    _add_inspect(app, dispatcher, capabilities)
    _add_generate(app, dispatcher, capabilities.write)
    _add_inference(app, dispatcher, work, model, capabilities.outputs)
    _add_pages(app, metrics, app.state.served | {"example": example})
    return app


class Dispatcher:
    """The worker while the server runs, and how a request waits for it."""

    def __init__(self, limits: Limits, metrics: Metrics) -> None:
        self.limits = limits
        self._metrics = metrics

    def __enter__(self) -> None:
        self._worker = Worker(self._metrics, most_waiting=self.limits.max_waiting)

    def __exit__(self, *error: object) -> None:
        self._worker.close()

    async def answers(self, request: Request, work: Work, texts: Sequence[str]) -> list[Any]:
        """The answers to the texts, while the client waits. Raises RefusedError, BusyError, what the model raises."""
        waiting = asyncio.wrap_future(self._worker.submit(work, texts))
        left = asyncio.ensure_future(_left(request))
        either: list[asyncio.Future[Any]] = [waiting, left]
        try:
            await asyncio.wait(either, timeout=self.limits.timeout, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                return waiting.result()
            if left.done():
                raise RefusedError(499, "the client has gone away")
            raise RefusedError(504, f"no answer within {self.limits.timeout:g} s; ask for less at a time, or later")
        finally:
            for each in either:
                each.cancel()


async def _left(request: Request) -> None:
    """Return when the client has closed the connection of a request whose body was read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _predicting(predictor: Predictor[Any], limits: Limits) -> Work:
    """What /predict and /v2 ask of the model, together."""

    def answer(texts: Sequence[str]) -> list[Any]:
        return [each.as_json() for each in predictor.predict(texts)]

    return Work("predict", answer, limits.max_batch)


def _add_predict(app: FastAPI, dispatcher: Dispatcher, work: Work) -> None:
    @app.post("/predict", responses=PROBLEMS, openapi_extra=_body(ToPredict))
    async def predict(request: Request) -> Response:
        """Answer one text, or each of several."""
        body = await read(request, ToPredict, dispatcher.limits)
        answers = await dispatcher.answers(request, work, body.all(dispatcher.limits))
        return JSONResponse(answers[0] if body.texts is None else answers)


def _add_inspect(app: FastAPI, dispatcher: Dispatcher, capabilities: Capabilities) -> None:
    inspect = capabilities.inspect

    def work(attributions: bool) -> Work:
        def answer(texts: Sequence[str]) -> list[Any]:
            assert inspect is not None
            return [inspect(text, attributions) for text in texts]

        return Work("inspect", answer, 1, lambda text: capabilities.effort(text, attributions))

    works = {attributions: work(attributions) for attributions in (False, True)}

    @app.post("/inspect", responses=PROBLEMS, openapi_extra=_body(ToInspect))
    async def inspect_text(request: Request) -> Response:
        """Tell every gate and state of a text, the answer token by token, and of a classifier what each contributed.

        Of a letter, `data` is base64 of a byte a value, unit by unit; a value is low + byte / 255 · (high − low).
        """
        if inspect is None:
            raise RefusedError(404, "the model that is served has no gates to show; POST /predict answers texts")
        body = await read(request, ToInspect, dispatcher.limits)
        check_length("text", body.text, dispatcher.limits.max_inspected)
        return JSONResponse((await dispatcher.answers(request, works[body.attributions], [body.text]))[0])


def _add_generate(app: FastAPI, dispatcher: Dispatcher, write: Write | None) -> None:
    @app.post("/generate", responses=PROBLEMS, openapi_extra=_body(ToGenerate))
    async def generate(request: Request) -> Response:
        """Tell what a language model makes follow a prompt, in pieces of whole characters."""
        if write is None:
            raise RefusedError(404, "the model that is served writes no text; POST /predict answers texts")
        body = await read(request, ToGenerate, dispatcher.limits)
        body.check(dispatcher.limits)
        effort = len(body.prompt) + SHORT * body.length  # one token after the other takes the time of many at once
        work = Work("generate", lambda prompts: [write(prompt, body) for prompt in prompts], 1, lambda _: effort)
        return JSONResponse({"pieces": (await dispatcher.answers(request, work, [body.prompt]))[0]})


def _add_inference(
    app: FastAPI, dispatcher: Dispatcher, work: Work, model: str, outputs: Sequence[inference.Output]
) -> None:
    """What the Open Inference Protocol tells, and asks of the model."""

    @app.get("/v2")
    async def server() -> dict[str, Any]:
        """Tell the server's name and version (Open Inference Protocol)."""
        return inference.server()

    @app.get("/v2/health/live")
    async def live() -> dict[str, bool]:
        """Tell that the server runs."""
        return {"live": True}

    @app.get("/v2/health/ready")
    async def ready() -> dict[str, bool]:
        """Tell that the model is loaded: the server listens only then."""
        return {"ready": True}

    @app.get("/v2/models/{name}")
    async def described(name: str) -> dict[str, Any]:
        """Tell the tensors that the model takes and gives."""
        _check_model(name, model)
        return inference.model(model, outputs)

    @app.get("/v2/models/{name}/ready")
    async def model_ready(name: str) -> dict[str, Any]:
        """Tell that the model is loaded."""
        _check_model(name, model)
        return {"name": model, "ready": True}

    _add_infer(app, dispatcher, work, model, outputs)


def _add_infer(
    app: FastAPI, dispatcher: Dispatcher, work: Work, model: str, outputs: Sequence[inference.Output]
) -> None:
    @app.post("/v2/models/{name}/infer", responses=PROBLEMS, openapi_extra=_body(inference.ToInfer))
    async def infer(name: str, request: Request) -> Response:
        """Answer a tensor of texts with tensors."""
        _check_model(name, model)
        header = request.headers.get(inference.HEADER)
        _check_sender(request, header)
        text, binary = inference.split(await arrived(request, dispatcher.limits), header)
        body = parsed(text, inference.ToInfer)
        asked = inference.wanted(body, outputs)
        answers = await dispatcher.answers(request, work, inference.texts_of(body, binary, dispatcher.limits))
        content, length = inference.response(model, body.id, answers, asked)
        if length is None:
            return Response(content, media_type=JSON)
        return Response(content, media_type="application/octet-stream", headers={inference.HEADER: str(length)})


def _check_model(name: str, model: str) -> None:
    if name != model:
        raise RefusedError(404, f"there is no model {name!r}; expected {model!r}")


def _check_sender(request: Request, header: str | None) -> None:
    """Refuse what a page of another site could send unasked; Triton's clients name no content type, and no origin."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != JSON and header is None and (media or "origin" in request.headers):
        raise RefusedError(415, f"the content type is {media or 'missing'}; expected {JSON}")


def _served(predictor: Predictor[Any], capabilities: Capabilities, name: str) -> dict[str, Any]:
    """What /health tells."""
    return {
        "status": "ok",
        "run": name,
        "version": __version__,
        "inspects": capabilities.inspect is not None,
        "explains": capabilities.explains,
        "generates": capabilities.write is not None,
        "reads": predictor.reads,
    }


def _body(kind: type[BaseModel]) -> dict[str, Any]:
    """The part of OpenAPI that tells a request's body, which `read` reads."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": kind.model_json_schema()}}}}


def _add_pages(app: FastAPI, metrics: Metrics, served: dict[str, Any]) -> None:
    for path, (content, media) in pages().items():
        app.get(path, include_in_schema=False)(_always(content, media))

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return Response(docs_page(app.openapi()), media_type="text/html", headers=HEADERS)

    @app.get("/health")
    async def health() -> dict[str, Any]:
        """Tell what is served."""
        return served

    @app.get("/metrics", response_class=Response)
    async def counted() -> Response:
        """Tell how many requests were answered, and how fast."""
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    for route in [each for each in app.routes if isinstance(each, APIRoute) and "GET" in (each.methods or ())]:
        app.head(route.path, include_in_schema=False)(route.endpoint)  # whose body the server leaves out


def _always(content: str, media: str) -> Callable[[], Awaitable[Response]]:
    async def answer() -> Response:
        return Response(content, media_type=media, headers=HEADERS)

    return answer


def _tell_problems(app: FastAPI) -> None:
    def told(request: Request, sentence: str, status: int, headers: dict[str, str] | None = None) -> JSONResponse:
        field = "error" if request.url.path.startswith("/v2/") else "detail"  # the protocol's word
        return JSONResponse({field: sentence}, status, headers)

    def refused(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RefusedError)
        unread = error.status in (408, 413)  # what still comes of the body is no next request
        return told(request, str(error), error.status, {"connection": "close"} if unread else None)

    def wrong(request: Request, error: Exception) -> JSONResponse:
        return told(request, str(error), 422)

    def busy(request: Request, error: Exception) -> JSONResponse:
        return told(request, str(error), 503, {"retry-after": "1"})

    def failed(request: Request, error: Exception) -> JSONResponse:
        # Starlette raises the error further after this answer, so that the log has its traceback.
        return told(request, "the model failed on this request; the server's log says why", 500)

    for kind, handler in ((RefusedError, refused), (InputError, wrong), (BusyError, busy), (Exception, failed)):
        app.add_exception_handler(kind, handler)


class MetricsMiddleware:
    """Middleware that counts and times the requests."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or whatever else ASGI asks."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            path = getattr(scope.get("route"), "path", "other")  # the paths that clients make up are one
            self.metrics.requests.labels(path, str(status)).inc()
            self.metrics.latency.labels(path).observe(time.perf_counter() - began)
