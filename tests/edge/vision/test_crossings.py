"""Two people who were taken for each other while they passed one another get their tracks back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from edge.types import Box, Clothes, Colour, Face, Sighting
from edge.vision.clothing import FORGOTTEN_S
from edge.vision.crossings import CLEAR, LONGEST_S, Crossings
from edge.vision.person import Person

FPS = 10
RED, BLUE, REDDISH = (40.0, 60.0, -20.0), (40.0, -20.0, 60.0), (40.0, 60.0 - CLEAR / 3, -20.0)
FAR, NEAR = (200.0, 700.0), (440.0, 460.0)


def sighting(x: float, colour: Colour) -> Sighting:
    box = Box(x - 20, 100, x + 20, 146)
    return Sighting(
        box, 0.9, face=Face(box, 0.9, np.zeros((5, 2), np.float32)), clothes=Clothes(colour, colour)
    )


def meet(
    first: Sequence[Colour],
    second: Sequence[Colour],
    *,
    together_s: float = 1.0,
    hidden_s: float = 0.0,
    parted: bool = True,
) -> tuple[int, int]:
    """Let the tracks 1 and 2 be apart for a second, together, and apart again, each in the first and then the second
    colour given. ``hidden_s``: for so long the second one is not seen in the end. Return the tracks of the two people.
    """
    crossings, at_s = Crossings(), 0.0
    people = [Person(1, sighting(FAR[0], first[0]), 0.0), Person(2, sighting(FAR[1], second[0]), 0.0)]
    for one in people:
        one.confirmed = True
    for places, seconds, which in (
        (FAR, 1.0, 0),
        (NEAR, together_s, 1),
        (FAR if parted else NEAR, hidden_s + 1.0, 1),
    ):
        ends_s = at_s + seconds
        while at_s < ends_s - 1e-6:
            at_s += 1 / FPS
            for one, x, colours in zip(people, places, (first, second), strict=True):
                one.predict(at_s, scale=1.0)
                if one is people[1] and which and ends_s - 1.0 - hidden_s < at_s < ends_s - 1.0:
                    continue
                one.see(sighting(x, colours[which]), at_s)
            for one in people:
                one.look_alive(None, at_s, people)
            crossings.settle(people, at_s)
    return people[0].track_id, people[1].track_id


def test_tracks_follow_the_clothes() -> None:
    assert meet((RED, BLUE), (BLUE, RED)) == (2, 1)
    assert meet((RED, RED), (BLUE, BLUE)) == (1, 2)


def test_what_is_not_clear_changes_nothing() -> None:
    assert meet((RED, REDDISH), (REDDISH, RED)) == (1, 2)
    assert meet((RED, BLUE), (RED, RED)) == (1, 2), "one of them took a coat off"


def test_nothing_is_settled_before_they_are_apart() -> None:
    assert meet((RED, BLUE), (BLUE, RED), parted=False) == (1, 2)


def test_after_a_long_meeting_nothing_is_settled() -> None:
    assert meet((RED, BLUE), (BLUE, RED), together_s=LONGEST_S + 1.0) == (1, 2)


@pytest.mark.parametrize(("hidden_s", "tracks"), [(FORGOTTEN_S / 2, (2, 1)), (FORGOTTEN_S + 1.0, (1, 2))])
def test_clothes_are_forgotten_when_somebody_is_out_of_sight(
    hidden_s: float, tracks: tuple[int, int]
) -> None:
    assert meet((RED, BLUE), (BLUE, RED), hidden_s=hidden_s) == tracks


def test_what_is_known_of_a_track_goes_with_it() -> None:
    one, other = Person(1, sighting(0, RED), 1.0), Person(2, sighting(500, BLUE), 2.0)
    one.others, other.others = {2, 3}, {1}
    here = one.last_box
    one.exchange(other)
    assert (one.track_id, one.first_seen_s, one.others) == (2, 2.0, {1})
    assert (other.track_id, other.first_seen_s, other.others) == (1, 1.0, {2, 3})
    assert one.last_box == here
