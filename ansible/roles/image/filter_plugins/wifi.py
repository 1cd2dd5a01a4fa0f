"""The key of a Wi-Fi network from its passphrase, so that no card carries the passphrase itself."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import pbkdf2_hmac


def wpa_key(passphrase: str, ssid: str) -> str:
    """Derive the pre-shared key of WPA (IEEE 802.11, annex J.4): 64 hexadecimal digits."""
    return pbkdf2_hmac("sha1", passphrase.encode(), ssid.encode(), 4096, 32).hex()


class FilterModule:
    """What Ansible looks for in this folder."""

    def filters(self) -> dict[str, Callable[[str, str], str]]:
        """Return the filters by their names in templates."""
        return {"wpa_key": wpa_key}
