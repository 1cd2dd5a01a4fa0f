"""The login of a company (OpenID Connect): authorization code with PKCE, done by Authlib.

The claims of the ID token decide about role and sites, anew at each login.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final
from urllib.parse import parse_qs

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.base_client import BaseApp, OAuth2Mixin, OpenIDMixin
from authlib.integrations.requests_client import OAuth2Session
from joserfc.errors import JoseError
from requests import RequestException

from cloud.accounts.accounts import LoginRefused
from cloud.domain.messages import Message
from cloud.domain.messages import gettext as _
from cloud.domain.users import ALL_SITES, USER_ROLES, UserRole
from common.clock import Clock
from common.wire import one_line

log = logging.getLogger(__name__)

BEGUN_FOR_S: Final = 600.0
MOST_BEGUN: Final = 1_000
TIMEOUT_S: Final = 10.0
SIGNED_WITH: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
)
"""Only signatures with a private key of the provider; never ``none``, and nothing made with a shared secret."""

_UNREACHABLE = _("The company's login cannot be reached. The log of Footlight says why.")
_ANOTHER = _("The company's login is not the expected one. The log of Footlight says why.")
_REFUSED = _("The company's login refused. The log of Footlight says why.")
_UNTRUSTED = _("The company's login sent an answer that cannot be trusted. The log of Footlight says why.")


@dataclass(frozen=True, slots=True)
class Colleague:
    """Whom the company's login sent: ``subject`` never changes, ``title`` is for people."""

    subject: str
    title: str
    role: UserRole
    sites: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Begun:
    at_s: float
    state: str
    nonce: str
    verifier: str
    redirect_uri: str


_LONGEST_SUBJECT: Final = 255
_UNUSABLE: Final = (
    *(AuthlibBaseError, JoseError, RequestException, RuntimeError),
    *(
        AttributeError,
        KeyError,
        TypeError,
        ValueError,
    ),  # metadata or keys of another form than the standard's
)


class _Provider(OAuth2Mixin, OpenIDMixin, BaseApp):  # type: ignore[misc]
    client_cls = OAuth2Session

    def load_server_metadata(self) -> dict[str, Any]:
        metadata: dict[str, Any] = super().load_server_metadata()
        offered = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
        usable = [name for name in offered if name in SIGNED_WITH]
        if not usable:
            raise RuntimeError(f"it signs only with {', '.join(map(str, offered))}")
        metadata["id_token_signing_alg_values_supported"] = usable
        return metadata


class CompanyLogin:
    """One provider of OpenID Connect. Logins that have begun are kept in memory, by the browser that began them."""

    def __init__(
        self,
        clock: Clock,
        *,
        issuer: str,
        client_id: str,
        client_secret: str | None,
        scope: str,
        claim: str,
        roles: Mapping[str, UserRole],
        sites: Mapping[str, Collection[str]],
    ) -> None:
        """``claim`` names the claim whose values (a text or a list) are the keys of ``roles`` and ``sites``."""
        self._clock = clock
        self._issuer = issuer.rstrip("/")
        self._claim = claim
        self._roles = roles
        self._sites = sites
        self._begun: dict[str, _Begun] = {}
        self._lock = Lock()
        self._provider = _Provider(
            None,
            client_id=client_id,
            client_secret=client_secret,
            server_metadata_url=f"{self._issuer}/.well-known/openid-configuration",
            client_kwargs={
                "scope": scope,
                "code_challenge_method": "S256",
                "default_timeout": TIMEOUT_S,
                "token_endpoint_auth_method": "client_secret_basic" if client_secret else "none",
            },
        )

    def begin(self, browser: str, redirect_uri: str) -> str:
        """Return the address to which ``browser`` goes now; it comes back to ``redirect_uri``.

        Raises ``LoginRefused``.
        """
        try:
            started = self._provider.create_authorization_url(redirect_uri)
            found = str(self._provider.server_metadata.get("issuer", "")).rstrip("/")
        except _UNUSABLE as error:
            raise self._failed(_UNREACHABLE, error) from None
        if found != self._issuer:
            raise self._failed(_ANOTHER, f"it calls itself {found!r}")
        now_s = self._clock.monotonic()
        begun = _Begun(now_s, started["state"], started["nonce"], started["code_verifier"], redirect_uri)
        with self._lock:
            self._begun.pop(browser, None)
            self._begun[browser] = begun
            while len(self._begun) > MOST_BEGUN:
                del self._begun[next(iter(self._begun))]
        return str(started["url"])

    def finish(self, browser: str, query: str) -> Colleague:
        """Take the answer that ``browser`` brings in ``query``. Raises ``LoginRefused``."""
        answer = {name: values[0] for name, values in parse_qs(query).items()}
        with self._lock:
            begun = self._begun.pop(browser, None)  # each answer counts once
        if (
            begun is None
            or self._clock.monotonic() - begun.at_s > BEGUN_FOR_S
            or answer.get("state") != begun.state
        ):
            raise LoginRefused(_("This login took too long, or began in another browser. Try again."))
        if "code" not in answer:
            raise self._failed(_REFUSED, answer.get("error_description") or answer.get("error", "no code"))
        if "iss" in answer and answer["iss"].rstrip("/") != self._issuer:
            raise self._failed(_ANOTHER, f"the answer is from {answer['iss']!r}")
        try:
            token = self._provider.fetch_access_token(
                begun.redirect_uri, code=answer["code"], code_verifier=begun.verifier
            )
            claims = self._provider.parse_id_token(token, begun.nonce)
        except _UNUSABLE as error:
            raise self._failed(_UNTRUSTED, error) from None
        subject = claims.get("sub") if claims else None
        if not isinstance(subject, str) or len(subject) > _LONGEST_SUBJECT or not subject.isprintable():
            raise self._failed(_UNTRUSTED, f"it is about {subject!r}")
        return self._colleague(claims)

    def _colleague(self, claims: Mapping[str, Any]) -> Colleague:
        said = claims.get(self._claim)
        values = [value for value in (said if isinstance(said, list) else [said]) if isinstance(value, str)]
        roles = [self._roles[value] for value in values if value in self._roles]
        title = str(
            claims.get("name") or claims.get("preferred_username") or claims.get("email") or claims["sub"]
        )
        if not roles:
            log.warning(
                "accounts.company: %s has no role: %s is %r", one_line(title, 100), self._claim, values
            )
            raise LoginRefused(
                _("Your company's login does not give you a role here. Ask its administrator.")
            )
        role = max(roles, key=USER_ROLES.index)
        sites = frozenset(site for value in values for site in self._sites.get(value, ()))
        return Colleague(claims["sub"], title[:100], role, frozenset({ALL_SITES}) if role == "hq" else sites)

    @staticmethod
    def _failed(what: Message, why: object) -> LoginRefused:
        log.warning("accounts.company: %s (%s)", what, one_line(str(why), 300))
        return LoginRefused(what)
