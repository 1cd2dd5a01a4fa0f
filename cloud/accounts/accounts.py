"""The accounts as one object: what a login, a password change and the end of an account mean for all parts."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from cloud.accounts import passwords
from cloud.accounts.attempts import Attempts
from cloud.accounts.audit import Audit
from cloud.accounts.file import AccountFile
from cloud.accounts.passwords import Passwords, TooBusy
from cloud.accounts.sessions import Sessions
from cloud.accounts.subscriptions import Subscriptions
from cloud.accounts.tokens import Tokens
from cloud.accounts.users import Users
from cloud.domain.messages import gettext as _
from cloud.domain.push import Subscription
from cloud.domain.users import User, UserRole, reads
from common.clock import Clock
from common.errors import UserError

if TYPE_CHECKING:
    from cloud.accounts.company import Colleague

COMMAND_LINE = "command line"
"""Who acted, in the audit log, when it was a command on the machine itself."""

UNKNOWN = "unknown name"
"""Who tried to log in, in the audit log, when there is no such user."""


class LoginRefused(Exception):
    """The message is a sentence for the person; it does not reveal whether there is such a user."""


class Accounts:
    """Users, sessions, tokens and the audit log in one file. Safe to use from several threads.

    Methods raise ``UserError`` for what a person asked wrongly, and ``StoreUnavailable`` if the file cannot be used.
    """

    def __init__(self, path: Path, clock: Clock, *, idle: timedelta, longest: timedelta) -> None:
        self._file = AccountFile(path)
        self._clock = clock
        self._passwords = Passwords()
        self._attempts = Attempts(clock)
        self.users = Users(self._file, clock)
        self.sessions = Sessions(self._file, clock, idle=idle, longest=longest)
        self.tokens = Tokens(self._file, clock, self.users)
        self.audit = Audit(self._file, clock)
        self.subscriptions = Subscriptions(self._file, self.sessions)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def login(self, name: str, password: str, address: str, browser: str) -> str:
        """Check a password and begin a session; return the secret of its cookie. Raises ``LoginRefused``."""
        if not self._is_password(name, password, address):
            raise LoginRefused(_("This name and this password do not belong together."))
        self._attempts.succeeded(name, address)
        until = self.users.known(name).initial_until
        if until is not None and until < self._clock.now().timestamp():
            self.audit.record(name, "login_failed", "the first password has expired", address)
            raise LoginRefused(_("This first password has expired. Ask for a new one."))
        self.audit.record(name, "login", address=address)
        return self.sessions.start(name, address, browser)

    def company_login(self, colleague: Colleague, address: str, browser: str) -> str:
        """Begin a session of somebody whom the company's login sent. Raises ``LoginRefused``."""
        account = self.users.from_company(colleague.subject, colleague.title, colleague.role, colleague.sites)
        if account.disabled:
            self.audit.record(account.name, "login_failed", "disabled", address)
            raise LoginRefused(_("Your account is disabled here. Ask the person who manages the accounts."))
        self.audit.record(account.name, "login", "at the company", address)
        return self.sessions.start(account.name, address, browser)

    def session_user(self, secret: str) -> User | None:
        """Return the user whose session has this secret."""
        name = self.sessions.user_of(secret)
        return None if name is None else self.named_user(name)

    def named_user(self, name: str) -> User | None:
        """Return the user of that name unless it is disabled."""
        account = self.users.find(name)
        return None if account is None or account.disabled else account.user

    def push_key(self) -> str:
        """Return the private key with which this server names itself to push services, in PEM form."""
        return self.subscriptions.key()

    def pushed_to(self, site: str) -> list[Subscription]:
        """Return the browsers that get the notices of a site: of users who are logged in and may see it now."""
        return [
            one.subscription for one in self.subscriptions.of(site) if reads(self.named_user(one.user), site)
        ]

    def forget_push(self, endpoint: str) -> None:
        """Remove a browser that its push service does not know any more."""
        self.subscriptions.forget(endpoint)

    def add_user(self, name: str, role: UserRole, sites: Collection[str]) -> str:
        """Add a user and return the generated first password."""
        password = passwords.generated()
        self.users.add(name, role, sites, self._passwords.hash(password))
        return password

    def reset_password(self, name: str) -> str:
        """Give a user a new generated password, end all sessions, and return the password."""
        password = passwords.generated()
        self.users.set_password(name, self._passwords.hash(password), initial=True)
        self.sessions.end_all(name)
        return password

    def change_password(self, name: str, old: str, new: str, address: str) -> None:
        """Set the password that a user chose, and end all sessions. Raises ``UserError`` or ``LoginRefused``."""
        if not self._is_password(name, old, address):
            raise UserError(_("The current password is wrong."))
        if old == new:
            raise UserError(_("The new password is the old one. Choose another."))
        passwords.check_new(new, [name])
        self.users.set_password(name, self._passwords.hash(new), initial=False)
        self.sessions.end_all(name)

    def disable(self, name: str) -> None:
        """Refuse a user from now on: sessions end, tokens of this user stop working."""
        self.users.set_disabled(name, disabled=True)
        self.sessions.end_all(name)

    def _is_password(self, name: str, password: str, address: str) -> bool:
        """Check a password, within the limits of failures. Raises ``LoginRefused`` where they are reached."""
        wait_s = self._attempts.wait_s(name, address)
        if wait_s > 0:
            raise LoginRefused(
                _("Too many failed logins. Try again in %(minutes)s min.", minutes=ceil(wait_s / 60))
            )
        try:
            kept = self.users.password_hash(name)
            fits = self._passwords.fits(password, kept)
        except TooBusy:
            raise LoginRefused(_("Several people are logging in. Try again in a few seconds.")) from None
        if not fits:
            waits = self._attempts.failed(name, address)
            # People type a password into the field of the name: it must not get into the log.
            who = UNKNOWN if kept is None else name
            self.audit.record(who, "login_locked" if waits else "login_failed", address=address)
        return fits
