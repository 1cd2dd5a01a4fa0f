"""A display on a device of the chain: secrets, sandbox and firewall let its player in, and nobody else."""

from __future__ import annotations

import json

import pytest

from tests.appliance.deployed import SETTINGS, SITE, UNIT, Shop, played_in_peace
from tests.appliance.machine import Machine
from tests.appliance.patience import until

TOKEN, HERE, PLAYER = "0123456789abcdef", "10.99.0.1", "10.99.0.2"
TLS, RULES = f"/etc/footlight/tls/{UNIT}", f"/etc/footlight/{UNIT}.nft"
SIGNAGE = {
    "token_file": "player-token",
    "listen": HERE,
    "clips": [{"name": "hello", "kind": "information"}],
    "rotation": ["hello"],
}
WORLD = f"""
ip link add display type veth peer name screen
ip address add {HERE}/24 dev display
ip link set display up
ip netns add player
ip link set screen netns player
ip netns exec player ip address add {PLAYER}/24 dev screen
ip netns exec player ip address add 10.99.0.3/24 dev screen
ip netns exec player ip link set screen up
"""


@pytest.fixture(scope="module")
def shop(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    machine.run(WORLD)
    given = {"edge_player_token": TOKEN, "edge_players": [PLAYER]}
    return Shop(machine, tmp_path_factory.mktemp("chain"), **given)


def play(shop: Shop, **settings: object) -> None:
    wanted = json.dumps({"edge_settings": {**SETTINGS, **settings}})
    played_in_peace(lambda: shop.control.play(SITE, "--extra-vars", wanted, check=False))


ASK = f"""
import http.client, sys
link = http.client.HTTPConnection("{HERE}", 8790, timeout=5, source_address=(sys.argv[1], 0))
try:
    link.request("GET", "/show", headers={{"Authorization": "Bearer {TOKEN}"}})
    print(link.getresponse().status)
except OSError:
    print("none")
"""


def asked_from(shop: Shop, address: str) -> str:
    """The status of the answer to a player with this address; "none" without one."""
    return shop.machine.run(f"ip netns exec player python3 -I - {address}", text=ASK).stdout.strip()


def test_a_display_is_open_to_its_player_as_long_as_there_is_one(shop: Shop) -> None:
    play(shop, signage=SIGNAGE)
    assert shop.machine.run(f"stat --format '%a %U' {TLS}/player-token").stdout == "600 root\n"
    until(lambda: asked_from(shop, PLAYER) == "200", "the player hears what is on")
    assert asked_from(shop, "10.99.0.3") == "none", "somebody else is let in"
    rules = shop.machine.run("nft list chain inet footlight input").stdout
    assert f"ip saddr {PLAYER} ip daddr {HERE} tcp dport 8790 accept" in rules

    play(shop)
    assert shop.machine.run(f"ls {TLS}/player-token {RULES}", check=False).stdout == ""
    assert "8790" not in shop.machine.run("nft list chain inet footlight input").stdout
