"""The hand-off between camera and pipeline, and the thread that keeps a camera open."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.capture.camera import CameraError
from edge.capture.thread import FIRST_RETRY_S, LONGEST_RETRY_S, CameraThread, LatestFrame
from edge.types import Frame
from tests.support.clock import ManualClock

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
PICTURE = np.zeros((4, 4, 3), np.uint8)
PATIENCE_S = 10.0
"""For what happens in another thread; only a failing test waits that long."""


def frame(sequence: int) -> Frame:
    return Frame(PICTURE, START + timedelta(seconds=sequence), float(sequence), sequence)


class ScriptedCamera:
    """Does step by step what it is told: an exception is raised, a callable is called, a frame is given.

    ``opens`` is the script of ``open`` (None: it succeeds), ``reads`` that of ``read``; at the end of
    ``reads`` the source is over.
    """

    def __init__(
        self,
        reads: Sequence[Frame | BaseException | Callable[[], Frame]],
        opens: Sequence[CameraError | None] = (),
        *,
        live: bool = False,
    ) -> None:
        self.live = live
        self.reads = list(reads)
        self.opens = list(opens)
        self.opened = 0
        self.is_open = False
        self.closed = threading.Event()

    def open(self) -> None:
        self.opened += 1
        if self.opens and (error := self.opens.pop(0)) is not None:
            raise error
        self.is_open = True

    def read(self) -> Frame | None:
        assert self.is_open
        if not self.reads:
            return None
        step = self.reads.pop(0)
        if isinstance(step, BaseException):
            raise step
        return step if isinstance(step, Frame) else step()

    def close(self) -> None:
        self.is_open = False
        self.closed.set()

    def describe(self) -> str:
        return "scripted"


class Watcher:
    """A thread over a scripted camera with a manual clock; keeps its waits, and the fault during each."""

    def __init__(self, camera: ScriptedCamera, jitter: float = 1.0) -> None:
        self.clock = ManualClock(START)
        self.waits: list[float] = []
        self.faults: list[str | None] = []
        self.thread = CameraThread(
            camera,
            clock=self.clock,
            wait=self._wait,
            jitter=lambda: jitter,
        )

    def _wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.faults.append(self.thread.fault)
        self.clock.advance(seconds)
        return False

    def take_all(self) -> list[int]:
        """Start, take every frame, stop."""
        self.thread.start()
        taken = []
        while not self.thread.ended:
            if (got := self.thread.frames.get(PATIENCE_S)) is not None:
                taken.append(got.sequence)
        assert self.thread.stop(PATIENCE_S)
        return taken


def sequence_of(got: Frame | None) -> int | None:
    return None if got is None else got.sequence


@given(st.lists(st.booleans(), max_size=50))
def test_newest_wins_and_every_frame_is_either_taken_or_counted_as_dropped(puts: list[bool]) -> None:
    hand_off = LatestFrame()
    given_, taken, waiting = 0, 0, None
    for put in puts:
        if put:
            hand_off.put(frame(given_))
            waiting, given_ = given_, given_ + 1
        else:
            got = sequence_of(hand_off.get(0))
            assert got == waiting
            taken, waiting = taken + (got is not None), None
    assert given_ == taken + hand_off.dropped + (waiting is not None)


def test_get_gives_up_after_its_time_without_being_over() -> None:
    hand_off = LatestFrame()
    assert hand_off.get(0.001) is None
    assert not hand_off.ended


def test_get_is_woken_by_put() -> None:
    hand_off = LatestFrame()
    giver = threading.Thread(target=lambda: hand_off.put(frame(7)))
    giver.start()
    assert sequence_of(hand_off.get(PATIENCE_S)) == 7
    giver.join()


def test_what_was_put_before_the_end_can_still_be_taken() -> None:
    hand_off = LatestFrame()
    hand_off.put(frame(1))
    hand_off.close()
    hand_off.put(frame(2))
    assert not hand_off.ended
    assert sequence_of(hand_off.get(0)) == 1
    assert hand_off.ended
    assert hand_off.get(PATIENCE_S) is None
    assert hand_off.dropped == 0


def test_an_error_reaches_the_taker_after_the_last_frame() -> None:
    hand_off = LatestFrame()
    hand_off.put(frame(1))
    hand_off.close(CameraError("broken"))
    hand_off.close()
    assert sequence_of(hand_off.get(0)) == 1
    with pytest.raises(CameraError, match="broken"):
        hand_off.get(0)


def test_lossless_gives_every_frame_in_order() -> None:
    hand_off = LatestFrame(lossless=True)

    def give() -> None:
        for sequence in range(200):
            hand_off.put(frame(sequence))
        hand_off.close()

    giver = threading.Thread(target=give)
    giver.start()
    taken = []
    while not hand_off.ended:
        if (got := hand_off.get(PATIENCE_S)) is not None:
            taken.append(got.sequence)
    giver.join()
    assert taken == list(range(200))
    assert hand_off.dropped == 0


def test_a_finite_source_is_read_once_without_loss() -> None:
    camera = ScriptedCamera([frame(n) for n in range(100)])
    watcher = Watcher(camera)
    assert watcher.take_all() == list(range(100))
    assert watcher.thread.frames.dropped == 0
    assert (camera.opened, camera.is_open) == (1, False)
    assert not watcher.thread.is_open
    assert watcher.faults == []


def test_a_live_source_drops_what_nobody_took() -> None:
    camera = ScriptedCamera([frame(n) for n in range(10)], live=True)
    watcher = Watcher(camera)
    watcher.thread.start()
    assert camera.closed.wait(PATIENCE_S)
    assert sequence_of(watcher.thread.frames.get(0)) == 9
    assert watcher.thread.frames.dropped == 9
    assert watcher.thread.stop(PATIENCE_S)
    assert watcher.thread.ended


def test_it_opens_again_after_faults_and_tells_once_when_they_begin_and_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    unplugged, still = CameraError("unplugged"), CameraError("still gone", permanent=True)
    camera = ScriptedCamera([frame(0), unplugged, frame(1), frame(2)], [None, still, still])
    watcher = Watcher(camera)
    assert watcher.take_all() == [0, 1, 2]
    assert camera.opened == 4
    assert watcher.waits == [0.5, 1.0, 2.0]
    assert watcher.faults == ["unplugged", "still gone", "still gone"]
    assert watcher.thread.fault is None
    messages = [record.getMessage() for record in caplog.records]
    assert messages == ["unplugged; trying again until it is back", "camera scripted: back after 4 s"]


def test_the_wait_grows_to_its_bound_and_starts_small_again_after_a_frame() -> None:
    away = [CameraError("away")] * 9
    watcher = Watcher(ScriptedCamera([*away, frame(0), *away[:1], frame(1)]))
    assert watcher.take_all() == [0, 1]
    assert watcher.waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30, 0.5]


def test_a_plug_that_is_loose_all_day_is_told_of_seldom_and_retried_at_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A frame, a fault, a frame, a fault ...: for six hours, with two seconds of pictures between the faults."""
    caplog.set_level(logging.INFO)

    def pictures() -> Frame:
        watcher.clock.advance(2)
        return frame(0)

    faults = 6 * 3600 // 2
    reads: list[Frame | Exception | Callable[[], Frame]] = []
    for _ in range(faults):
        reads += [pictures, CameraError("unplugged")]
    watcher = Watcher(ScriptedCamera(reads, live=True))
    watcher.take_all()
    assert set(watcher.waits) == {FIRST_RETRY_S}
    assert len(caplog.records) <= 4
    assert watcher.thread.fault == "unplugged"


@given(st.lists(st.floats(0.1, 2000), min_size=1, max_size=300))
def test_faults_are_told_of_no_more_than_some_times_an_hour(good_s: list[float]) -> None:
    """However long a camera delivers between its faults."""
    told: list[str | None] = []

    def delivers(seconds: float) -> Callable[[], Frame]:
        def read() -> Frame:
            watcher.clock.advance(seconds)
            if watcher.thread.fault != (told[-1] if told else None):
                told.append(watcher.thread.fault)
            return frame(0)

        return read

    reads: list[Frame | Exception | Callable[[], Frame]] = []
    for seconds in good_s:
        reads += [*[delivers(seconds / 4)] * 4, CameraError("unplugged")]
    watcher = Watcher(ScriptedCamera(reads, live=True))
    watcher.take_all()
    # doubling up to ten minutes: eight times in the first, six an hour from then on
    assert len(told) / 2 <= 10 + 6 * watcher.clock.elapsed_s / 3600


def test_a_camera_that_opens_but_gives_nothing_is_one_long_fault_and_not_hammered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    mute = CameraError("mute")
    watcher = Watcher(ScriptedCamera([mute, mute, mute, frame(0)]))
    assert watcher.take_all() == [0]
    assert watcher.waits == [0.5, 1.0, 2.0]
    assert [record.levelname for record in caplog.records] == ["WARNING"]


@pytest.mark.parametrize("jitter", [0.0, 0.4, 1.0])
def test_jitter_shortens_each_wait_by_up_to_half(jitter: float) -> None:
    watcher = Watcher(ScriptedCamera([CameraError("away")] * 100), jitter)
    watcher.take_all()
    full = [min(LONGEST_RETRY_S, FIRST_RETRY_S * 2**n) for n in range(100)]
    assert watcher.waits == pytest.approx([wait * (0.5 + jitter / 2) for wait in full])


def test_a_mistake_at_the_start_is_raised_at_once() -> None:
    watcher = Watcher(ScriptedCamera([], [CameraError("no such device", permanent=True)]))
    with pytest.raises(CameraError, match="no such device"):
        watcher.thread.start()
    assert watcher.thread.stop(PATIENCE_S)


def test_a_camera_that_may_come_is_waited_for_from_the_start() -> None:
    watcher = Watcher(ScriptedCamera([frame(0)], [CameraError("no stream")]))
    assert watcher.take_all() == [0]
    assert watcher.waits == [0.5]
    assert watcher.faults == ["no stream"]


@pytest.mark.parametrize(
    "error",
    [CameraError("not a picture", permanent=True), ZeroDivisionError("a bug"), SystemExit("a library")],
)
def test_what_no_waiting_mends_reaches_the_taker(error: BaseException) -> None:
    camera = ScriptedCamera([frame(0), error])
    watcher = Watcher(camera)
    watcher.thread.start()
    assert sequence_of(watcher.thread.frames.get(PATIENCE_S)) == 0
    with pytest.raises(type(error), match=str(error)):
        watcher.thread.frames.get(PATIENCE_S)
    assert watcher.thread.stop(PATIENCE_S)
    assert not camera.is_open
    assert watcher.waits == []


def test_a_camera_that_fails_even_to_close_does_not_leave_the_taker_waiting() -> None:
    class Stuck(ScriptedCamera):
        def close(self) -> None:
            raise OSError("a driver that is gone")

    watcher = Watcher(Stuck([frame(0), ZeroDivisionError("a bug")]))
    watcher.thread.start()
    assert sequence_of(watcher.thread.frames.get(PATIENCE_S)) == 0
    with pytest.raises(OSError, match="a driver that is gone"):
        watcher.thread.frames.get(PATIENCE_S)
    assert watcher.thread.ended


def test_stop_ends_a_thread_whose_frame_nobody_takes() -> None:
    camera = ScriptedCamera([frame(n) for n in range(5)])
    watcher = Watcher(camera)
    watcher.thread.start()
    assert watcher.thread.stop(PATIENCE_S)
    assert not camera.is_open


def test_stop_interrupts_the_wait_for_a_camera() -> None:
    camera = ScriptedCamera([], [CameraError("away")] * 100)
    thread = CameraThread(camera, clock=ManualClock(START), jitter=lambda: 1000.0)  # minutes
    thread.start()
    assert thread.fault == "away"
    assert thread.stop(PATIENCE_S)
    assert camera.opened == 1


def test_a_hanging_camera_shows_as_stalled_and_does_not_hold_up_stop() -> None:
    entered, released = threading.Event(), threading.Event()

    def hang() -> Frame:
        entered.set()
        assert released.wait(PATIENCE_S)
        return frame(1)

    watcher = Watcher(ScriptedCamera([frame(0), hang], live=True))
    thread = watcher.thread
    thread.start()
    assert entered.wait(PATIENCE_S)
    watcher.clock.advance(42)
    assert thread.is_open
    assert thread.stalled_s == 42
    assert not thread.stop(0.01)
    released.set()
    assert thread.stop(PATIENCE_S)
    assert thread.stalled_s == 0


def test_a_camera_that_is_away_is_a_fault_and_not_a_stall() -> None:
    seen: list[tuple[float, bool]] = []
    camera = ScriptedCamera([CameraError("away"), frame(0)])
    clock = ManualClock(START)

    def wait(seconds: float) -> bool:
        clock.advance(seconds)
        seen.append((thread.stalled_s, thread.is_open))
        return False

    thread = CameraThread(camera, clock=clock, wait=wait)
    thread.start()
    assert sequence_of(thread.frames.get(PATIENCE_S)) == 0
    assert thread.stop(PATIENCE_S)
    assert seen == [(0, False)]
