"""Browsers that get the notices of a shop. Each belongs to a session and ends with it."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cloud.accounts.file import AccountFile, hash_of
from cloud.accounts.sessions import Sessions
from cloud.domain.push import Subscription


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A subscription and the user whose session it belongs to."""

    user: str
    subscription: Subscription


class Subscriptions:
    """The subscriptions in the accounts' file, and the key with which this server names itself to push services."""

    def __init__(self, file: AccountFile, sessions: Sessions) -> None:
        self._file, self._sessions = file, sessions

    def key(self) -> str:
        """Return the private key of this server in PEM form; it is generated at the first call."""
        found = self._file.rows("SELECT pem FROM push_key")
        if not found:
            pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            )
            # Another process may have been faster: then its key stays.
            self._file.change("INSERT OR IGNORE INTO push_key (id, pem) VALUES (1, ?)", pem.decode())
            found = self._file.rows("SELECT pem FROM push_key")
        return str(found[0][0])

    def add(self, secret: str, site: str, subscription: Subscription) -> bool:
        """Let the browser of the session with this secret get the notices of a site; False without such a session."""
        session, one = hash_of(secret), subscription
        if self._sessions.user_of(secret) is None:
            return False
        # A browser has one login at a time: what an earlier one turned on ends.
        self._file.change("DELETE FROM push WHERE endpoint = ? AND session != ?", one.endpoint, session)
        self._file.change(
            "INSERT OR REPLACE INTO push (session, site, endpoint, key, secret, language, origin)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            *(session, site, one.endpoint, one.key, one.secret, one.language, one.origin),
        )
        return True

    def has(self, secret: str, site: str) -> bool:
        """Tell whether the browser of this session gets the notices of a site."""
        sql = "SELECT 1 FROM push WHERE session = ? AND site = ?"
        return bool(self._file.rows(sql, hash_of(secret), site))

    def remove(self, secret: str, site: str) -> None:
        """Send the notices of a site to this session no more."""
        sql = "DELETE FROM push WHERE session = ? AND site = ?"
        self._file.change(sql, hash_of(secret), site)

    def forget(self, endpoint: str) -> None:
        """Remove a browser that its push service does not know any more."""
        self._file.change("DELETE FROM push WHERE endpoint = ?", endpoint)

    def any(self) -> bool:
        """Tell whether a browser gets notices at all."""
        return bool(self._file.rows("SELECT 1 FROM push LIMIT 1"))

    def of(self, site: str) -> list[Subscribed]:
        """Return the subscriptions of a site whose session goes on."""
        rows = self._file.rows(
            "SELECT user, endpoint, key, secret, language, origin FROM push JOIN sessions ON hash = session"
            " WHERE site = ? AND seen_at >= ? AND started_at >= ?",
            *(site, *self._sessions.oldest()),
        )
        return [Subscribed(user, Subscription(*one)) for user, *one in rows]
