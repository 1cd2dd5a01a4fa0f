"""Which frames are processed: nobody who is in view for a second is missed, and an empty shop costs little."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge.config import PacingSettings, Settings
from edge.service.pacing import HOLD_S, SLOWEST_BUSY_FPS, SLOWEST_IDLE_FPS, Heat, Pacer
from edge.types import Box, Face, Image, Sighting, Track, TrackState
from edge.vision.motion import Motion
from edge.vision.tracker import LIKELY_SCORE, Tracker

SURE = 0.95
"""From this score on a face is a visit once it was seen for ``confirm_s``, two fifths of a second."""

CONFIRM_S = Settings().tracking.confirm_s

SOMEBODY = Track(1, Box(0, 0, 30, 30), TrackState.CONFIRMED, 0.0, 0.0, None)
IDLE_FPS = PacingSettings().idle_fps

frame_rates = st.floats(5, 30)
phases = st.floats(0, 2)
"""When somebody comes, after a while in which nobody was there; any phase of the idle looks."""


@dataclass(frozen=True)
class Walker:
    """In view from ``comes_s`` for ``stays_s``, but not found in frames of ``blinks``. Their speed is about a metre a
    second, which is five times the size of the face."""

    comes_s: float
    stays_s: float
    score: float
    blinks: frozenset[int] = frozenset()

    def there(self, at_s: float) -> bool:
        return self.comes_s <= at_s <= self.comes_s + self.stays_s

    def sightings(self, frame: int, at_s: float) -> list[Sighting]:
        if not self.there(at_s) or frame in self.blinks:
            return []
        x = 40 + 5 * 45 * (at_s - self.comes_s)
        face = Face(Box(x, 100, x + 40, 150), self.score, np.zeros((5, 2), np.float32))
        return [Sighting(face.box, face.score, face=face)]


SECONDS = 8
VIEW = (1920, 480)
"""Wide enough for a walk of ``SECONDS``."""


def clock(fps: float, jitter: Sequence[float] = (0.0,)) -> list[float]:
    """Frame times of ``SECONDS``; each frame late by its share of a period."""
    return [(number + jitter[number % len(jitter)]) / fps for number in range(math.ceil(SECONDS * fps))]


def visits(
    walker: Walker,
    times: Sequence[float],
    pacer: Pacer | None,
    *,
    moves: bool = False,
    spacing_s: float = 0.0,
) -> list[tuple[float, float]]:
    """First and last sight of each visit that is found in the frames that are due; in all of them without ``pacer``."""
    tracker = Tracker(confirm_s=CONFIRM_S)
    ended: list[Track] = []
    for number, at_s in enumerate(times):
        moved = moves and walker.there(at_s)
        if pacer is not None and not pacer.due(at_s, moved=moved, spacing_s=spacing_s):
            continue
        tracks = tracker.update(walker.sightings(number, at_s), at_s, view=VIEW)
        ended += tracks.ended
        if pacer is not None:
            pacer.saw(tracks.active, at_s)
    return [(visit.first_seen_s, visit.last_seen_s) for visit in (*ended, *tracker.finish(times[-1]))]


def surely_seen_s(idle_fps: float) -> float:
    """How long somebody must be in view to be counted without the test for motion: until the first look, then for
    ``CONFIRM_S``, and until the look after it."""
    return 1 / idle_fps + CONFIRM_S + 1 / SLOWEST_BUSY_FPS


def test_by_default_a_second_is_enough() -> None:
    assert surely_seen_s(IDLE_FPS) <= 1
    assert surely_seen_s(2.5) <= 1, "as the example says"
    assert surely_seen_s(SLOWEST_IDLE_FPS) <= 1.1 + 1e-6, "as the example says"


@given(
    fps=frame_rates,
    comes_s=phases,
    longer_s=st.floats(0, 2),
    score=st.floats(SURE, 1),
    idle_fps=st.floats(SLOWEST_IDLE_FPS, 30),
    hot=st.booleans(),
)
@example(fps=25.75, comes_s=0.5, longer_s=0, score=SURE, idle_fps=SLOWEST_IDLE_FPS, hot=True)
@example(fps=5, comes_s=1.0001, longer_s=0, score=SURE, idle_fps=SLOWEST_IDLE_FPS, hot=True)
def test_a_walker_in_view_for_long_enough_is_a_visit_even_without_the_test_for_motion(
    fps: float, comes_s: float, longer_s: float, score: float, idle_fps: float, hot: bool
) -> None:
    stays_s = max(1.0, surely_seen_s(idle_fps)) + longer_s
    walker, times = Walker(comes_s, stays_s, score), clock(fps)
    spacing_s = 1 / SLOWEST_BUSY_FPS if hot else 0.0
    ((comes, goes),) = visits(walker, times, None)
    ((first, last),) = visits(walker, times, Pacer(idle_fps=idle_fps), spacing_s=spacing_s)
    assert 0 <= first - comes <= max(1 / idle_fps, spacing_s) + 1e-6
    assert 0 <= goes - last <= spacing_s + 1e-6


@given(
    fps=frame_rates,
    comes_s=phases,
    stays_s=st.floats(0, 3),
    score=st.floats(0.3, 1),
    blinks=st.frozensets(st.integers(0, 200)),
    jitter=st.lists(st.floats(0, 0.5), min_size=1, max_size=7),
)
def test_whoever_moves_is_seen_as_without_pacing(
    fps: float, comes_s: float, stays_s: float, score: float, blinks: frozenset[int], jitter: list[float]
) -> None:
    walker, times = Walker(comes_s, stays_s, score, blinks), clock(fps, jitter)
    assert visits(walker, times, Pacer(idle_fps=IDLE_FPS), moves=True) == visits(walker, times, None)


@given(fps=frame_rates, jitter=st.lists(st.floats(0, 0.3), min_size=1, max_size=7))
def test_an_empty_shop_is_looked_at_often_enough_and_hardly_more(fps: float, jitter: list[float]) -> None:
    pacer = Pacer(idle_fps=IDLE_FPS)
    times = clock(fps, jitter)
    taken = [at_s for at_s in times if pacer.due(at_s, moved=False)]
    longest = max(after - before for before, after in pairwise(taken))
    # a frame that is late was not to be foreseen
    assert longest <= 1 / IDLE_FPS + 0.6 / fps + 1e-6
    assert len(taken) <= 1 + SECONDS * max(2 * IDLE_FPS, 5.0)


def test_a_frame_rate_no_higher_than_the_idle_one_is_left_alone() -> None:
    pacer = Pacer(idle_fps=5)
    assert all(pacer.due(at_s, moved=False) for at_s in clock(5))


def test_after_somebody_has_gone_the_full_rate_is_held_for_a_while() -> None:
    pacer = Pacer(idle_fps=2)
    times = clock(20)
    taken = []
    for at_s in times:
        if pacer.due(at_s, moved=False):
            taken.append(at_s)
            if at_s <= 3:
                pacer.saw([SOMEBODY], at_s)
    assert [at_s for at_s in times if at_s <= 3 + HOLD_S] == [at_s for at_s in taken if at_s <= 3 + HOLD_S]
    assert len([at_s for at_s in taken if at_s > 3 + HOLD_S]) <= 2 * SECONDS


def test_a_pattern_that_never_scores_like_a_face_keeps_nobody_awake() -> None:
    pacer, walker = Pacer(idle_fps=3), Walker(0, SECONDS, score=LIKELY_SCORE - 0.01)
    tracker, looks = Tracker(confirm_s=CONFIRM_S), 0
    for number, at_s in enumerate(clock(15)):
        if pacer.due(at_s, moved=False):
            pacer.saw(tracker.update(walker.sightings(number, at_s), at_s, view=VIEW).active, at_s)
            looks += 1
    assert looks <= SECONDS * 3 + 1


def test_heat_spaces_looks_at_the_full_rate_and_leaves_the_idle_one() -> None:
    pacer = Pacer(idle_fps=3)
    busy = [at_s for at_s in clock(20) if pacer.due(at_s, moved=True, spacing_s=0.2)]
    assert {round(after - before, 6) for before, after in pairwise(busy)} == {0.2}


# Motion


def pictures(seed: int, noise: float, *, light: float = 90.0) -> Callable[[], Image]:
    """A shop of 160 x 120 with the noise of a camera, the same picture each time but for the noise."""
    rng = np.random.default_rng(seed)
    shop = light + 60 * rng.random((120, 160, 1), np.float32)

    def picture() -> Image:
        noisy = shop + noise * rng.standard_normal((120, 160, 3), np.float32)
        return noisy.clip(0, 255).astype(np.uint8)

    return picture


@pytest.mark.parametrize("noise", [0.0, 3.0, 12.0])
def test_noise_of_the_camera_is_no_motion(noise: float) -> None:
    motion, picture = Motion(), pictures(1, noise)
    found = [motion.seen(picture(), number / 10) for number in range(150)]
    assert not any(found[20:])  # it first has to learn how noisy this camera is


@pytest.mark.parametrize("noise", [0.0, 3.0, 12.0])
def test_a_small_figure_is_motion_in_the_first_frame_that_shows_it(noise: float) -> None:
    motion, picture = Motion(), pictures(2, noise)
    for number in range(100):
        motion.seen(picture(), number / 10)
    with_figure = picture()
    with_figure[50:75, 75:85] = 20  # a face of 3 pixels, of 12 in a picture of 640, has about such a body
    assert motion.seen(with_figure, 10.0)


def test_a_screen_becomes_usual_and_somebody_beside_it_is_still_seen() -> None:
    motion, picture = Motion(), pictures(3, 3.0)
    rng = np.random.default_rng(4)
    found, shown = [], picture()
    for number in range(600):
        shown = picture()
        shown[12:38, 125:155] = rng.integers(0, 256)
        found.append(motion.seen(shown, number / 10))
    assert any(found[:50])
    assert not any(found[300:])
    shown[50:75, 25:35] = 20
    assert motion.seen(shown, 60.0)


def test_motion_takes_pictures_of_any_size_and_light_that_goes_on_is_motion() -> None:
    for height, width in ((64, 64), (480, 640), (720, 1280), (1080, 1920)):
        motion = Motion()
        dark, bright = (np.full((height, width, 3), value, np.uint8) for value in (10, 200))
        assert [bool(motion.seen(image, at_s)) for at_s, image in enumerate((dark, dark, bright))] == [
            False,
            False,
            True,
        ]


# Heat


def after(
    heat: Heat, *, since_s: int, until_s: int, temperature_c: float | None, throttled: bool | None
) -> float:
    for at_s in range(since_s, until_s, 10):
        heat.update(float(at_s), temperature_c, throttled)
    return heat.enough_fps


@pytest.mark.parametrize(("temperature_c", "throttled"), [(80.0, False), (None, True), (60.0, True)])
def test_heat_lowers_the_rate_in_steps_and_never_below_what_the_promise_needs(
    temperature_c: float | None, throttled: bool
) -> None:
    heat = Heat(hot_c=75)
    rates = []
    for at_s in range(0, 600, 10):
        heat.update(float(at_s), temperature_c, throttled)
        rates.append(heat.enough_fps)
    assert list(dict.fromkeys(rates)) == list(Heat.STEPS_FPS[1:])
    assert rates[-1] == SLOWEST_BUSY_FPS


def test_it_is_undone_in_steps_once_it_has_been_cool_for_long(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    heat = Heat(hot_c=75)
    assert after(heat, since_s=0, until_s=100, temperature_c=76, throttled=False) == SLOWEST_BUSY_FPS
    assert after(heat, since_s=100, until_s=4000, temperature_c=72, throttled=False) == SLOWEST_BUSY_FPS
    assert after(heat, since_s=4000, until_s=4000 + 310, temperature_c=60, throttled=False) == 7
    assert after(heat, since_s=4310, until_s=6000, temperature_c=60, throttled=False) == math.inf
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "76 °C" in caplog.records[0].message


def test_a_machine_that_cannot_tell_is_never_slowed() -> None:
    assert after(Heat(hot_c=75), since_s=0, until_s=600, temperature_c=None, throttled=None) == math.inf


# Settings


def test_idle_looks_are_close_enough_for_time_to_count_as_watched() -> None:
    with pytest.raises(ValueError, match=r"pacing\.idle_fps 2 .* window\.max_gap_s 0\.5"):
        Settings.model_validate({"pacing": {"idle_fps": 2}, "window": {"max_gap_s": 0.5}})
    assert PacingSettings(idle_fps=SLOWEST_IDLE_FPS).idle_fps == SLOWEST_IDLE_FPS
    with pytest.raises(ValueError, match="idle_fps"):
        PacingSettings(idle_fps=SLOWEST_IDLE_FPS - 0.1)
