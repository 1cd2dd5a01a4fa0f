"""The service and its display: people walk by on the sample scene, a player shows what it hears, and reports it."""

from __future__ import annotations

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import timedelta
from http.client import HTTPException
from pathlib import Path

import pytest

from cloud.domain.clips import clips_of
from cloud.stores.embedded import EmbeddedStore
from cloud.stores.window_tallies import WindowTallies
from common.clock import SystemClock
from common.signage import held_out_in
from common.wire import WindowMessage, decode
from common.wire.clips import sides_of
from edge.scene.camera import SceneCamera
from edge.service.build import build_pipeline
from edge.signage.rules import Person
from edge.types import Visit
from tests.cloud.reports.weeks import a_chain
from tests.edge.player.players import TOKEN, ask, next_show, stream
from tests.edge.service.runs import LiveCamera, running, service, settings
from tests.support.brokers import Listener, Mosquitto, free_port, listening, until
from tests.support.short_scene import models, stretch

pytestmark = pytest.mark.slow

SIGNAGE = {
    "token": TOKEN,
    "clips": [
        {"name": "hello", "kind": "information", "seconds": 3},
        {"name": "brand", "kind": "brand", "seconds": 3},
        {"name": "spring", "kind": "brand", "seconds": 3},
    ],
    "rules": [{"clip": "hello", "people": [1, 100]}],
    "rotation": ["brand", "spring"],
}


def test_who_comes_changes_what_is_shown_and_belongs_to_one_show(tmp_path: Path) -> None:
    pipeline = build_pipeline(settings(tmp_path, signage=SIGNAGE), models(), SystemClock(), budget_s=None)
    assert pipeline.display is not None
    camera = SceneCamera(clock=SystemClock(), scene=stretch())
    camera.open()
    suited, visits = Counter[str](), list[Visit]()
    last_s = 0.0
    while (frame := camera.read()) is not None:
        step = pipeline.step(frame)
        visits += step.visits
        assert pipeline.display.show is not None
        pipeline.display.confirm(pipeline.display.show.number)
        people = any(track.state.value == "confirmed" for track in step.tracks.active)
        suited[pipeline.display.show.suited if people else "nobody"] += 1
        last_s = frame.monotonic_s
    visits += pipeline.finish(last_s).visits
    assert suited["hello"] > suited["brand"] + suited["spring"]
    assert visits
    shown = [visit.shown for visit in visits if visit.shown is not None]
    assert {one.clip for one in shown} == {"hello"}
    assert all(one.looked_s <= 3 for one in shown)


@pytest.mark.mosquitto
def test_a_player_hears_the_service_and_the_service_the_player(tmp_path: Path) -> None:
    port = free_port()
    asked = settings(tmp_path, signage={**SIGNAGE, "port": port})
    with Mosquitto(tmp_path) as server:
        camera = LiveCamera(SystemClock())
        run = service(asked, server.port, camera)
        with running(run):
            until(lambda: listening(port), "the endpoint")
            with stream(port) as told:
                number, clip = next_show(told)
                assert clip in {"brand", "spring"}
                assert ask(port, "POST", "/shown", body=f'{{"show": {number}}}')[0] in {204, 409}
                later, other = next_show(told)
                assert later == number + 1
                assert {clip, other} == {"brand", "spring"}
    assert not listening(port)
    assert "player" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.mosquitto
def test_the_topic_of_players_is_on_their_broker_and_the_counts_are_on_the_other(tmp_path: Path) -> None:
    port, folders = free_port(), [tmp_path / name for name in ("chain", "shop")]
    for folder in folders:
        folder.mkdir()
    with (
        Mosquitto(folders[0]) as chain,
        Mosquitto(folders[1]) as shop,
        Listener(chain.port) as at_the_chain,
        Listener(shop.port) as in_the_shop,
    ):
        broker = {"host": "127.0.0.1", "port": shop.port}
        run = service(
            settings(tmp_path, signage={**SIGNAGE, "port": port, "broker": broker}),
            chain.port,
            LiveCamera(SystemClock()),
        )
        with running(run):
            until(lambda: len(in_the_shop.on("show")) > 2, "the shows")
            until(lambda: at_the_chain.on("window"), "the counts")
        assert {one.topic for one in in_the_shop.messages} == {"footlight-player/shop/door/show"}
        assert {one.topic.split("/")[0] for one in at_the_chain.messages} == {"footlight"}
        said = [json.loads(bytes(one.payload)) for one in in_the_shop.messages[:-1]]
        assert [one["show"] for one in said] == sorted({one["show"] for one in said})
        assert {one["clip"] for one in said} == {"brand", "spring"}
        until(lambda: bytes(in_the_shop.messages[-1].payload) == b"", "nothing is on any more")


@pytest.mark.mosquitto
def test_what_a_player_showed_to_people_reaches_the_store(tmp_path: Path) -> None:
    """The sample scene, a player that shows what it hears, a real broker, and the store of the page."""
    port = free_port()
    asked = settings(tmp_path, signage={**SIGNAGE, "port": port}, privacy={"k": 1})
    with Mosquitto(tmp_path) as server, Listener(server.port, "footlight/#") as listener:
        run = service(asked, server.port)
        with ThreadPoolExecutor(1) as pool:
            showing = pool.submit(show_everything, port)
            run.run()
            shown = showing.result(30)
        until(lambda: any(b'"cohort":{' in bytes(one.payload) for one in listener.on("window")), "the cohort")
        told = [decode(one.topic, bytes(one.payload)) for one in listener.on("window")]
    assert set(shown) <= {"hello", "brand", "spring"}
    assert len(shown) > 1
    with closing(EmbeddedStore(tmp_path / "store.sqlite", retention_days=9999, clock=SystemClock())) as store:
        store.write(told)
        starts = [message.start for message in told if isinstance(message, WindowMessage)]
        tallies = WindowTallies(store, a_chain())
        cohorts = tallies.clips("shop", min(starts), max(starts) + timedelta(seconds=1))
    sums = clips_of(cohorts)
    visits = sum(message.totals.visits for message in told if isinstance(message, WindowMessage))
    watched = [side for cohort in cohorts for _, side in sides_of(cohort.clips)]
    assert sums.keys() == {"hello", "brand", "spring"}
    assert sums["hello"].suited
    assert 1 <= sum(side.visits or 0 for side in watched) <= visits
    assert sum(side.shows or 0 for side in watched) <= sum(side.visits or 0 for side in watched)


def show_everything(port: int) -> list[str]:
    """Be a player until the device ends: show each clip at once, and report it."""
    clips = []
    until(lambda: listening(port), "the endpoint")
    with stream(port) as told:
        while line := told.readline():
            if line.startswith(b"data: "):
                show = json.loads(line.removeprefix(b"data: "))
                clips.append(show["clip"])
                with suppress(OSError, HTTPException):  # the device ends meanwhile
                    ask(port, "POST", "/shown", body=json.dumps({"show": show["show"]}))
    return clips


def test_a_device_holds_a_clip_out_in_the_hours_that_the_server_computes(tmp_path: Path) -> None:
    asked = settings(tmp_path, signage={**SIGNAGE, "holdout": 0.5, "holdout_by": "hour"})
    pipeline = build_pipeline(asked, models(), SystemClock(), budget_s=None)
    assert pipeline.display is not None
    programme = pipeline.display._programme
    alone = {1: Person()}
    shows, held = Counter[int](), Counter[int]()
    for index in range(6000):
        hour = 490_000 + index // 200
        show = programme.decide(alone, float, 3.0 * index, 12, hour)
        shows[hour] += 1
        held[hour] += show.held
    for hour, count in shows.items():
        names = {"site": asked.site, "device": asked.device, "clip": "hello"}
        if held_out_in(hour, **names, share=0.5):
            assert held[hour] == count
        else:
            assert held[hour] < 0.3 * count  # a twentieth, by chance
    assert 5 < sum(held[hour] == count for hour, count in shows.items()) < 25
