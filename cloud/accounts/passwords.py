"""Passwords: hashed with argon2id, judged by how many guesses they survive, or made at random."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from threading import BoundedSemaphore, Lock
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from cloud.domain.messages import gettext as _
from common.errors import UserError

SHORTEST: Final = 12
LONGEST: Final = 128
GUESSES: Final = 10**8
"""A password that falls to fewer guesses is on a list or follows a pattern. A login is limited to far fewer."""
_JUDGED: Final = 72
"""The estimate looks at the beginning only; what follows cannot make a password weaker."""
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without those that are mistaken for another on paper."""
_WAITING: Final = 4


class TooBusy(Exception):
    """Several logins are being checked; another would take the memory of a small machine."""


class Passwords:
    """Hashes and checks one password at a time: 19 MiB and two passes (OWASP's recommendation) are much for a Pi."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._one = Lock()
        self._waiting = BoundedSemaphore(_WAITING)
        self._nobody = self._hasher.hash(secrets.token_urlsafe())

    def hash(self, password: str) -> str:
        """Return the hash to keep."""
        with self._one:
            return self._hasher.hash(password)

    def fits(self, password: str, kept: str | None) -> bool:
        """Tell whether ``password`` is the one whose hash is ``kept``. Without one it takes the same time.

        Raises ``TooBusy``.
        """
        if len(password) > LONGEST:
            return False
        if not self._waiting.acquire(blocking=False):
            raise TooBusy
        try:
            with self._one:
                self._hasher.verify(kept or self._nobody, password)
        except (VerificationError, InvalidHashError):
            return False
        finally:
            self._waiting.release()
        return kept is not None


def generated() -> str:
    """Return a random password of 16 letters and digits (79 bits), in groups of four."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))


def check_new(password: str, about: Iterable[str] = ()) -> None:
    """Raise ``UserError`` for a password that is too short, too long or easy to guess; any character may be in it.

    ``about`` are words that others would try first, such as the name of the user.
    """
    if len(password) < SHORTEST:
        raise UserError(
            _(
                "The password needs at least %(least)s characters, such as three or four words.",
                least=SHORTEST,
            )
        )
    if len(password) > LONGEST:
        raise UserError(_("The password may have at most %(most)s characters.", most=LONGEST))
    from zxcvbn import (
        zxcvbn,  # imported here: its lists of words are large, and only a new password needs them
    )

    judged = zxcvbn(password[:_JUDGED], user_inputs=["footlight", *about])
    if judged["guesses"] < GUESSES:
        raise UserError(
            _("This password is easy to guess. Use three or four words that do not belong together.")
        )
