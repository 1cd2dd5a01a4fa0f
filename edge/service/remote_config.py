"""The current settings: those of the device's file, overridden by those that the server asks for.

A config is accepted or refused as a whole. An accepted config is on trial until a frame was counted with it. If it
does not run, or the process dies, it is dropped and the last working settings come back. The config is stored on the
device, so that a start needs no broker. A person who controls the broker can send a config, but must not be able to
publish more data or to send data elsewhere. So only ``REMOTELY_SETTABLE`` keys are accepted, and excluded zones
stay excluded. Places change at closing time only: otherwise two cohorts of one day, with a zone a little larger in the
second, could differ by one person.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from common.durable_file import put_in_place
from common.errors import UserError
from common.wire import ConfigMessage, Hash, WireError, address, decode, one_line, short_hash
from edge.config import Settings
from edge.service.overlay import overlaid, places_of, with_places_of

log = logging.getLogger(__name__)

SUFFIX = ".config.json"
"""Suffix of the file beside the outbox in which the config is stored."""
PATIENCE_S = 60.0
"""A change waits at most this long until nobody is in view."""
TRIAL_S = 60.0
"""Within this time a camera that worked before must give a frame with the new settings."""

_LONGEST_REASON = 200
"""In characters; the limit of an alert is 240."""

_NOT_ABOUT_COUNTING: dict[str, bool | dict[str, bool]] = {
    **dict.fromkeys(("site", "device", "mqtt", "outbox", "health", "log"), True),
    "camera": {"source": True, "name": True},
    "signage": dict.fromkeys(("listen", "port", "token", "token_file", "folder", "broker"), True),
}


class _Kept(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Overlay(_Kept):
    """What one config message asks for; ``message`` is the hash of its payload."""

    message: Hash
    settings: dict[str, JsonValue]


class _State(_Kept):
    """The state that is stored in the file."""

    proven: _Overlay | None = None
    trial: _Overlay | None = None
    failed: _Overlay | None = None
    why_failed: str = ""


class Remote:
    """The settings of the device's file, ``own``, and the config of the server, which is stored beside the outbox.

    ``settings`` are the current ones. ``fault`` says why the requested config is not used, or is None.
    """

    def __init__(self, own: Settings) -> None:
        self._own = own
        self._path = own.outbox.location().with_suffix(SUFFIX)
        self.settings = own
        self.fault: str | None = None
        self._in_force: _Overlay | None = None
        self._waiting: _Overlay | None = None
        self._for_closing: _Overlay | None = None
        self._since_s: float | None = None  # start of the wait, or of the trial
        self._must_see = True
        self._state = _load(self._path)
        if self._state.trial is not None:
            self.drop("the process ended before it had counted a frame with it")
        elif self._state.proven is not None:
            self._return_to(self._state.proven)

    @property
    def message(self) -> str | None:
        """The hash of the config message that is in force and proven; None without one."""
        return None if self._in_force is None or self.on_trial else self._in_force.message

    @property
    def for_closing(self) -> str | None:
        """The hash of a valid config message whose places wait for closing time; None without one."""
        return None if self._for_closing is None else self._for_closing.message

    @property
    def on_trial(self) -> bool:
        return self._state.trial is not None

    def offer(self, payload: bytes) -> None:
        """Check a message of the topic ``config``. The same message may come any number of times."""
        message, failed = short_hash(payload), self._state.failed
        self._waiting = self._for_closing = None  # the new message replaces an earlier one that still waits
        if self._in_force is not None and message == self._in_force.message:
            self.fault = None
        elif failed is not None and failed.message in {message, _without_places(message)}:
            self._refuse(self._state.why_failed)
        else:
            try:
                overlay = _Overlay(message=message, settings=dict(self._asked_for(payload)))
                wanted = overlaid(self._own, overlay.settings)
            except (UserError, WireError) as error:
                self._refuse(f"config {message} refused: {one_line(str(error), _LONGEST_REASON)}")
                return
            self.fault = None
            if places_of(wanted) != places_of(self.settings):
                self._for_closing = overlay
                log.info("config %s: places change at closing time", message)
                overlay, wanted = self._without_places(overlay)
                if wanted == self.settings:
                    return
            if wanted != self.settings or self.on_trial:
                self._waiting, self._since_s = overlay, None
            else:
                self._in_force = overlay
                self._keep(_State(proven=overlay))
                log.info("config %s changes nothing", message)

    def turn(self, now_s: float, *, counted: bool, in_view: bool, seeing: bool, closed: bool = False) -> bool:
        """Continue a change of settings; true when the run must end so that the next one starts with new settings.

        ``counted``: this run has counted a frame. ``in_view``: somebody is in view, and a change now would cut that
        visit in two. ``seeing``: the camera works. ``closed``: the day of counting has just ended.
        """
        if closed and self._for_closing is not None:
            self._waiting, self._for_closing, self._since_s = self._for_closing, None, None
        if self.on_trial:
            if counted or not self._must_see:
                self._prove()
                return False
            return self._lasted(now_s) >= TRIAL_S and self.drop(f"no frame came within {TRIAL_S:g} s")
        if self._waiting is None or (in_view and self._lasted(now_s) < PATIENCE_S):
            return False
        self._must_see = seeing  # do not blame the config for a camera that failed before
        return self._switch(self._waiting)

    def _lasted(self, now_s: float) -> float:
        self._since_s = now_s if self._since_s is None else self._since_s
        return now_s - self._since_s

    def _switch(self, overlay: _Overlay) -> bool:
        """Put the config in force, on trial. Refuse it if it cannot be stored: it would be lost in a power cut."""
        self._waiting = self._since_s = None
        state = self._state.model_copy(update={"trial": overlay, "failed": None})
        if not _write(self._path, state):
            self._refuse(f"config {overlay.message} refused: {self._path} cannot be written; check the disk")
            return False
        self._state = state
        self._in_force, self.settings = overlay, overlaid(self._own, overlay.settings)
        log.info("config %s: the next run begins with it", overlay.message)
        return True

    def _prove(self) -> None:
        log.info("config %s is in force", self._in_force and self._in_force.message)
        self._keep(_State(proven=self._state.trial))

    def drop(self, why: str) -> bool:
        """Return from the config on trial to the last proven one; False if none is on trial, so nothing changed."""
        failed = self._state.trial
        if failed is None:
            return False
        text = f"config {failed.message} dropped: {why}; send it again to try again"
        state = {"trial": None, "failed": failed, "why_failed": text}
        self._keep(self._state.model_copy(update=state))
        self._return_to(self._state.proven)
        self._refuse(text)
        return True

    def leave(self) -> None:
        """Forget the config on trial because the process must end; it is not marked as failed, and the broker sends
        it again."""
        if self.on_trial:
            self._keep(self._state.model_copy(update={"trial": None}))

    def _asked_for(self, payload: bytes) -> Mapping[str, JsonValue]:
        """Return the requested settings; an empty payload deletes the retained message and requests nothing."""
        if not payload:
            return {}
        message = decode(address(self._own.site, self._own.device, "config"), payload)
        assert isinstance(message, ConfigMessage)
        return message.settings

    def _without_places(self, overlay: _Overlay) -> tuple[_Overlay, Settings]:
        """Return the same change, but with the places as they are now, and the settings that it makes. It has another
        hash, because the server's message is not in force before closing time."""
        asked = with_places_of({} if self._in_force is None else self._in_force.settings, overlay.settings)
        changed = _Overlay(message=_without_places(overlay.message), settings=asked)
        return changed, overlaid(self._own, asked)

    def _return_to(self, proven: _Overlay | None) -> None:
        """Use ``proven`` again, unless it no longer fits the file, which may have changed since."""
        self.settings, self._in_force = self._own, None
        if proven is not None:
            try:
                self.settings, self._in_force = overlaid(self._own, proven.settings), proven
            except UserError as error:
                self._refuse(f"config {proven.message} refused: {error}")

    def _refuse(self, text: str) -> None:
        if text != self.fault:
            log.warning("%s", text)
        self.fault = text

    def _keep(self, state: _State) -> None:
        self._state = state
        _write(self._path, state)


def _without_places(message: str) -> str:
    """Return the hash of the part of a message that does not wait for closing time."""
    return short_hash(f"{message} without places".encode())


def fingerprint(settings: Settings) -> str:
    """Return a hash of every setting that affects counting. Devices that count the same way have the same hash,
    whatever their site and name."""
    tree = settings.model_dump(mode="json", exclude=_NOT_ABOUT_COUNTING)
    return short_hash(json.dumps(tree, sort_keys=True).encode())


def as_kept(own: Settings, folder: Path) -> tuple[Settings, list[str]]:
    """Return the current settings of the service that stores its state in ``folder``, and lines that explain them.
    Raises ``UserError`` when the state cannot be read."""
    path = own.outbox.location({"STATE_DIRECTORY": str(folder)}).with_suffix(SUFFIX)
    try:
        if not path.parent.is_dir():
            raise UserError(f"{path.parent}: no such folder; give the state directory of the service")
        state = _read(path)
    except (OSError, ValidationError) as error:
        raise UserError(f"{path}: cannot be read ({type(error).__name__}); run this as root") from None
    overlay = state.trial or state.proven
    settings = own if overlay is None else overlaid(own, overlay.settings)
    lines = [f"config {fingerprint(settings)}"]
    if overlay is not None:
        before = dict(_leaves(own.model_dump(mode="json")))
        after = dict(_leaves(settings.model_dump(mode="json")))
        changed = [key for key in after if after[key] != before[key]]
        trial = " on trial" if state.trial else ""
        lines.append(f"config message {overlay.message}{trial} sets {'these' if changed else 'nothing'}")
        lines += [f"  {key}: {json.dumps(after[key])}, not {json.dumps(before[key])}" for key in changed]
    if state.why_failed:
        lines.append(state.why_failed)
    return settings, lines


def _leaves(tree: Mapping[str, JsonValue], prefix: str = "") -> Iterator[tuple[str, JsonValue]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _read(path: Path) -> _State:
    try:
        return _State.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return _State()


def _load(path: Path) -> _State:
    try:
        return _read(path)
    except (OSError, ValidationError) as error:
        # The server's config is a retained message; the broker sends it again at the next connection.
        log.warning(
            "%s cannot be read, using the settings of the configuration file: %s", path, type(error).__name__
        )
        return _State()


def _write(path: Path, state: _State) -> bool:
    """Write the state in one step, so that a power cut leaves the old file or the new one."""
    draft = path.with_name(path.name + ".new")
    try:
        draft.write_text(state.model_dump_json(), encoding="utf-8")
        put_in_place(draft, path)
    except OSError as error:
        log.error("%s cannot be written (%s)", path, error.strerror)  # noqa: TRY400 - a full disk is not a bug
        return False
    return True
