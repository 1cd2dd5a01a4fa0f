"""The arithmetic of the two benchmarks that hold the product against the truth of a scene."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from benchmarks import counting
from benchmarks import range as reach
from benchmarks.following import Counted, Held, Played, distance, on_what, on_whom
from benchmarks.real_faces import cuttings
from common.errors import UserError
from common.vocabulary import UNKNOWN
from edge.scene.decoys import DecoyKind, DecoyTruth
from edge.scene.ground_truth import PersonTruth
from edge.scene.portraits import load_portraits
from edge.scene.render import Scene
from edge.scene.route import Spot, route
from edge.types import Box, Verdict, Visit

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


@cache
def pair() -> Scene:
    """Two people who stand side by side and look here, in 20 frames."""
    walks = [
        route(load_portraits()[which], which, 0.2, 0.0, [Spot(x, 3.0, 4.0, 0.0)], width=640.0)
        for which, x in ((0, -0.6), (4, 0.6))
    ]
    return Scene(1, fps=10, seconds=2, walks=tuple(walks), pillars=())


def visit(track_id: int, label: str = UNKNOWN) -> Counted:
    return Counted(track_id, Visit(NOON, NOON, 1.0, 1.0, True, True, {"gender": Verdict(label, 0.9)}))


def played(
    ids: Callable[[int, PersonTruth], int | None], *visits: Counted, extra: tuple[Held, ...] = ()
) -> Played:
    """Tracks that lie exactly on the heads, with the number that ``ids`` gives for frame and person."""
    frames = []
    for index, people in enumerate(pair().truth.people):
        numbers = [(ids(index, person), person.head) for person in people]
        held = [Held(number, head, confirmed=True) for number, head in numbers if number is not None]
        frames.append((*held, *extra))
    return Played(tuple(frames), visits)


def test_a_track_lies_on_the_nearest_head_of_its_size() -> None:
    head = Box(100, 100, 140, 160)
    assert distance(head, head) == 0
    assert distance(Box(105, 115, 135, 155), head) is not None  # a face on the head
    assert distance(Box(160, 100, 200, 160), head) is None
    assert distance(Box(115, 125, 125, 135), head) is None
    assert distance(Box(0, 0, 240, 260), head) is None


def test_each_track_is_on_one_person_and_each_person_under_one_track() -> None:
    left, right = pair().truth.people[5]
    near = Held(7, left.head, confirmed=True)
    beside = Held(8, Box(left.head.x1 + 5, left.head.y1, left.head.x2 + 5, left.head.y2), confirmed=True)
    assert on_whom([beside, near], [left, right]) == {7: left.person}
    assert on_whom([near, Held(9, right.head, confirmed=False)], [left, right]) == {
        7: left.person,
        9: right.person,
    }


def test_a_false_track_is_named_by_what_it_is_on() -> None:
    decoys = [DecoyTruth(DecoyKind.SCREEN, Box(10, 10, 50, 40))]
    assert on_what(Box(20, 20, 30, 30), decoys) == "screen"
    assert on_what(Box(60, 20, 70, 30), decoys) == "nothing"


def test_perfect_counting_has_no_fault() -> None:
    result = counting.compare(pair(), played(lambda _, person: person.person, visit(0), visit(1, "male")))
    assert result | {"seed": 0} == {
        "seed": 0, "people": 2, "visits": 2, "described": 1, "missed": [], "mixed": 0, "split": [], "false": {},
    }  # fmt: skip


def test_two_people_who_swap_their_visits_mix_both_and_are_split() -> None:
    swapped = played(lambda index, person: (person.person + (index >= 10)) % 2, visit(0), visit(1))
    result = counting.compare(pair(), swapped)
    assert result["mixed"] == 2
    assert len(result["split"]) == 2
    total = counting.in_sum([result, result])
    assert (total["people"], total["visits"], total["mixed"], total["split"]) == (4, 4, 4, 4)
    assert total["mixed_or_split_percent"] == 200


def test_a_short_swap_is_no_mix() -> None:
    result = counting.compare(
        pair(), played(lambda index, one: (one.person + (index >= 17)) % 2, visit(0), visit(1))
    )
    assert (result["mixed"], result["split"]) == (0, [])


def test_where_nobody_was_found_a_track_is_on_nobody() -> None:
    found = played(lambda index, person: person.person if index < 5 else None, visit(0), visit(1))
    guessed = tuple(Held(number, Box(0, 0, 10, 10), confirmed=True, seen=False) for number in (0, 1))
    with_guesses = Played(tuple(held or guessed for held in found.frames), found.visits)
    assert counting.compare(pair(), with_guesses) == counting.compare(pair(), found)
    assert not counting.compare(pair(), found)["false"]


def test_who_has_no_visit_is_missed_and_a_visit_on_nobody_is_false() -> None:
    box = pair().decoys[1].box
    skull = Held(5, Box(box.x1, box.y1, box.x2, box.y2), confirmed=True)
    only_first = played(
        lambda _, person: 0 if person.person == 0 else None, visit(0), visit(5), extra=(skull,)
    )
    result = counting.compare(pair(), only_first)
    assert len(result["missed"]) == 1
    assert result["false"] == {"skull": 1}
    total = counting.in_sum([result])
    assert total["off_percent"] == 0
    assert total["false"] == {"skull": 1}


def test_followed_and_described_are_shares_of_what_could_be() -> None:
    half = played(
        lambda index, person: person.person if person.person == 0 or index < 10 else None,
        visit(0, "female"),
        visit(1),
    )
    counts = reach.compare(pair().truth.people, half)
    (row,) = reach.summed([("a", counts)])
    assert row == {
        "row": "a", "frames": 40, "followed_percent": 75.0, "looked_at": 2, "described_percent": 50.0,
    }  # fmt: skip
    assert reach.summed([("b", type(counts)())])[0]["followed_percent"] is None


@pytest.mark.slow
def test_the_people_of_a_case_have_the_size_of_its_row() -> None:
    for case in (reach.Case(40, False, reach.Shows.FACE, 3, 0), reach.Case(60, True, reach.Shows.BACK, 1, 0)):
        people = [person for frame in reach.scene_of(case).truth.people for person in frame]
        boxes = [person.body for person in people]
        if not case.whole:
            boxes = [person.face.box for person in people if person.face is not None]
        sizes = [box.height for box in boxes]
        assert np.median(sizes) == pytest.approx(case.px, rel=0.04)
        assert len({person.person for person in people}) == case.count
    rows = [case.row for case in reach.cases(2)]
    assert len(rows) == 2 * len(set(rows)) == 2 * 2 * (len(reach.FACES_PX) + 2 * len(reach.BODIES_PX))


def test_a_folder_without_the_data_set_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UserError, match=r"faces\.csv"):
        cuttings(tmp_path, 40, 3)
    assert reach.main(["--data", str(tmp_path)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
