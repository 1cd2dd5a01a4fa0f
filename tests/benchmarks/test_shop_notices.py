"""What the truth of the shop would tell staff."""

from __future__ import annotations

import numpy as np

from benchmarks.shop_notices import moments
from edge.scene.places import Crossing, DoorTruth, PlacesTruth


def test_who_was_in_before_the_scene_began_is_not_missing_afterwards() -> None:
    """As in the product: inside is entries minus exits, and never below 0."""
    crossings = tuple(Crossing(person, float(person), inwards=person > 0) for person in range(3))
    door = DoorTruth("door", crossings, (), (), ())
    truth = PlacesTruth((door,), (), (), (), np.zeros((9, 16)), {})
    inside = {round(at_s, 1): live.inside for live, at_s in moments(truth, (), 4.0)}
    assert [inside[float(second)] for second in range(4)] == [0, 1, 2, 2]
