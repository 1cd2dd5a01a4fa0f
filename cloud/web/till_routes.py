"""``POST /api/v1/sites/{site}/till``: a till tells what it sold, again and again until somebody has heard it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from cloud.api import ask
from cloud.api.answers import TillTaken
from cloud.api.endpoints import BY_NAME, ROOT, OfSite, TillRows
from cloud.domain.till import TillError, checked_rows
from cloud.stores.shops import Shops
from cloud.stores.till_file import TillFile
from cloud.web.access import guarded, record
from cloud.web.api_answers import answering, fresh, of_path
from common.clock import Clock
from common.errors import UserError
from common.mistakes import explain

MOST_BYTES = 256 * 1024


def routes(till: TillFile, shops: Shops, clock: Clock) -> list[BaseRoute]:
    """Return the route by which tills of ``shops`` tell their sales."""
    one = BY_NAME["till"]
    taking = _Taking(till, shops, clock)
    return [
        guarded(
            f"{ROOT}{one.path}",
            answering(taking.take),
            needs=one.needs,
            methods=["POST"],
            name="api_till",
            most_bytes=MOST_BYTES,
        )
    ]


@dataclass(frozen=True, slots=True)
class _Taking:
    """The handler. It is not async: the file may be busy."""

    till: TillFile
    shops: Shops
    clock: Clock

    def take(self, request: Request) -> Response:
        name, now = of_path(request, OfSite).site, self.clock.now()
        rows = _rows(request.state.body)
        chain, _ = self.shops.until(now.date())
        site = ask.site_named(chain, name)
        try:
            taken = self.till.take(checked_rows([(site, row) for row in rows.rows], now), now)
        except TillError as error:
            raise UserError(f"rows.{error.place}: {error}; nothing was taken") from None
        if taken.corrected:
            record(request, "till_corrected", f"{taken.corrected} intervals of {name}")
        return fresh(TillTaken(new=taken.new, corrected=taken.corrected, unchanged=taken.unchanged))


def _rows(body: bytes) -> TillRows:
    """Return the rows in the body of a request. Raises ``UserError``, and ``HTTPException`` for no JSON at all."""
    try:
        return TillRows.model_validate_json(body)
    except ValidationError as error:
        errors = error.errors()
        if errors[0]["type"] == "json_invalid":
            raise HTTPException(400, 'This is no JSON. Send {"rows": [...]} as docs/till.md shows.') from None
        raise UserError(explain(errors, TillRows, json.loads(body))) from None
