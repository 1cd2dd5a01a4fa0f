"""The network between the hosts: one process carries every packet, and delays, loses, reorders or drops it as told.

Each host has a TUN device in a network namespace of its own; this process holds the other end of all of them. The
kernel's own netem does the same, but many kernels are built without it.
"""

from __future__ import annotations

import fcntl
import heapq
import ipaddress
import json
import os
import random
import selectors
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import count

from tests.chaos.schedule import GOOD, Link

_TUNSETIFF = 0x400454CA
_TUN_WITHOUT_HEADER = 0x0001 | 0x1000
_IPV4 = 4
_LARGEST = 65_535
_AT_A_TIME = 64
"""Packets that are read from one host before the next one has its turn."""
_LATE_S = 0.05
"""A reordered packet comes so much later than the others."""


@dataclass(frozen=True, slots=True)
class End:
    """One host on the cable."""

    name: str
    address: str
    namespace: str


class Cable:
    """Moves packets between ``ends``, each a function that takes a packet to the host with this IPv4 address."""

    def __init__(
        self,
        ends: Mapping[bytes, Callable[[bytes], None]],
        rng: random.Random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ends, self._rng, self._clock = ends, rng, clock
        self._links: dict[bytes, Link] = {}
        self._travelling: list[tuple[float, int, bytes, bytes]] = []
        self._numbers = count()

    def change(self, address: bytes, link: Link) -> None:
        """Treat what comes from this host and goes to it as ``link`` says."""
        self._links[address] = link

    def carry(self, packet: bytes) -> None:
        """Take one packet from a host. What is not IPv4, or to nobody here, is dropped."""
        if len(packet) < 20 or packet[0] >> 4 != _IPV4 or packet[16:20] not in self._ends:
            return
        delay_s = 0.0
        for address in (packet[12:16], packet[16:20]):
            link = self._links.get(address, GOOD)
            if not link.up or self._rng.random() < link.loss:
                return
            delay_s += max(0.0, link.delay_s + link.jitter_s * self._rng.uniform(-1, 1))
            delay_s += _LATE_S * (self._rng.random() < link.reorder)
        if delay_s:
            due = self._clock() + delay_s
            heapq.heappush(self._travelling, (due, next(self._numbers), packet[16:20], packet))
        else:
            self._ends[packet[16:20]](packet)

    def arrive(self) -> float | None:
        """Hand over what is due; return the seconds until the next packet is, None if none travels."""
        while self._travelling:
            left_s = self._travelling[0][0] - self._clock()
            if left_s > 0:
                return left_s
            _, _, address, packet = heapq.heappop(self._travelling)
            self._ends[address](packet)
        return None


def plug_in(end: End, mtu: int) -> int:
    """Give the host a network device and its address; return the file descriptor of the other end."""
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    device = f"chaos{tun}-{os.getpid() % 1_000_000}"
    fcntl.ioctl(tun, _TUNSETIFF, struct.pack("16sH22s", device.encode(), _TUN_WITHOUT_HEADER, b""))
    for arguments in (
        ("link", "set", device, "netns", end.namespace),
        ("-n", end.namespace, "link", "set", device, "name", "eth0", "mtu", str(mtu)),
        ("-n", end.namespace, "address", "add", f"{end.address}/16", "dev", "eth0"),
        ("-n", end.namespace, "link", "set", "lo", "up"),
        ("-n", end.namespace, "link", "set", "eth0", "up"),
    ):
        subprocess.run(["ip", *arguments], check=True)
    return tun


def main() -> int:
    """The first line of the input names the ends; each one that follows changes a link."""
    start = json.loads(sys.stdin.readline())
    ends = [End(**end) for end in start["ends"]]
    tuns = {ipaddress.IPv4Address(end.address).packed: plug_in(end, start["mtu"]) for end in ends}
    names = {end.name: ipaddress.IPv4Address(end.address).packed for end in ends}
    cable = Cable(
        {address: lambda packet, tun=tun: _write(tun, packet) for address, tun in tuns.items()},  # type: ignore[misc]
        random.Random(start["seed"]),
    )
    print("ready", flush=True)  # noqa: T201 - the starter waits for it
    told = sys.stdin.fileno()
    with selectors.DefaultSelector() as selector:
        for file in (told, *tuns.values()):
            selector.register(file, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select(cable.arrive()):
                if key.fd != told:
                    _read(key.fd, cable)
                    continue
                # Not the buffered reader: what it has read ahead is unknown to the selector.
                lines = os.read(told, _LARGEST)
                if not lines:  # who started this is gone
                    return 0
                for change in map(json.loads, lines.splitlines()):
                    cable.change(names[change["name"]], Link(**change["link"]))


def _read(tun: int, cable: Cable) -> None:
    with suppress(BlockingIOError):
        for _ in range(_AT_A_TIME):
            cable.carry(os.read(tun, _LARGEST))


def _write(tun: int, packet: bytes) -> None:
    with suppress(OSError):  # a host that is slow loses packets, as everywhere
        os.write(tun, packet)


if __name__ == "__main__":
    sys.exit(main())
