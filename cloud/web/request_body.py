"""The JSON body of a request, read into a model."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request

from cloud.domain.messages import gettext as _

Body = TypeVar("Body", bound=BaseModel)


def read_body(request: Request, model: type[Body]) -> Body:
    """Return the body of the request. Raises ``HTTPException`` (400) that names the first mistake."""
    try:
        return model.model_validate_json(request.state.body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the request"
        raise HTTPException(
            400, _("The request cannot be read: %(where)s: %(why)s.", where=where, why=first["msg"])
        ) from None
