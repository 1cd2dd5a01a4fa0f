"""Programmes of displays: one person drafts what a display shows to whom, another one approves it.

Only what was approved is sent, and the device checks it again (docs/remote-config.md). A draft that waits is replaced
by the next one for the same device.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import JsonValue

from cloud.devices.change_file import ChangeFile
from cloud.devices.changes import Changes, NotPossible
from cloud.domain.messages import gettext as _
from common.clock import Clock
from common.config_file import read_yaml
from common.signage import ProgrammeSettings

KEPT = 100
"""Drafts of one device."""

DraftState = Literal["drafted", "approved", "declined", "replaced"]
_COLUMNS = "number, site, device, at, who, programme, state, decided, decided_by"


@dataclass(frozen=True, slots=True)
class Draft:
    """One programme for one device; ``who`` wrote it, and ``decided_by`` approved or declined it."""

    number: int
    site: str
    device: str
    at: datetime
    who: str
    programme: Mapping[str, JsonValue]
    state: DraftState
    decided: datetime | None
    decided_by: str | None


class Offers:
    """The drafts of all devices. Safe to use from several threads. Every method raises ``ChangesUnavailable``."""

    def __init__(self, file: ChangeFile, changes: Changes, clock: Clock) -> None:
        self._file, self._changes, self._clock = file, changes, clock
        self._lock = threading.Lock()

    def of(self, site: str) -> list[Draft]:
        """Return the drafts for the devices of a site, newest first."""
        rows = self._file.run(
            f"SELECT {_COLUMNS} FROM drafts WHERE site = ? ORDER BY number DESC",  # noqa: S608 - our own names
            (site,),
        )
        return [_draft(row) for row in rows]

    def draft(self, site: str, device: str, text: str, *, who: str) -> Draft:
        """Keep a programme, written as in the device's own file, until somebody approves it.

        Raises ``UserError`` for a text that is no programme, or one that is never allowed: one line with the way out.
        """
        programme = read_yaml(text, ProgrammeSettings).model_dump(mode="json")
        with self._lock:
            self._file.run(
                "UPDATE drafts SET state = 'replaced' WHERE site = ? AND device = ? AND state = 'drafted'",
                (site, device),
            )
            row = self._file.run(
                f"INSERT INTO drafts (site, device, at, who, programme) VALUES (?, ?, ?, ?, ?) RETURNING {_COLUMNS}",  # noqa: S608
                (site, device, self._clock.now().timestamp(), who, json.dumps(programme)),
            )[0]
            self._file.run(
                "DELETE FROM drafts WHERE site = ? AND device = ? AND number NOT IN"
                " (SELECT number FROM drafts WHERE site = ? AND device = ? ORDER BY number DESC LIMIT ?)",
                (site, device, site, device, KEPT),
            )
        return _draft(row)

    def approve(self, site: str, number: int, *, who: str) -> Draft:
        """Send a draft to its device. Raises ``NotPossible`` for one of the same person, or that does not wait any
        more, and ``NotSent``."""
        with self._lock:
            draft = self._waiting(site, number)
            if draft.who == who:
                raise NotPossible(_("You wrote this draft yourself: somebody else must approve it."))
            self._changes.use_programme(site, draft.device, draft.programme, who=who)
            return self._decide(draft, "approved", who)

    def decline(self, site: str, number: int, *, who: str) -> Draft:
        """Take a draft back; its author may, too. Raises ``NotPossible`` if it does not wait any more."""
        with self._lock:
            return self._decide(self._waiting(site, number), "declined", who)

    def _waiting(self, site: str, number: int) -> Draft:
        found = [draft for draft in self.of(site) if draft.number == number and draft.state == "drafted"]
        if not found:
            raise NotPossible(_("This draft does not wait for an approval any more. Load the page again."))
        return found[0]

    def _decide(self, draft: Draft, state: DraftState, who: str) -> Draft:
        row = self._file.run(
            f"UPDATE drafts SET state = ?, decided = ?, decided_by = ? WHERE number = ? RETURNING {_COLUMNS}",  # noqa: S608
            (state, self._clock.now().timestamp(), who, draft.number),
        )[0]
        return _draft(row)


def _draft(row: tuple[Any, ...]) -> Draft:
    number, site, device, at, who, programme, state, decided, decided_by = row
    return Draft(
        number=number,
        site=site,
        device=device,
        at=datetime.fromtimestamp(at, UTC),
        who=who,
        programme=json.loads(programme),
        state=state,
        decided=None if decided is None else datetime.fromtimestamp(decided, UTC),
        decided_by=decided_by,
    )
