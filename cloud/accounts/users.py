"""The users: people with a password of ours, or those whom the login of their company knows."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from cloud.accounts.file import AccountFile
from cloud.domain.messages import gettext as _
from cloud.domain.users import ALL_SITES, USER_ROLES, User, UserRole
from common.clock import Clock
from common.errors import UserError
from common.wire import NAME_PATTERN

INITIAL_FOR: Final = timedelta(days=7)
"""How long a generated password is accepted; it must be changed at the first login."""
COMPANY: Final = "company:"
"""Begins the name of a user whom the company's login knows; no user of ours can have it."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
_COLUMNS = "name, title, role, sites, initial_until, disabled, password IS NOT NULL, language"


@dataclass(frozen=True, slots=True)
class Account:
    """A user as the list of users shows it."""

    name: str
    title: str
    role: UserRole
    sites: frozenset[str]
    initial_until: float | None
    disabled: bool
    has_password: bool
    language: str
    """The code that the user chose; empty for the language of the browser."""

    @property
    def user(self) -> User:
        """The user as the routes see it."""
        must_change = self.initial_until is not None
        return User(
            self.name,
            self.role,
            self.sites,
            must_change_password=must_change,
            language=self.language,
            title="" if self.title == self.name else self.title,
        )


class Users:
    """The users in the accounts' file. Raises ``UserError`` for a name that does not exist or cannot be added."""

    def __init__(self, file: AccountFile, clock: Clock) -> None:
        self._file = file
        self._clock = clock

    def all(self) -> list[Account]:
        """Return all users by name."""
        return [_account(row) for row in self._file.rows(f"SELECT {_COLUMNS} FROM users ORDER BY name")]  # noqa: S608

    def find(self, name: str) -> Account | None:
        """Return the user of that name."""
        rows = self._file.rows(f"SELECT {_COLUMNS} FROM users WHERE name = ?", name)  # noqa: S608 - our own columns
        return _account(rows[0]) if rows else None

    def known(self, name: str) -> Account:
        """Return the user of that name. Raises ``UserError``."""
        found = self.find(name)
        if found is None:
            raise UserError(
                _("%(name)s: there is no such user; 'footlight-cloud users list' shows all", name=name)
            )
        return found

    def password_hash(self, name: str) -> str | None:
        """Return the hash of the user's password; None for a user without one."""
        rows = self._file.rows("SELECT password FROM users WHERE name = ? AND NOT disabled", name)
        return rows[0][0] if rows else None

    def add(self, name: str, role: UserRole, sites: Collection[str], password_hash: str) -> None:
        """Add a user whose first password was generated."""
        if not _NAME.fullmatch(name):
            raise UserError(
                _(
                    "%(name)s cannot be the name of a user; use small letters, digits and . _ @ -",
                    name=repr(name),
                )
            )
        _check_sites(role, sites)
        now_s = self._clock.now().timestamp()
        try:
            self._file.change(
                "INSERT INTO users (name, title, role, sites, password, initial_until, added_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                *(
                    name,
                    name,
                    role,
                    sites_text(sites),
                    password_hash,
                    now_s + INITIAL_FOR.total_seconds(),
                    now_s,
                ),
            )
        except sqlite3.IntegrityError:
            raise UserError(_("%(name)s: there is a user of this name already", name=name)) from None

    def from_company(self, subject: str, title: str, role: UserRole, sites: Collection[str]) -> Account:
        """Add the user whom the company's login names ``subject``, or give it the role and sites of this login."""
        name = COMPANY + subject
        self._file.change(
            "INSERT INTO users (name, title, role, sites, added_at) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (name) DO UPDATE SET title = excluded.title, role = excluded.role, sites = excluded.sites",
            *(name, title, role, sites_text(sites), self._clock.now().timestamp()),
        )
        return self.known(name)

    def change(self, name: str, role: UserRole, sites: Collection[str]) -> None:
        """Give a user another role and other sites."""
        self.known(name)
        _check_sites(role, sites)
        self._file.change(
            "UPDATE users SET role = ?, sites = ? WHERE name = ?", role, sites_text(sites), name
        )

    def set_password(self, name: str, password_hash: str, *, initial: bool) -> None:
        """Set the password; an ``initial`` one was generated and must be changed at the next login."""
        if name.startswith(COMPANY):
            raise UserError(
                _("%(name)s: this user logs in at the company; change the password there", name=name)
            )
        self.known(name)
        until = self._clock.now() + INITIAL_FOR if initial else None
        self._file.change(
            "UPDATE users SET password = ?, initial_until = ? WHERE name = ?",
            *(password_hash, until and until.timestamp(), name),
        )

    def set_disabled(self, name: str, *, disabled: bool) -> None:
        """Refuse every login of a user, or allow it again."""
        self.known(name)
        self._file.change("UPDATE users SET disabled = ? WHERE name = ?", disabled, name)

    def set_language(self, name: str, language: str) -> None:
        """Set the language in which a user reads the page."""
        self.known(name)
        self._file.change("UPDATE users SET language = ? WHERE name = ?", language, name)

    def remove(self, name: str) -> None:
        """Delete a user with all sessions and tokens."""
        self.known(name)
        self._file.change("DELETE FROM users WHERE name = ?", name)


def as_sites(text: str) -> frozenset[str]:
    """Return the names in a JSON list."""
    return frozenset(json.loads(text))


def sites_text(sites: Collection[str]) -> str:
    """Return the names as a JSON list."""
    return json.dumps(sorted(sites))


def _check_sites(role: UserRole, sites: Collection[str]) -> None:
    if not sites and role != USER_ROLES[-1]:
        raise UserError(_("The user would see no shop: name one, or give all (--site, --all-sites)."))
    for site in sites:
        if site != ALL_SITES and not re.fullmatch(NAME_PATTERN, site):
            raise UserError(_("%(site)s is not the name of a shop.", site=repr(site)))


def _account(row: Sequence[Any]) -> Account:
    name, title, role, sites, initial_until, disabled, has_password, language = row
    rights = (role, as_sites(sites))
    return Account(name, title, *rights, initial_until, bool(disabled), bool(has_password), language)
