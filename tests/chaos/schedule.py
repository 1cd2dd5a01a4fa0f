"""The faults of one run, drawn from a seed: what goes wrong, where, when and for how long."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal[
    "kill", "freeze", "cut", "bad link", "disk full", "clock", "certificate", "access list", "revoke"
]
KINDS: tuple[Kind, ...] = get_args(Kind)
BROKER, STORE, BRIDGES = "broker", "store", ("bridge-1", "bridge-2")
SERVERS = (BROKER, STORE, *BRIDGES)

_LONGEST_SHARE = 0.12
"""Of the run, for one fault."""
_BUSY = 0.5
"""A target is in trouble for about this share of the run at most."""
_STEP_WINDOWS = (1.0, 45.0)
"""How far a clock is set, in windows. With windows of a minute that is less than the hour that a device remembers."""


@dataclass(frozen=True, slots=True)
class Link:
    """How a cable treats packets: ``loss`` and ``reorder`` are shares of them, a reordered one comes much later."""

    up: bool = True
    delay_s: float = 0.0
    jitter_s: float = 0.0
    loss: float = 0.0
    reorder: float = 0.0


GOOD = Link()
CUT = Link(up=False)


@dataclass(frozen=True, slots=True)
class Fault:
    """``target`` is a server, a machine with devices, or a device. ``step_s`` is for a clock, ``link`` for a cable."""

    at_s: float
    for_s: float
    kind: Kind
    target: str
    step_s: float = 0.0
    link: Link = GOOD

    @property
    def end_s(self) -> float:
        return self.at_s + self.for_s

    @property
    def touches(self) -> frozenset[str]:
        """The parts that have this fault; a part has one at a time. The broker reads a new list of the revoked only
        when it starts."""
        return frozenset((self.target, BROKER) if self.kind == "revoke" else (self.target,))


def schedule(
    seed: int,
    *,
    length_s: float,
    window_s: float,
    rounds: int,
    devices: Sequence[str],
    machines: Sequence[str],
    machine_faults: int = 0,
) -> tuple[Fault, ...]:
    """Draw the faults of a run of ``length_s`` seconds, in order of their beginning; all end within the run.

    In each of the ``rounds``, each kind of fault happens to each part that can have it: each kind of server, one of the
    ``machines`` that have devices, one of the ``devices``. ``machine_faults`` more happen to machines.
    """
    rng = random.Random(seed)
    chosen: list[tuple[Kind, str]] = []
    for _ in range(rounds):
        chosen += _round(rng, devices, machines)
    kinds: Sequence[Kind] = ("kill", "freeze", "cut", "bad link")
    chosen += [(rng.choice(kinds), rng.choice(machines)) for _ in range(machine_faults)]
    rng.shuffle(chosen)
    # The broker has the most to suffer: its faults find a place first.
    chosen.sort(key=lambda one: BROKER not in Fault(0, 0, *one).touches)
    crowd = Counter(part for one in chosen for part in Fault(0, 0, *one).touches)
    placed: list[Fault] = []
    for kind, target in chosen:
        most = max(crowd[part] for part in Fault(0, 0, kind, target).touches)
        longest = min(_LONGEST_SHARE, _BUSY / most) * length_s
        placed.append(_place(rng, kind, target, longest, length_s, window_s, placed))
    return tuple(sorted(placed, key=lambda fault: fault.at_s))


def _round(rng: random.Random, devices: Sequence[str], machines: Sequence[str]) -> Iterator[tuple[Kind, str]]:
    for kind in ("kill", "freeze", "cut", "bad link"):
        for target in (BROKER, STORE, rng.choice(BRIDGES), rng.choice(machines)):
            yield kind, target
    yield "disk full", rng.choice(machines)
    for target in (BROKER, rng.choice(BRIDGES), rng.choice(devices)):
        yield "certificate", target
    yield "access list", BROKER
    yield "revoke", rng.choice(devices)
    yield "clock", rng.choice(devices)
    yield "clock", rng.choice(devices)


def _place(
    rng: random.Random,
    kind: Kind,
    target: str,
    longest_s: float,
    length_s: float,
    window_s: float,
    placed: Sequence[Fault],
) -> Fault:
    """Find a time at which no part that is touched has another fault; a fault that finds none becomes shorter."""
    step_s, link = 0.0, GOOD
    if kind == "clock":
        windows = math.exp(rng.uniform(*map(math.log, _STEP_WINDOWS)))
        step_s = rng.choice((-1, 1)) * windows * window_s
    if kind == "cut":
        link = CUT
    if kind == "bad link":
        delay_s = rng.uniform(0.01, 0.3)
        link = Link(
            True, delay_s, delay_s * rng.uniform(0, 0.5), rng.uniform(0.01, 0.15), rng.uniform(0.0, 0.2)
        )
    for_s = longest_s * rng.uniform(0.2, 1.0)
    while True:
        fault = Fault(rng.uniform(0.0, length_s - for_s), for_s, kind, target, step_s, link)
        rivals = (other for other in placed if other.touches & fault.touches)
        if all(fault.end_s <= other.at_s or other.end_s <= fault.at_s for other in rivals):
            return fault
        for_s *= 0.98
