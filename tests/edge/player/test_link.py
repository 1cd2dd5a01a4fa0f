"""The endpoint of the players tells the clip that is on to whoever has the token, and nothing else to anybody."""

from __future__ import annotations

import json
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from common.errors import UserError
from edge.player.link import MOST_CONNECTIONS, PlayerLink
from tests.edge.player.players import TOKEN, ask, linked, next_show, stream


def test_a_player_hears_what_is_on_and_each_change() -> None:
    with linked() as (link, port):
        link.tell(1, "brand")
        with stream(port) as answer:
            assert next_show(answer) == (1, "brand")
            link.tell(1, "brand")
            link.tell(2, "scarf")
            assert next_show(answer) == (2, "scarf")
        assert json.loads(ask(port, "GET", "/show")[1]) == {"show": 2, "clip": "scarf"}


def test_a_player_reports_the_show_that_is_on() -> None:
    with linked() as (link, port):
        link.tell(7, "brand")
        assert ask(port, "POST", "/shown", body='{"show": 7}')[0] == 204
        assert ask(port, "POST", "/shown", body='{"show": 6}')[0] == 409
        assert link.reported() == {7}
        assert link.reported() == set()


def test_before_the_first_decision_there_is_nothing_to_tell() -> None:
    with linked() as (_, port):
        assert ask(port, "GET", "/show")[0] == 503


@pytest.mark.parametrize("header", [None, "Bearer wrong", "Basic abc", f"Bearer {TOKEN[:-1]}", "Bearer é"])
@pytest.mark.parametrize(("method", "path"), [("GET", "/show"), ("GET", "/shows"), ("POST", "/shown")])
def test_without_the_token_nothing_is_told(method: str, path: str, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    with linked() as (link, port):
        link.tell(1, "brand")
        status, body, _ = ask(port, method, path, headers=headers, body='{"show": 1}')
        assert status == 401
        assert b"brand" not in body
        assert link.reported() == set()


@pytest.mark.parametrize("body", ["", "{}", "[1]", "[" * 190, '{"show": true}', '{"show": "1"}', "x" * 201])
def test_a_report_that_is_none_is_refused(body: str) -> None:
    with linked() as (link, port):
        link.tell(1, "brand")
        assert ask(port, "POST", "/shown", body=body)[0] == 400
        assert ask(port, "GET", "/show")[0] == 200


def test_only_the_files_of_clips_are_given(tmp_path: Path) -> None:
    (tmp_path / "brand.png").write_bytes(b"picture")
    (tmp_path / "secret.png").write_bytes(b"secret")
    with linked(tmp_path) as (_, port):
        status, body, headers = ask(port, "GET", "/clips/brand", headers={})
        assert (status, body, headers["Content-Type"]) == (200, b"picture", "image/png")
        for path in ("scarf", "secret", "../link", "brand.png", "%2e%2e/secret", ""):
            assert ask(port, "GET", f"/clips/{path}", headers={})[0] == 404


def test_other_paths_and_methods_are_refused() -> None:
    with linked() as (_, port):
        assert ask(port, "GET", "/config")[0] == 404
        assert ask(port, "POST", "/show")[0] == 404
        assert ask(port, "DELETE", "/show")[0] == 501


def test_the_page_runs_its_own_script_only() -> None:
    with linked() as (_, port):
        status, body, headers = ask(port, "GET", "/", headers={})
        assert status == 200
        assert b"http://" not in body
        assert b"https://" not in body
        assert "unsafe" not in headers["Content-Security-Policy"]


def test_too_many_connections_are_closed_and_the_others_go_on() -> None:
    with linked() as (link, port), ExitStack() as stack:
        link.tell(1, "brand")
        players = [stack.enter_context(stream(port)) for _ in range(MOST_CONNECTIONS)]
        assert [next_show(player) for player in players] == [(1, "brand")] * MOST_CONNECTIONS
        with socket.create_connection(("127.0.0.1", port), timeout=10) as one_more:
            assert one_more.recv(1) == b""
        link.tell(2, "scarf")
        assert [next_show(player) for player in players] == [(2, "scarf")] * MOST_CONNECTIONS


def test_an_end_closes_the_streams() -> None:
    with linked() as (link, port), stream(port) as answer:
        link.stop()
        assert answer.read() == b""


def test_an_address_that_cannot_be_used_is_one_line() -> None:
    with linked() as (_, port):
        link = PlayerLink("127.0.0.1", port, token=TOKEN, clips=[])
        with pytest.raises(UserError, match=f"cannot listen on 127.0.0.1 port {port}"):
            link.start()
