"""The chain file that a running page reads and changes."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cloud.chain_file.rewrite import Section, first_text, rewritten
from cloud.domain.chain import Chain, Site
from cloud.domain.messages import gettext as _
from cloud.domain.one_shop import NAME
from common.config_file import checked
from common.durable_file import put_in_place
from common.errors import UserError
from common.wire import short_hash

EDITED = ("title", "timezone", "opening", "special_days", "cameras")
"""The settings of a site that the page changes."""


class NotWritable(Exception):
    """The file cannot be written here; the text says why."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A chain, and the text of the file that says so."""

    chain: Chain
    text: str


class ChainFile:
    """One chain file, which may not exist yet. The caller takes care that only one thread writes."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()  # a link stays a link

    def read(self) -> tuple[Chain | None, str]:
        """Return the chain and the version of the file; None and an empty one without a file. Raises ``UserError``."""
        try:
            version = short_hash(self.path.read_bytes())
        except FileNotFoundError:
            return None, ""
        except OSError as error:
            raise UserError(f"{self.path}: cannot be read ({error.strerror})") from None
        return Chain.load(self.path), version

    def changed_at(self) -> datetime:
        """Return when the file was written last."""
        return datetime.fromtimestamp(self.path.stat().st_mtime, UTC)

    def why_not_writable(self) -> str:
        """Return why the file cannot be replaced, as the system says it; empty if it can, as far as it tells."""
        folder = self.path.parent
        if not folder.is_dir():
            return _("there is no such folder")
        return "" if os.access(folder, os.W_OK) else _("its folder is read-only for this service")

    def planned(self, site: str, section: Section, others: Mapping[str, Section]) -> Plan:
        """Return the file in which ``site`` has the settings in ``section``; a new file also gets the ``others``.

        Raises ``UserError`` if the chain would not be valid, or if this file cannot be changed so.
        """
        chain = self.read()[0]
        if chain is None:
            made = checked({"name": NAME, "sites": {**others, site: section}}, Chain)
            return Plan(made, first_text(NAME, {name: section_of(of) for name, of in made.sites.items()}))
        before = section_of(chain.sites[site]) if site in chain.sites else {}
        tree = chain.model_dump(mode="json", by_alias=True)
        untouched = {key: value for key, value in tree["sites"].get(site, {}).items() if key not in EDITED}
        tree["sites"][site] = {**untouched, **section}
        wanted = checked(tree, Chain)
        text = self.path.read_text(encoding="utf-8-sig")
        try:
            return Plan(wanted, rewritten(text, site, before, section_of(wanted.sites[site])))
        except UserError as error:
            raise UserError(f"{self.path}: {error}") from None

    def replace(self, plan: Plan) -> None:
        """Replace the file whole, or leave it as it is. Raises ``NotWritable``, and ``UserError`` if the command line
        would read another chain from the text."""
        try:
            handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=".chain-", suffix=".yaml")
        except OSError as error:
            raise NotWritable(error.strerror or str(error)) from None
        new = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(plan.text)
            if Chain.load(new) != plan.chain:
                raise UserError(
                    f"{self.path}: is written in a way that the page cannot change; change it by hand"
                )
            self._keep_mode(new)
            put_in_place(new, self.path)
        except OSError as error:
            raise NotWritable(error.strerror or str(error)) from None
        finally:
            new.unlink(missing_ok=True)

    def _keep_mode(self, new: Path) -> None:
        """Give the new file the owner and the permissions of the old one."""
        try:
            old = self.path.stat()
        except FileNotFoundError:
            new.chmod(0o644)
            return
        new.chmod(old.st_mode & 0o777)
        with contextlib.suppress(PermissionError):  # only root can give a file away
            os.chown(new, old.st_uid, old.st_gid)


def section_of(site: Site) -> dict[str, Any]:
    """Return the settings of a site that the page changes, as the chain file writes them."""
    return site.model_dump(mode="json", include=set(EDITED), exclude_defaults=True)
