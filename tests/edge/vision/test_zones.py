"""A face is where the centre of its box is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.types import Box
from edge.vision.zones import Zone, Zones

LEFT = Zone("left", ((0, 0), (0.5, 0), (0.5, 1), (0, 1)))
SHELF = Zone("shelf", ((0.25, 0.5), (0.75, 0.5), (0.75, 1), (0.25, 1)))
STAFF = Zone("till", ((0.8, 0), (1, 0), (1, 0.3)), exclude=True)
ZONES = Zones([LEFT, SHELF, STAFF])


def around(x: float, y: float) -> Box:
    return Box(x - 20, y - 30, x + 20, y + 30)


def test_zones_overlap_and_keep_their_order() -> None:
    assert ZONES.of(around(200, 300), 640, 480) == ("left", "shelf")
    assert ZONES.of(around(400, 300), 640, 480) == ("shelf",)
    assert ZONES.of(around(600, 100), 640, 480) == ()


def test_excluded_zones_exclude_and_are_never_named() -> None:
    inside = around(620, 50)
    assert ZONES.excluded(inside, 640, 480)
    assert ZONES.of(inside, 640, 480) == ()
    assert not ZONES.excluded(around(200, 300), 640, 480)
    assert not ZONES.excluded(around(520, 130), 640, 480)  # in the box around the triangle, not in it


def test_a_notch_is_outside() -> None:
    horseshoe = Zone("u", ((0, 0), (1, 0), (1, 1), (0.6, 1), (0.6, 0.4), (0.4, 0.4), (0.4, 1), (0, 1)))
    for x, y in ((0.2, 0.8), (0.8, 0.8), (0.5, 0.2)):
        assert horseshoe.contains(x, y)
    assert not horseshoe.contains(0.5, 0.8)


@given(st.floats(0, 640), st.floats(0, 480))
@settings(deadline=None)
def test_neighbours_share_no_face_and_leave_none_out(x: float, y: float) -> None:
    """A picture cut in two along a slant: every face inside is in exactly one half, also on the line."""
    one = Zone("a", ((0, 0), (0.7, 0), (0.3, 1), (0, 1)))
    other = Zone("b", ((0.7, 0), (1, 0), (1, 1), (0.3, 1)))
    if x < 640 and y < 480:
        assert len(Zones([one, other]).of(Box(x, y, x, y), 640, 480)) == 1


@pytest.mark.parametrize("polygon", [((0, 0), (1, 1)), ((0, 0), (1, 0), (1, 1.2))])
def test_a_wrong_polygon_names_its_zone(polygon: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(ValueError, match="zone door"):
        Zone("door", polygon)
