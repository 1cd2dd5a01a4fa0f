"""Access tokens, with which programs use the API. A token is shown once; the file has only its hash."""

from __future__ import annotations

import re
import secrets
import sqlite3
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cloud.accounts.file import AccountFile, hash_of
from cloud.accounts.users import Users, as_sites, sites_text
from cloud.domain.messages import gettext as _
from cloud.domain.users import User, UserRole, both
from cloud.stores.store import StoreUnavailable
from common.clock import Clock
from common.errors import UserError

PREFIX: Final = "flt_"
"""Begins every token, so that a search for leaked secrets finds it."""
LONGEST: Final = timedelta(days=366)
MOST: Final = 500
_NOTED_EVERY_S: Final = 3600.0
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}")
_COLUMNS = "name, owner, role, sites, expires_at, used_at"


@dataclass(frozen=True, slots=True)
class Token:
    """A token as a list shows it, without its secret. ``owner`` is None for one made on the command line."""

    name: str
    owner: str | None
    role: UserRole
    sites: frozenset[str]
    expires_at: datetime
    used_at: datetime | None


class Tokens:
    """The tokens in the accounts' file."""

    def __init__(self, file: AccountFile, clock: Clock, users: Users) -> None:
        self._file = file
        self._clock = clock
        self._users = users

    def add(
        self, name: str, role: UserRole, sites: Collection[str], lifetime: timedelta, owner: str | None = None
    ) -> str:
        """Add a token and return its secret. Raises ``UserError``."""
        if not _NAME.fullmatch(name):
            raise UserError(
                _(
                    "%(name)s cannot be the name of a token; use letters, digits, spaces and . _ -",
                    name=repr(name),
                )
            )
        if not timedelta(0) < lifetime <= LONGEST:
            raise UserError(_("A token lasts at least 1 day and at most %(most)s days.", most=LONGEST.days))
        if not sites:
            raise UserError(_("A token needs at least one shop."))
        if self._file.rows("SELECT count(*) FROM tokens")[0][0] >= MOST:
            raise UserError(_("There are %(most)s tokens; revoke those that are not used.", most=MOST))
        secret, now = PREFIX + secrets.token_urlsafe(32), self._clock.now()
        try:
            self._file.change(
                "INSERT INTO tokens (name, hash, owner, role, sites, added_at, expires_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                *(
                    name,
                    hash_of(secret),
                    owner,
                    role,
                    sites_text(sites),
                    now.timestamp(),
                    (now + lifetime).timestamp(),
                ),
            )
        except sqlite3.IntegrityError:
            raise UserError(_("%(name)s: there is a token of this name already", name=name)) from None
        return secret

    def all(self, owner: str | None = None) -> list[Token]:
        """Return all tokens by name, or those of one user."""
        rows = self._file.rows(f"SELECT {_COLUMNS} FROM tokens ORDER BY name")  # noqa: S608 - our own columns
        return [token for token in map(_token, rows) if owner is None or token.owner == owner]

    def revoke(self, name: str, owner: str | None = None) -> None:
        """Delete a token, of one user if ``owner`` is given. Raises ``UserError`` if there is none."""
        if not any(token.name == name for token in self.all(owner)):
            raise UserError(
                _("%(name)s: there is no such token; 'footlight-cloud tokens list' shows all", name=name)
            )
        self._file.change("DELETE FROM tokens WHERE name = ?", name)

    def user_of(self, secret: str) -> User | None:
        """Return the user that a token stands for; never more than its owner may do now."""
        now_s = self._clock.now().timestamp()
        sql = f"SELECT {_COLUMNS} FROM tokens WHERE hash = ? AND expires_at > ?"  # noqa: S608 - our own columns
        rows = self._file.rows(sql, hash_of(secret), now_s)
        if not rows:
            return None
        token, used_s = _token(rows[0]), rows[0][5]
        user = User(f"token:{token.name}", token.role, token.sites, is_token=True)
        if token.owner is not None:
            owner = self._users.find(token.owner)
            if owner is None or owner.disabled or owner.initial_until is not None:
                return None
            user = both(user, owner.user)
        if used_s is None or now_s - used_s >= _NOTED_EVERY_S:
            with suppress(StoreUnavailable):  # on a full disk, programs can still read
                self._file.change("UPDATE tokens SET used_at = ? WHERE name = ?", now_s, token.name)
        return user


def _token(row: Any) -> Token:
    name, owner, role, sites, expires_s, used_s = row
    used_at = None if used_s is None else datetime.fromtimestamp(used_s, UTC)
    return Token(name, owner, role, as_sites(sites), datetime.fromtimestamp(expires_s, UTC), used_at)
