"""The settings in force: those of the device's own file, and over them what the server asks for.

A config is taken as a whole or refused as a whole. Taken, it is on trial until a frame was counted with it: one that
cannot run is dropped, and what ran before comes back, also when the process died of it. It is kept on this device,
so that a start needs no broker. Whoever holds the broker can ask, and must be able neither to widen what is published
nor to send it elsewhere: hence ``REMOTELY_SETTABLE``, and zones that exclude stay excluded.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from edge.config import REMOTELY_SETTABLE, Settings
from edge.errors import UserError
from edge.wire import ConfigMessage, Hash, WireError, address, decode, short_hash
from edge.yamlfile import checked

log = logging.getLogger(__name__)

_NOT_ABOUT_COUNTING: dict[str, bool | dict[str, bool]] = {
    **dict.fromkeys(("site", "device", "mqtt", "outbox", "health", "log"), True),
    "camera": {"source": True, "name": True},
}


class _Kept(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Overlay(_Kept):
    """What one config message asks for; ``message`` is the hash of its payload."""

    message: Hash
    settings: dict[str, JsonValue]


class _State(_Kept):
    """What outlives the process."""

    proven: _Overlay | None = None
    trial: _Overlay | None = None
    failed: _Overlay | None = None
    why_failed: str = ""


class Remote:
    """``own`` are the settings of the device's file; ``path`` is where the state is kept.

    ``settings`` are those in force, ``fault`` is why the config that is asked for is not among them, or None.
    """

    def __init__(self, own: Settings, path: Path) -> None:
        self._own, self._path = own, path
        self.settings = own
        self.fault: str | None = None
        self.must_see = False
        """Whether a frame is to come before a config on trial is proven: the camera worked without it."""
        self._in_force: _Overlay | None = None
        self._waiting: _Overlay | None = None
        self._state = _load(path)
        if self._state.trial is not None:
            self.drop("the process ended before it had counted a frame with it")
        elif self._state.proven is not None:
            self._return_to(self._state.proven)

    @property
    def message(self) -> str | None:
        """The hash of the config message that is in force, and proven; None while there is none."""
        return None if self._in_force is None or self.on_trial else self._in_force.message

    @property
    def on_trial(self) -> bool:
        return self._state.trial is not None

    @property
    def waiting(self) -> bool:
        """Whether a config waits for ``switch``."""
        return self._waiting is not None

    def offer(self, payload: bytes) -> None:
        """Judge what came on the topic ``config``. The same message may come any number of times."""
        message, failed = short_hash(payload), self._state.failed
        self._waiting = None  # whatever was asked for before is asked for no more
        if self._in_force is not None and message == self._in_force.message:
            self.fault = None
        elif failed is not None and message == failed.message:
            self._refuse(self._state.why_failed)
        else:
            try:
                overlay = _Overlay(message=message, settings=dict(self._asked_for(payload)))
                wanted = overlaid(self._own, overlay.settings)
            except (UserError, WireError) as error:
                self._refuse(f"config {message} refused: {error}")
                return
            self.fault = None
            if wanted != self.settings or self.on_trial:
                self._waiting = overlay
            else:
                self._in_force = overlay
                self._keep(_State(proven=overlay))
                log.info("config %s changes nothing", message)

    def switch(self, *, seeing: bool) -> bool:
        """Put what waits in force, on trial; the next run begins with it. ``seeing``: the camera works so far.
        False when it cannot be kept: a config that is gone with the power would be a riddle."""
        overlay, self._waiting = self._waiting, None
        assert overlay is not None
        state = self._state.model_copy(update={"trial": overlay, "failed": None})
        if not _write(self._path, state):
            self._refuse(f"config {overlay.message} refused: {self._path} cannot be written; see the disk")
            return False
        self._state = state
        self._in_force, self.settings = overlay, overlaid(self._own, overlay.settings)
        self.must_see = seeing
        log.info("config %s: the next run begins with it", overlay.message)
        return True

    def prove(self) -> None:
        """The config on trial runs."""
        log.info("config %s is in force", self._in_force and self._in_force.message)
        self._keep(_State(proven=self._state.trial))

    def drop(self, why: str) -> bool:
        """Return from the config on trial to what was proven; False when none is on trial, so that nothing has
        changed."""
        failed = self._state.trial
        if failed is None:
            return False
        text = f"config {failed.message} dropped: {why}; send it again to try again"
        state = {"trial": None, "failed": failed, "why_failed": text}
        self._keep(self._state.model_copy(update=state))
        self._return_to(self._state.proven)
        self._refuse(text)
        return True

    def _asked_for(self, payload: bytes) -> Mapping[str, JsonValue]:
        """An empty payload is what deletes a retained message: nothing is asked for."""
        if not payload:
            return {}
        message = decode(address(self._own.site, self._own.device, "config"), payload)
        assert isinstance(message, ConfigMessage)
        return message.settings

    def _return_to(self, proven: _Overlay | None) -> None:
        """The file may have been changed since, so that the two no longer fit together."""
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


def overlaid(own: Settings, asked: Mapping[str, JsonValue]) -> Settings:
    """``own`` with what is ``asked`` for over it, key by key; a list of zones replaces the zones that do not exclude.
    Raises ``UserError``: one line with the key and the way out."""
    tree = own.model_dump()
    for section, values in asked.items():
        before = tree.get(section)
        if section == "zones":
            if not isinstance(values, list):
                raise UserError("zones: must be a list")
            tree[section] = [*(zone for zone in tree[section] if zone["exclude"]), *values]
        elif not isinstance(
            before, dict
        ):  # a name, or a section that is not known: no remote matter, or a mistake
            if section in tree:
                raise _only_in_the_file(section)
            tree[section] = values
        elif not isinstance(values, dict):
            raise UserError(f"{section}: must hold 'key: value' lines")
        else:
            for key in values:
                if key in before and not {section, f"{section}.{key}"} & REMOTELY_SETTABLE:
                    raise _only_in_the_file(f"{section}.{key}")
            tree[section] = {**before, **values}
    return checked(tree, Settings)


def fingerprint(settings: Settings) -> str:
    """A hash of what decides how is counted, whoever and wherever the device is: it is the same on devices that count
    alike."""
    tree = settings.model_dump(mode="json", exclude=_NOT_ABOUT_COUNTING)
    return short_hash(json.dumps(tree, sort_keys=True).encode())


def _only_in_the_file(key: str) -> UserError:
    known = ", ".join(sorted(REMOTELY_SETTABLE))
    return UserError(f"{key}: is set in the device's own file only; remotely settable are {known}")


def _load(path: Path) -> _State:
    try:
        return _State.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return _State()
    except (OSError, ValidationError) as error:
        # The server's word is retained, and comes again with the next connection.
        log.warning(
            "%s cannot be read, the settings of the file are in force: %s", path, type(error).__name__
        )
        return _State()


def _write(path: Path, state: _State) -> bool:
    """Whole or not at all, whenever the power goes."""
    draft = path.with_name(path.name + ".new")
    try:
        with draft.open("w", encoding="utf-8") as file:
            file.write(state.model_dump_json())
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        log.error("%s cannot be written (%s)", path, error.strerror)  # noqa: TRY400 - a full disk is no bug
        return False
    return True
