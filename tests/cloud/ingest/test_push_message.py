"""A push message by the letter of its standards: the example of RFC 8291, a signature that verifies, safe addresses."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import ECKey

from cloud.domain.push import LONGEST_ENDPOINT, Subscription, is_endpoint, is_public
from cloud.ingest.push_message import MOST_BYTES, authorization, encrypted, public_key
from tests.cloud.ingest.phones import CURVE, Phone, raw
from tests.support.messages import MORNING

RFC_8291_A = {
    "text": b"When I grow up, I want to be a watermelon",
    "our private key": "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw",
    "their public key": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    "their secret": "BTBZMqHH6r4Tts7J_aSIgg",
    "salt": "DGv6ra1nlYgDCS1FRnbzlw",
    "body": (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_"
        "yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    ),
}


def test_the_example_of_the_standard_is_encrypted_to_the_same_bytes() -> None:
    of = {name: raw(text) for name, text in RFC_8291_A.items() if isinstance(text, str)}
    to = Subscription("https://push.example.net/p", of["their public key"], of["their secret"], "en", "")
    own = ec.derive_private_key(int.from_bytes(of["our private key"], "big"), CURVE)
    text = RFC_8291_A["text"]
    assert isinstance(text, bytes)
    assert encrypted(text, to, own=own, salt=of["salt"]) == of["body"]


@pytest.mark.parametrize("length", [0, 1, MOST_BYTES])
def test_the_browser_reads_what_was_sent_and_no_two_messages_are_alike(length: int) -> None:
    phone, text = Phone(), hashlib.shake_256(b"any").digest(length)
    one, two = (encrypted(text, phone.subscription()) for _ in range(2))
    assert phone.reads(one) == phone.reads(two) == text
    assert not {one[:16], one[21:86]} & {two[:16], two[21:86]}, "neither salt nor key is used twice"
    assert len(one) <= 4096


def test_a_text_that_no_push_service_must_take_is_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        encrypted(bytes(MOST_BYTES + 1), Phone().subscription())


def test_the_push_service_can_tell_who_sends() -> None:
    key = ec.generate_private_key(CURVE)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    kind, token, ours = authorization(Phone().subscription(), pem, MORNING).split()
    assert (kind, token[:2], ours) == ("vapid", "t=", f"k={public_key(pem)}")
    read = jwt.decode(token[2:].rstrip(","), ECKey.import_key(pem), algorithms=["ES256"])
    assert read.claims == {
        "aud": "https://push.example.com",
        "exp": int(MORNING.timestamp()) + 12 * 3600,
        "sub": "https://shop.example.com",
    }
    assert raw(public_key(pem)) == Phone(key=key).public


@pytest.mark.parametrize(
    ("address", "fine"),
    [
        ("https://fcm.googleapis.com/fcm/send/abc:def", True),
        ("https://updates.push.services.mozilla.com:443/wpush/v2/x", True),
        ("https://web.push.apple.com/x?y=z", True),
        ("http://push.example.com/x", False),
        ("https://push.example.com:8443/x", False),
        ("https://push.example.com:99999/x", False),
        ("https://127.0.0.1/x", False),
        ("https://[::1]/x", False),
        ("https://0x7f000001/x", False),
        ("https://2130706433/x", False),
        ("https://localhost/x", False),
        ("https://printer/x", False),
        ("https://user@push.example.com/x", False),
        ("https://push.example.com@10.0.0.1/x", False),
        ("https://push.example.com\\@10.0.0.1/x", False),
        ("https://push.example.com./x", False),
        ("https://push.example.com/x#y", False),
        ("https://push.example.com/x\r\nhost: other", False),
        ("https://püsh.example.com/x", False),
        ("https://push.example.com/" + LONGEST_ENDPOINT * "x", False),
        ("", False),
    ],
)
def test_only_addresses_of_push_services_are_accepted(address: str, fine: bool) -> None:
    assert is_endpoint(address) == fine


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("142.250.185.106", True),
        ("2a00:1450:4001:82b::200a", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("::ffff:10.1.2.3", False),
        ("64:ff9b::a01:203", False),
        ("2002:a01:203::1", False),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", False),
        ("fd00::1", False),
        ("fe80::1", False),
        ("ff02::1", False),
    ],
)
def test_no_neighbour_of_this_machine_is_public(address: str, public: bool) -> None:
    assert is_public(address) == public
