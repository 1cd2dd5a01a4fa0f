"""Two people who pass each other are told apart by their clothes, which are forgotten soon."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from edge.types import Body, Box, Clothes, Image, Sighting
from edge.vision.clothing import FORGOTTEN_S, KNOWN_S, Wardrobe, clothes_of
from edge.vision.sightings import head_of
from edge.vision.tracker import Tracker

FPS = 10
RED, BLUE, GREY, GREEN = (40, 40, 200), (200, 60, 40), (120, 120, 120), (60, 160, 60)
Bgr = tuple[int, int, int]


def person(x: float, feet: float = 500, height: float = 300) -> Sighting:
    box = Box(x - 0.16 * height, feet - height, x + 0.16 * height, feet)
    return Sighting(head_of(box), 0.9, body=Body(box, 0.9))


def picture(people: Sequence[tuple[Sighting, Bgr]]) -> Image:
    """Draw people in one colour, those whose feet are lower in front."""
    image = np.full((540, 960, 3), 90, np.uint8)
    for one, colour in sorted(people, key=lambda pair: pair[0].body.box.y2 if pair[0].body else 0):
        assert one.body is not None
        box = one.body.box
        cv2.rectangle(image, (int(box.x1), int(box.y1)), (int(box.x2), int(box.y2)), colour, -1)
    return image


def worn(colour: Bgr, *, hidden_by: Sighting | None = None) -> Clothes:
    one = person(300)
    others = [one] if hidden_by is None else [one, hidden_by]
    drawn = [(one, colour)] if hidden_by is None else [(one, colour), (hidden_by, GREEN)]
    return clothes_of(picture(drawn), one, others)


def meet_and_part(first: Bgr, second: Bgr, *, cross: bool) -> bool:
    """Let two people walk up to each other; one is hidden for half a second, then they go on or go back. Return whether
    both tracks are at the end where their people are."""
    tracker = Tracker()
    ids: dict[str, list[int]] = {}
    for index in range(60):
        at_s = index / FPS
        way = 150 * min(at_s, 2.75) + (150 if cross else -150) * max(0.0, at_s - 2.75)
        left, right = person(80 + way, 500), person(880 - way, 508)
        hidden = 2.5 <= at_s < 3.0
        image = picture([(left, first), (right, second)])
        seen = [right] if hidden else [left, right]
        tracks = tracker.update(seen, at_s, view=(960, 540), image=image).active
        for name, one in (("left", left), ("right", right)):
            near = min(tracks, key=lambda t: abs(t.box.centre[0] - one.head.centre[0]), default=None)
            if near is not None and at_s in (1.5, 5.0):
                ids.setdefault(name, []).append(near.track_id)
    return all(before == after for before, after in ids.values())


@pytest.mark.parametrize("cross", [True, False])
def test_who_meets_somebody_keeps_the_visit(*, cross: bool) -> None:
    assert meet_and_part(RED, BLUE, cross=cross)


def test_in_the_same_clothes_the_way_decides() -> None:
    """Nothing but the direction tells these two apart, so who turns round is taken for the other one."""
    assert meet_and_part(GREY, GREY, cross=True)
    assert not meet_and_part(GREY, GREY, cross=False)


def wardrobe(colour: Bgr = RED) -> Wardrobe:
    wears = Wardrobe()
    for at_s in np.arange(0.0, KNOWN_S + 0.3, 0.1):
        wears.see(worn(colour), float(at_s))
    return wears


def test_the_same_clothes_are_not_unlike() -> None:
    assert wardrobe().unlike(worn(RED)) == 0


def test_other_clothes_are_unlike() -> None:
    assert wardrobe().unlike(worn(BLUE)) == 1


def test_a_shadow_is_not_other_clothes() -> None:
    assert wardrobe(GREY).unlike(worn((105, 105, 105))) < 0.1


def test_one_look_says_nothing_yet() -> None:
    wears = Wardrobe()
    wears.see(worn(RED), 0.0)
    assert wears.unlike(worn(BLUE)) == 0


def test_a_hidden_part_has_no_colour() -> None:
    in_front = person(320, feet=530)
    assert worn(RED, hidden_by=in_front) == Clothes(None, None)


def test_who_is_behind_hides_nothing() -> None:
    behind = person(320, feet=470)
    assert worn(RED, hidden_by=behind) == worn(RED)


def test_outside_of_the_picture_there_is_no_colour() -> None:
    one = person(300, feet=900)
    assert clothes_of(picture([(one, RED)]), one, [one]) == Clothes(None, None)


def test_a_sliver_of_the_legs_has_no_colour() -> None:
    """At the lower edge of the picture it may be the chest: somebody who comes near would wear other clothes."""
    one = person(300, feet=680)
    clothes = clothes_of(picture([(one, RED)]), one, [one])
    assert clothes.chest is not None
    assert clothes.legs is None
    higher = person(300, feet=660)
    assert clothes_of(picture([(higher, RED)]), higher, [higher]).legs is not None


def test_clothes_are_forgotten_two_seconds_after_the_last_sight() -> None:
    """Whoever comes back later, in the same clothes or in others, is treated alike."""

    def cost_after(gap_s: float, colour: Bgr) -> float:
        tracker, at_s = Tracker(lost_s=60), 0.0
        for index in range(30):
            at_s = index / FPS
            one = person(100 + 5 * index)
            tracker.update([one], at_s, image=picture([(one, RED)]))
        tracker.update([], at_s + gap_s, image=picture([]))
        one = person(250)
        [known] = tracker._people
        clothes = clothes_of(picture([(one, colour)]), one, [one])
        return known.cost(Sighting(one.head, one.score, body=one.body, clothes=clothes), 3.0)

    assert cost_after(FORGOTTEN_S - 0.5, BLUE) > cost_after(FORGOTTEN_S - 0.5, RED)
    assert cost_after(FORGOTTEN_S + 0.1, BLUE) == cost_after(FORGOTTEN_S + 0.1, RED)
