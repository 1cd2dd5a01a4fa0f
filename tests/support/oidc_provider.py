"""A small OpenID Connect provider on a loopback port: authorization code with PKCE, checked as the standard says.

Everybody who comes is :attr:`Provider.claims`. A test can make it answer wrongly, as an attacker would.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

CLIENT, SECRET = "footlight", "a secret of the client"
Json = dict[str, Any]


class Provider:
    """What the provider knows, and how it misbehaves."""

    def __init__(self, redirect_uri: str) -> None:
        self.redirect_uri = redirect_uri
        self.claims: Json = {"sub": "42", "name": "Anna Schmidt", "groups": ["shop-staff"]}
        self.changed: Json = {}
        """Claims that the ID token has instead of the right ones; None leaves one out."""
        self.algorithm = "RS256"
        self.metadata: Json = {}
        self.refuses = ""
        self.issuer = ""
        self.asked: list[Json] = []
        self.key = RSAKey.generate_key(2048, {"kid": "1"})
        self.signing_key = self.key
        self._codes: dict[str, Json] = {}

    def configuration(self) -> Json:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
            **self.metadata,
        }

    def authorize(self, asked: Json) -> str:
        """Return where the browser goes next."""
        self.asked.append(asked)
        assert asked["client_id"] == CLIENT
        assert asked["redirect_uri"] == self.redirect_uri
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        if self.refuses:
            return f"{self.redirect_uri}?{urlencode({'error': self.refuses, 'state': asked['state']})}"
        code = secrets.token_urlsafe()
        self._codes[code] = asked
        return f"{self.redirect_uri}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, asked: Json, authorization: str) -> tuple[int, Json]:
        """Answer a request for tokens: each code counts once, and only with its verifier."""
        begun = self._codes.pop(asked.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(asked.get("code_verifier", "").encode()).digest())
        login = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if (
            begun is None
            or authorization != f"Basic {login}"
            or asked["redirect_uri"] != self.redirect_uri
            or challenge.decode().rstrip("=") != begun["code_challenge"]
        ):
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": self._id_token(begun["nonce"])}

    def _id_token(self, nonce: str) -> str:
        now_s = int(time.time())
        right = {"iss": self.issuer, "aud": CLIENT, "iat": now_s, "exp": now_s + 300, "nonce": nonce}
        claims = {**right, **self.claims, **self.changed}
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.algorithm == "none":
            parts = [json.dumps({"alg": "none"}), json.dumps(claims)]
            return (
                ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts) + "."
            )
        if self.algorithm == "HS256":  # the public key as a shared secret: the classic confusion
            key = OctKey.import_key(self.key.as_pem(private=False))
            return jwt.encode({"alg": "HS256", "kid": "1"}, claims, key, algorithms=["HS256"])
        return jwt.encode({"alg": self.algorithm, "kid": "1"}, claims, self.signing_key)


@contextmanager
def running(provider: Provider) -> Iterator[str]:
    """Serve the provider; yield its issuer."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            match url.path:
                case "/.well-known/openid-configuration":
                    self._answer(200, provider.configuration())
                case "/jwks":
                    self._answer(200, {"keys": [provider.key.as_dict(private=False)]})
                case "/authorize":
                    self.send_response(302)
                    self.send_header("location", provider.authorize(_flat(url.query)))
                    self.end_headers()
                case _:
                    self._answer(404, {})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            self._answer(*provider.token(_flat(body), self.headers.get("authorization", "")))

        def _answer(self, code: int, body: Json) -> None:
            self.send_response(code)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider.issuer = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield provider.issuer
        finally:
            server.shutdown()
            thread.join()


def _flat(query: str) -> Json:
    return {name: values[0] for name, values in parse_qs(query).items()}
