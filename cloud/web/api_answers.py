"""How the read API is asked and how it answers over HTTP: parameters, refusals, and what a browser may keep."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from cloud.api import ask
from cloud.api.answers import Answer, Problem
from cloud.api.endpoints import JSON, ROOT, Question
from cloud.api.openapi import PROBLEM
from cloud.exports.files import Lacking
from cloud.web.access import asked_path
from common.errors import UserError
from common.mistakes import explain, one_line

Asked = TypeVar("Asked", bound=Question)

_KEPT = "private, no-cache"
"""A browser may keep an answer, but asks each time whether it is still the same."""


def is_v1(request: Request) -> bool:
    """Tell whether ``request`` is to the read API, which refuses with a problem document."""
    return f"{asked_path(request)}/".startswith(f"{ROOT}/")


def problem(error: HTTPException) -> Response:
    """Return a refusal as a problem document (RFC 9457)."""
    said = Problem(title=HTTPStatus(error.status_code).phrase, status=error.status_code, detail=error.detail)
    headers = {"cache-control": "no-store", **(error.headers or {})}
    return Response(said.model_dump_json(), error.status_code, headers, media_type=PROBLEM)


def answering(handler: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """Return the handler, with a sentence as the refusal of what it cannot answer."""

    def answer(request: Request) -> Response:
        try:
            return handler(request)
        except ask.UnknownSite as error:
            raise HTTPException(404, str(error)) from None
        except Lacking as error:
            raise HTTPException(503, _sentence(error)) from None
        except UserError as error:
            raise HTTPException(400, _sentence(error)) from None

    return answer


def of_path(request: Request, model: type[Asked]) -> Asked:
    """Return the names in the path. Raises ``HTTPException`` (404)."""
    try:
        return model.model_validate(request.path_params)
    except ValidationError as error:
        raise HTTPException(404, _said(error, model, request.path_params)) from None


def of_query(request: Request, model: type[Asked]) -> Asked:
    """Return the parameters. Raises ``HTTPException`` (400)."""
    given = request.query_params.multi_items()
    twice = [name for name, times in Counter(name for name, _ in given).items() if times > 1]
    if twice:
        raise HTTPException(400, f"{one_line(twice[0])[:60]}: is given twice; write it once.")
    try:
        return model.model_validate(dict(given))
    except ValidationError as error:
        raise HTTPException(400, _said(error, model, dict(given))) from None


def fresh(answer: Answer) -> Response:
    """Return an answer about this moment, which nobody may keep."""
    return Response(answer.model_dump_json(), media_type=JSON, headers={"cache-control": "no-store"})


def kept(request: Request, body: bytes, media: str, *, file: str | None = None) -> Response:
    """Return an answer about the past: 304 if the browser has it already. ``file`` is a name to save it under."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"cache-control": _KEPT, "etag": tag, "vary": "authorization, cookie"}
    if tag in request.headers.get("if-none-match", "").replace("W/", "").split(", "):
        return Response(status_code=304, headers=headers)
    if file is not None:
        headers["content-disposition"] = f'attachment; filename="{file}"'
    return Response(body, headers=headers, media_type=media)


def _said(error: ValidationError, model: type[BaseModel], data: object) -> str:
    return _sentence(explain(error.errors(), model, data))


def _sentence(said: object) -> str:
    """End with a full stop; an option of the command line is a parameter here."""
    text = str(said).removeprefix("--")
    return text if text.endswith((".", "?")) else f"{text}."
