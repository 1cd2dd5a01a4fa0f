"""The cable of the chaos run brings packets, late or not at all, as it is told."""

from __future__ import annotations

import random
from collections.abc import Callable
from ipaddress import IPv4Address

import pytest

from tests.chaos.cable import Cable
from tests.chaos.schedule import CUT, GOOD, Link

ONE, TWO = IPv4Address("10.77.0.1").packed, IPv4Address("10.77.0.2").packed


class Desk:
    """Two hosts, and a clock that stands."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.arrived: list[int] = []
        ends: dict[bytes, Callable[[bytes], None]] = {
            ONE: lambda packet: None,
            TWO: lambda packet: self.arrived.append(packet[20]),
        }
        self.cable = Cable(ends, random.Random(1), lambda: self.now_s)

    def send(self, *numbers: int) -> None:
        for number in numbers:
            self.cable.carry(packet(number))


def packet(number: int, *, version: int = 4, to: bytes = TWO) -> bytes:
    return bytes([version << 4 | 5, *bytes(11), *ONE, *to, number])


def test_a_good_cable_brings_every_packet_at_once() -> None:
    desk = Desk()
    desk.send(1, 2, 3)
    assert desk.arrived == [1, 2, 3]


@pytest.mark.parametrize("address", [ONE, TWO])
def test_a_cut_cable_brings_nothing_in_either_direction_until_it_is_mended(address: bytes) -> None:
    desk = Desk()
    desk.cable.change(address, CUT)
    desk.send(1)
    desk.cable.change(address, GOOD)
    desk.send(2)
    assert desk.arrived == [2]


def test_a_slow_cable_brings_a_packet_when_it_is_due() -> None:
    desk = Desk()
    desk.cable.change(TWO, Link(delay_s=0.2))
    desk.send(1)
    assert desk.cable.arrive() == pytest.approx(0.2)
    assert desk.arrived == []
    desk.now_s = 0.2
    assert desk.cable.arrive() is None
    assert desk.arrived == [1]


def test_a_bad_cable_loses_some_and_brings_others_out_of_order() -> None:
    desk = Desk()
    desk.cable.change(TWO, Link(delay_s=0.01, loss=0.2, reorder=0.2))
    sent = list(range(200))
    desk.send(*sent)
    desk.now_s = 1.0
    desk.cable.arrive()
    assert 100 < len(desk.arrived) < 200
    assert desk.arrived != sorted(desk.arrived)
    assert len(set(desk.arrived)) == len(desk.arrived)


@pytest.mark.parametrize(
    "foreign", [b"", b"\x45", packet(1, version=6), packet(1, to=IPv4Address("224.0.0.1").packed)]
)
def test_what_is_for_nobody_is_dropped(foreign: bytes) -> None:
    desk = Desk()
    desk.cable.carry(foreign)
    assert desk.arrived == []
