"""What was seen of a track becomes a visit that says how long, how attentive, where and who."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.vocabulary import AGE_BINS, NOT_SEEN, UNKNOWN
from edge.place_types import VisitPlaces
from edge.types import Box, Face, FaceObservation, FaceScores, Pose, Sighting, Track, TrackState, Visit
from edge.vision.consensus import Consensus
from edge.vision.visits import APART_S, SURE_FACE, Visits

NOON = datetime(2024, 5, 6, 12, tzinfo=UTC)
NOWHERE = VisitPlaces()
CONSENSUS = Consensus({"gender": 0.6, "age_band": 0.5, "expression": 0.4})


def track(first_s: float, last_s: float, track_id: int = 1, score: float = 0.95) -> Track:
    """A track whose face is found with ``score``."""
    box = Box(0, 0, 50, 50)
    face = Face(box, score, np.zeros((5, 2), np.float32))
    return Track(track_id, box, TrackState.CONFIRMED, first_s, last_s, Sighting(box, score, face=face))


def observation(quality: float, at_s: float = 0.0, track_id: int = 1) -> FaceObservation:
    age = np.eye(AGE_BINS, dtype=np.float32)[40]
    scores = FaceScores(age, np.array([0.9, 0.1], np.float32), np.eye(7, dtype=np.float32)[1])
    return FaceObservation(track_id, at_s, scores, Pose(0, 0, 0), quality)


def watched(sights: list[tuple[float, bool]], **options: float) -> Visit:
    visits = Visits(CONSENSUS, **options)
    first_s = sights[0][0]
    for at_s, attends in sights:
        visits.seen(track(first_s, at_s), attends, at_s, NOON + timedelta(seconds=at_s))
    return visits.finish(track(first_s, sights[-1][0]), NOWHERE)


def test_attention_counts_where_both_ends_of_an_interval_attend() -> None:
    visit = watched([(0.0, True), (0.5, True), (1.0, False), (1.5, True), (2.0, True), (2.5, True)])
    assert visit.dwell_s == 2.5
    assert visit.attention_s == pytest.approx(1.5)
    assert visit.viewer


def test_what_was_not_seen_is_not_attention() -> None:
    visit = watched([(0.0, True), (0.4, True), (2.0, True), (2.4, True)], attention_gap_s=0.5)
    assert visit.attention_s == pytest.approx(0.8)


@pytest.mark.parametrize("fps", [2, 5, 30])
def test_attention_does_not_depend_on_the_frame_rate(fps: int) -> None:
    visit = watched([(i / fps, 1 <= i / fps <= 3) for i in range(5 * fps)])
    assert visit.attention_s == pytest.approx(2.0)


def test_one_frame_makes_no_viewer() -> None:
    assert not watched([(0.0, False), (0.1, True), (0.2, False)]).viewer
    assert watched([(0.0, False), (0.1, True), (0.2, True), (0.3, True)]).viewer


@given(
    st.lists(st.tuples(st.floats(0.001, 3), st.booleans()), min_size=1, max_size=40),
    st.floats(0.05, 3),
)
@settings(deadline=None)
def test_attention_is_never_more_than_dwell(steps: list[tuple[float, bool]], gap: float) -> None:
    at_s, sights = 100.0, []
    for step, attends in steps:
        at_s += step
        sights.append((at_s, attends))
    visit = watched(sights, attention_gap_s=gap)
    assert 0 <= visit.attention_s <= visit.dwell_s == sights[-1][0] - sights[0][0]
    assert not (visit.viewer and visit.attention_s == 0)


@given(st.lists(st.tuples(st.floats(0.01, 1.0), st.floats(0.5, 1.0)), min_size=1, max_size=20))
@settings(deadline=None)
def test_described_and_a_viewer_needs_a_sure_face_in_two_looks_that_are_apart(
    sights: list[tuple[float, float]],
) -> None:
    visits, at_s, sure_s = Visits(CONSENSUS), 0.0, []
    for step, score in sights:
        at_s += step
        visits.seen(track(0, at_s, score=score), True, at_s, NOON)
        sure_s += [at_s] if score >= SURE_FACE else []
    visits.observe(observation(0.5))
    looks = visits.observations(1)
    visit = visits.finish(track(0, at_s), NOWHERE)
    assert looks == 1, "what the visit becomes does not change where the next look goes"
    if not sure_s or sure_s[-1] - sure_s[0] < APART_S - 1e-3:
        assert (visit.described, visit.viewer, visit.attention_s) == (False, False, 0)
        assert {verdict.label for verdict in visit.attributes.values()} == {NOT_SEEN}
    elif sure_s[-1] - sure_s[0] > APART_S + 1e-3:
        assert visit.described


def test_times_are_those_of_the_frames() -> None:
    visit = watched([(10.0, False), (13.0, False)])
    assert visit.started_at == NOON + timedelta(seconds=10)
    assert visit.ended_at == NOON + timedelta(seconds=13)


def test_a_clock_set_during_a_visit_cannot_stretch_it() -> None:
    visits = Visits(CONSENSUS)
    visits.seen(track(0, 0), False, 0.0, datetime(1970, 1, 1, tzinfo=UTC))
    visits.seen(track(0, 4), False, 4.0, NOON)
    visit = visits.finish(track(0, 4), NOWHERE)
    assert visit.ended_at == NOON
    assert visit.ended_at - visit.started_at == timedelta(seconds=4)


def test_a_visit_keeps_what_it_did_at_places() -> None:
    visits, places = (
        Visits(CONSENSUS),
        VisitPlaces(stays={"door": 1.0, "shelf": 2.0}, stops=frozenset({"shelf"})),
    )
    visits.seen(track(0, 0), False, 0.0, NOON)
    visit = visits.finish(track(0, 3), places)
    assert visit.places == places


def test_observations_make_the_attributes() -> None:
    visits = Visits(CONSENSUS)
    for at_s in (0.0, 1.0):
        visits.seen(track(0, at_s), True, at_s, NOON)
    assert (visits.observations(1), visits.best_quality(1)) == (0, 0.0)
    visits.observe(observation(0.3, 0.0))
    visits.observe(observation(0.8, 1.0))
    visits.observe(observation(0.5, 2.0))
    assert (visits.observations(1), visits.best_quality(1)) == (3, 0.8)
    labels = {name: verdict.label for name, verdict in visits.finish(track(0, 2), NOWHERE).attributes.items()}
    assert labels == {"gender": "female", "age_band": "35-44", "expression": "happy"}


def test_a_visit_never_classified_is_not_seen_and_still_counted() -> None:
    visit = watched([(0.0, False), (1.0, False)])
    assert not visit.described
    assert {verdict.label for verdict in visit.attributes.values()} == {NOT_SEEN}


def test_a_look_that_is_not_sure_describes_a_visit() -> None:
    visits = Visits(Consensus({"gender": 1.0, "age_band": 1.0, "expression": 1.0}))
    for at_s in (0.0, 1.0):
        visits.seen(track(0, at_s), False, at_s, NOON)
    visits.observe(observation(0.3))
    visit = visits.finish(track(0, 1), NOWHERE)
    assert visit.described
    assert visit.attributes["gender"].label == UNKNOWN


def test_records_are_apart_and_forgotten_when_over() -> None:
    visits = Visits(CONSENSUS)
    for track_id in (1, 2, 3):
        for at_s in (0.0, 1.0):
            visits.seen(track(0, at_s, track_id), False, at_s, NOON)
        visits.observe(observation(0.1 * track_id, track_id=track_id))
    assert visits.finish(track(0, 0, 2), NOWHERE).described
    visits.drop({3})
    assert [visits.observations(track_id) for track_id in (1, 2, 3)] == [0, 0, 1]
    with pytest.raises(KeyError):
        visits.finish(track(0, 0, 2), NOWHERE)
