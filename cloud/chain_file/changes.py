"""Changes the settings of a shop in the chain file, and remembers who did it, so that it can be undone.

What stands in the file is in force; the history only remembers. Somebody who edits the file by hand is part of it, too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cloud.chain_file.file import EDITED, ChainFile, NotWritable, section_of
from cloud.chain_file.history import History, Version
from cloud.domain.chain import Chain, Site
from cloud.domain.messages import gettext as _
from common.clock import Clock

Assumed = Callable[[], Mapping[str, Mapping[str, Any]]]
"""Returns the settings of the sites that a chain file should have if it does not exist yet."""


class NotPossible(Exception):
    """The change cannot be made; the text says why, in a sentence."""


class ChainChanges:
    """The chain file with its history. Safe to use from several threads; all methods may block, and raise
    ``HistoryUnavailable`` and, for a file that somebody has broken, ``UserError``."""

    def __init__(self, file: ChainFile, history: History, clock: Clock) -> None:
        self._file, self._history, self._clock = file, history, clock
        self._lock = threading.Lock()

    @property
    def path(self) -> Path:
        return self._file.path

    def why_not_writable(self) -> str:
        """Return why nothing can be changed here; empty if it can."""
        return self._file.why_not_writable()

    def site(self, name: str) -> tuple[Site | None, str]:
        """Return what the file says of a site now, and the version of the file, which a change must name."""
        chain, version = self._file.read()
        return (chain.sites.get(name) if chain else None), version

    def history(self, site: str) -> list[Version]:
        """Return the versions of a site, newest first."""
        return self._history.of(site)

    def change(
        self, site: str, settings: Mapping[str, Any], *, who: str, seen: str, assumed: Assumed
    ) -> Chain:
        """Give ``site`` these ``settings`` and return the chain that is in force then.

        ``seen`` is the version of the file that the person knew. Raises ``NotPossible`` if it is another one now, or
        if the file cannot be written, and ``UserError`` for settings that are not valid.
        """
        with self._lock:
            if seen != self._file.read()[1]:
                raise NotPossible(
                    _("Somebody else has changed the chain file. Load the page again and repeat your change.")
                )
            return self._write(site, settings, who, assumed)

    def restore(self, site: str, number: int, *, who: str, assumed: Assumed) -> Chain:
        """Give ``site`` the settings of an earlier version again. Raises ``NotPossible`` if there is none."""
        with self._lock:
            earlier = [version for version in self._history.of(site) if version.number == number]
            if not earlier:
                raise NotPossible(_("This version is not kept any more."))
            return self._write(site, earlier[0].settings, who, assumed)

    def _write(self, site: str, settings: Mapping[str, Any], who: str, assumed: Assumed) -> Chain:
        current, _version = self.site(site)
        before = section_of(current) if current else None
        kept = self._history.of(site)
        if before is not None and (not kept or kept[0].settings != before):
            self._history.add(site, self._file.changed_at(), None, before)
        plan = self._file.planned(site, settings, assumed())
        after = section_of(plan.chain.sites[site])
        if after == before:
            return plan.chain
        added = self._history.add(site, self._clock.now(), who, after)
        try:
            self._file.replace(plan)
        except BaseException as error:
            self._history.forget(added)
            if isinstance(error, NotWritable):
                raise NotPossible(not_writable(self._file.path, str(error))) from None
            raise
        return plan.chain


def not_writable(path: Path, why: str) -> str:
    """Return the sentence about a file that cannot be changed here."""
    return _(
        "The page cannot write the chain file %(path)s (%(why)s). Change it on the machine that it is on.",
        path=path,
        why=why,
    )


def changed_settings(history: Sequence[Version], place: int) -> list[str]:
    """Return the settings in which a version of a history differs from the one before it; none for the oldest."""
    if place + 1 == len(history):
        return []
    after, before = history[place].settings, history[place + 1].settings
    return [key for key in EDITED if after.get(key) != before.get(key)]


@contextmanager
def chain_changes(path: Path, history: Path, clock: Clock) -> Iterator[ChainChanges]:
    """Yield the changes of the chain file at ``path``, with its ``history``; neither file must exist."""
    kept = History(history)
    try:
        yield ChainChanges(ChainFile(path), kept, clock)
    finally:
        kept.close()
