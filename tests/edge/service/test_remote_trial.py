"""How a device judges what a server asks for: tried in a new run, and dropped if that does not count."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from common.wire import MAX_BYTES, ConfigMessage, encode, short_hash
from edge.service.remote_config import PATIENCE_S, TRIAL_S, Remote
from tests.edge.service.test_remote_config import settings
from tests.support.messages import MORNING, asking

LATER = MORNING + timedelta(minutes=1)


def turn(remote: Remote, now_s: float = 0.0, **changes: bool) -> bool:
    given = {"counted": False, "in_view": False, "seeing": True, **changes}
    return remote.turn(now_s, **given)


def accept(remote: Remote, config: ConfigMessage) -> None:
    remote.offer(encode(config))
    assert remote.fault is None
    assert turn(remote)
    assert not turn(remote, counted=True)


def test_a_config_is_in_force_with_the_next_run_and_proven_by_a_frame(tmp_path: Path) -> None:
    own, config = settings(tmp_path), asking({"detection": {"min_score": 0.6}})
    remote = Remote(own)
    remote.offer(encode(config))
    assert (remote.settings, remote.message) == (own, None)
    assert turn(remote)
    assert (remote.settings.detection.min_score, remote.message) == (0.6, None)
    assert not turn(remote, now_s=1)
    assert remote.on_trial
    assert not turn(remote, now_s=2, counted=True)
    assert (remote.message, remote.fault) == (short_hash(encode(config)), None)
    remote.offer(encode(config))  # retained: it comes again with every connection
    assert not turn(remote, now_s=3)
    assert Remote(own).settings == remote.settings, "a start needs no broker"


def test_a_change_waits_until_nobody_is_in_view_but_not_for_ever(tmp_path: Path) -> None:
    remote = Remote(settings(tmp_path))
    remote.offer(encode(asking({"tracking": {"lost_s": 3}})))
    assert not turn(remote, now_s=100, in_view=True)
    assert not turn(remote, now_s=100 + PATIENCE_S - 1, in_view=True)
    assert turn(remote, now_s=100 + PATIENCE_S, in_view=True)


SHELF = {"name": "shelf", "polygon": [[0.2, 0], [1, 0], [1, 1]]}


def test_places_change_at_closing_time_and_everything_else_at_once(tmp_path: Path) -> None:
    own = settings(tmp_path)
    config = encode(asking({"zones": [SHELF], "detection": {"min_score": 0.6}}))
    remote = Remote(own)
    remote.offer(config)
    assert turn(remote)
    assert not turn(remote, counted=True)
    assert (remote.settings.zones, remote.settings.detection.min_score) == (own.zones, 0.6)
    assert remote.message != short_hash(config), "the server's message is not in force yet"
    assert remote.for_closing == short_hash(config), "and this is told"
    for now_s in (100, 1000):
        remote.offer(config)
        assert not turn(remote, now_s=now_s)
    assert turn(remote, now_s=2000, closed=True)
    assert not turn(remote, now_s=2001, counted=True)
    assert [zone.polygon[0] for zone in remote.settings.zones] == [(0, 0), (0.2, 0)]
    assert remote.message == short_hash(config)
    assert [remote.fault, remote.for_closing] == [None, None]


def test_a_change_of_places_alone_starts_nothing_before_closing_time(tmp_path: Path) -> None:
    remote = Remote(settings(tmp_path))
    remote.offer(encode(asking({"zones": [SHELF]})))
    assert not turn(remote, now_s=PATIENCE_S * 10)
    remote.offer(encode(asking({})))
    assert not turn(remote, now_s=PATIENCE_S * 20, closed=True), "taken back"


def test_a_change_that_failed_apart_from_its_places_is_not_tried_again(tmp_path: Path) -> None:
    config = encode(asking({"zones": [SHELF], "camera": {"width": 8192}}))
    remote = Remote(settings(tmp_path))
    remote.offer(config)
    assert turn(remote)
    assert remote.drop("the camera refuses it")
    remote.offer(config)
    assert remote.fault is not None
    assert not turn(remote)


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        (
            encode(asking({"mqtt": {"host": "elsewhere"}})),
            "mqtt.host: can be set in the device's own file only",
        ),
        (encode(asking({"detection": {"min_scor": 0.5}})), "did you mean 'min_score'?"),
        (encode(asking({"detection": {"min_score": 2}})), "detection.min_score: must be at most 1"),
        (encode(asking({"detection": {"threads": True}})), "detection.threads: must not be true or false"),
        (
            encode(asking({"zones": [{"name": "a", "polygon": [[0, 0], [1, 0], [1, True]]}]})),
            "zones.1.polygon: must not be true or false",
        ),
        (encode(asking({}, device="shelf")), "payload speaks for shop/shelf"),
        (b"x" * (MAX_BYTES + 1), f"more than {MAX_BYTES}"),
        (b"no JSON", "Invalid JSON"),
        (b"[" * 30_000, "Invalid JSON"),
        (encode(asking({})).replace(b"footlight.config/1", b"footlight.config/2"), "schema"),
    ],
)
def test_what_is_wrong_changes_nothing_and_is_told_in_one_line(
    tmp_path: Path, payload: bytes, says: str
) -> None:
    remote = Remote(settings(tmp_path))
    accept(remote, asking({"detection": {"min_score": 0.6}}))
    before, kept = remote.settings, (tmp_path / "outbox.config.json").read_bytes()
    remote.offer(payload)
    assert remote.fault is not None
    assert remote.fault.startswith(f"config {short_hash(payload)} refused: ")
    assert says in remote.fault
    assert "\n" not in remote.fault
    assert not turn(remote)
    assert remote.settings == before
    assert (tmp_path / "outbox.config.json").read_bytes() == kept
    remote.offer(encode(asking({"detection": {"min_score": 0.6}})))
    assert remote.fault is None, "what is asked for is in force again"


@pytest.mark.parametrize("payload", [b"", encode(asking({}))])
def test_a_config_can_be_cleared(tmp_path: Path, payload: bytes) -> None:
    own = settings(tmp_path)
    remote = Remote(own)
    accept(remote, asking({"detection": {"min_score": 0.6}}))
    remote.offer(payload)
    assert turn(remote)
    assert not turn(remote, counted=True)
    assert Remote(own).settings == own


def test_what_changes_nothing_needs_no_new_run(tmp_path: Path) -> None:
    remote, config = Remote(settings(tmp_path)), asking({"tracking": {"lost_s": 2.0}})
    remote.offer(encode(config))
    assert not turn(remote)
    assert remote.message == short_hash(encode(config))


def test_a_config_that_cannot_run_is_dropped_and_not_tried_again_until_it_is_sent_again(
    tmp_path: Path,
) -> None:
    own = settings(tmp_path)
    remote = Remote(own)
    accept(remote, asking({"tracking": {"lost_s": 3}}))
    bad = asking({"camera": {"width": 8192}})
    remote.offer(encode(bad))
    assert turn(remote)
    assert remote.drop("camera 0: no such size")
    dropped = f"config {short_hash(encode(bad))} dropped: camera 0: no such size; send it again to try again"
    assert (remote.settings.camera.width, remote.settings.tracking.lost_s) == (1280, 3)
    assert remote.fault == dropped
    for again in (remote, Remote(own)):
        again.offer(encode(bad))
        assert again.fault == dropped
        assert not turn(again)
    remote.offer(encode(asking({"camera": {"width": 8192}}, at=LATER)))
    assert turn(remote)


def test_a_process_that_dies_of_a_config_starts_without_it(tmp_path: Path) -> None:
    own = settings(tmp_path)
    remote = Remote(own)
    remote.offer(encode(asking({"camera": {"width": 8192}})))
    assert turn(remote)
    after = Remote(own)
    assert after.settings == own
    assert after.fault is not None
    assert "dropped: the process ended before it had counted a frame with it" in after.fault
    assert not after.on_trial


def test_a_process_that_is_told_to_end_judges_nothing(tmp_path: Path) -> None:
    own, config = settings(tmp_path), encode(asking({"camera": {"width": 320}}))
    remote = Remote(own)
    remote.offer(config)
    assert turn(remote)
    remote.leave()
    after = Remote(own)
    assert (after.settings, after.fault) == (own, None)
    after.offer(config)
    assert turn(after)


def test_a_camera_that_worked_and_gives_no_frame_any_more_costs_the_config(tmp_path: Path) -> None:
    remote = Remote(settings(tmp_path))
    remote.offer(encode(asking({"camera": {"width": 320}})))
    assert turn(remote, seeing=True)
    assert not turn(remote, now_s=10)
    assert turn(remote, now_s=10 + TRIAL_S), "the next run has the former settings"
    assert remote.settings.camera.width == 1280
    assert "no frame came within" in str(remote.fault)


def test_a_camera_that_was_away_before_is_not_the_fault_of_a_config(tmp_path: Path) -> None:
    remote = Remote(settings(tmp_path))
    remote.offer(encode(asking({"camera": {"width": 320}})))
    assert turn(remote, seeing=False)
    assert not turn(remote, now_s=10)
    assert (remote.on_trial, remote.settings.camera.width) == (False, 320)


def test_what_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    remote = Remote(settings(tmp_path / "gone"))
    remote.offer(encode(asking({"camera": {"width": 320}})))
    assert not turn(remote)
    assert "cannot be written; check the disk" in str(remote.fault)
    assert remote.settings.camera.width == 1280


def test_a_damaged_memory_of_it_is_no_reason_not_to_count(tmp_path: Path) -> None:
    own = settings(tmp_path)
    (tmp_path / "outbox.config.json").write_text('{"proven": ')
    assert Remote(own).settings == own


def test_a_file_that_no_longer_fits_is_in_force_alone(tmp_path: Path) -> None:
    config = asking({"detection": {"min_score": 0.3}})
    accept(Remote(settings(tmp_path)), config)
    own = settings(tmp_path, detection={"min_score": 0.6, "low_score": 0.5})
    remote = Remote(own)
    assert (remote.settings, remote.message) == (own, None)
    assert "low_score 0.5 must not exceed min_score 0.3" in str(remote.fault)
    remote.offer(encode(config))
    assert remote.fault is not None
    assert not turn(remote)
