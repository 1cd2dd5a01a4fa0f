"""The sign at the door of a shop and its data protection impact assessment (DPIA), made of what is really told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final, Literal, get_args

from jinja2 import Environment

from cloud.domain.chain import Chain, Controller
from cloud.domain.levels import Level
from cloud.domain.messages import Message, ngettext
from cloud.domain.messages import gettext as _
from cloud.stores.store import OpenNotices
from cloud.stores.tallies import Windows
from cloud.web.languages import TITLES, Language
from common.sign import LEAST_K, MEASURES, Measure, Statement, Told, told_by

Document = Literal["sign", "dpia"]
DOCUMENTS: Final[tuple[Document, ...]] = get_args(Document)
LOOKED_AT: Final = timedelta(days=7)
"""What the devices of a shop told in so long is what they are set to tell: every cohort comes within a day."""
STYLE: Final = Path(__file__).parent / "static" / "sign.css"

_MEASURED: Final[Mapping[Measure, Message]] = {
    "doors": _("how many people go in and out, pass by, or come in groups"),
    "zones": _("how many people are in a part of the shop, and for how long"),
    "queues": _("how many people wait in a queue, and for how long"),
    "targets": _("how many people look at a product, a screen or a sign, and for how long"),
    "clips": _(
        "which films a display shows to groups of people, which it suits to them, and how many look at them"
    ),
    "heat": _("where people stand, as a map of sums over many people"),
    "ways": _("how many people go from one part of the shop to another"),
    "staff": _("what share of the people work here; they are left out of everything else"),
    "members": _(
        "how many visits were those of members who showed their code to the camera, which nobody has to"
    ),
    "notices": _("that a queue is long, a desk is empty or the shop is full, so that staff can help"),
}


class NothingTold(Exception):
    """The shop has told nothing of which a sign could be made; the text is a message for a person."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a sign and a DPIA say of one shop."""

    site: str
    title: str
    statement: Statement
    kept_days: Mapping[Level, int | None]
    controller: Controller | None
    made: date

    @property
    def measured(self) -> list[Message]:
        """What is counted, beginning with what every device counts."""
        always = [
            _("how many people come, and how long they stay"),
            _("how many people look towards the camera, and for how long"),
        ]
        return always + [_MEASURED[one] for one in MEASURES if one in self.statement.told.measures]

    @property
    def estimated(self) -> list[Message]:
        """What is estimated of faces, for groups alone."""
        profile, k = self.statement.profile, self.statement.k
        found = []
        if profile != "count":
            found.append(_("age group and gender, told for groups of at least %(k)s visits", k=k))
        if profile == "expression":
            found.append(_("what faces show, such as a smile, told for groups of at least %(k)s visits", k=k))
        return found

    @property
    def window(self) -> Message:
        """The length of a window, in words."""
        seconds = self.statement.window_s
        if seconds % 60:
            return ngettext("%(count)s second", "%(count)s seconds", seconds)
        return ngettext("%(count)s minute", "%(count)s minutes", seconds // 60)

    @property
    def kept(self) -> list[Message]:
        """For how long figures are kept."""
        said = [_("Figures of each interval are deleted after %(days)s days.", days=self.kept_days["raw"])]
        if (days := self.kept_days.get("quarter")) is not None:
            said.append(_("Sums of a quarter of an hour are deleted after %(days)s days.", days=days))
        if "day" in self.kept_days:
            said.append(_("Sums of a whole day are kept: each is about all visits of that day."))
        return said


def told_lately(windows: Windows, notices: OpenNotices, site: str, now: datetime) -> Told:
    """Return what the devices of a site told in the last days. Raises ``NothingTold`` and ``StoreUnavailable``."""
    told = told_by([*windows.windows(site, now - LOOKED_AT, now), *notices.notices(site)])
    if told is None:
        raise NothingTold(
            _(
                "No device of this shop has sent figures in the last week, so it is not known what they measure."
            )
        )
    return told


def facts(
    chain: Chain | None,
    site: str,
    told: Told,
    kept_days: Mapping[Level, int | None],
    controller: Controller | None,
    made: date,
) -> Facts:
    """Put together what is known of a site. Raises ``NothingTold`` if its groups are too small for any sign."""
    if told.k < LEAST_K:
        raise NothingTold(
            _(
                "A device of this shop tells groups of %(k)s visits, which is for the sample scene alone.",
                k=told.k,
            )
        )
    listed = chain.sites.get(site) if chain else None
    return Facts(
        site=site,
        title=listed.title if listed else site,
        statement=Statement.of(site, told),
        kept_days=kept_days,
        controller=controller or (chain.controller if chain else None),
        made=made,
    )


def written(
    environment: Environment,
    document: Document,
    about: Facts,
    language: Language,
    *,
    links: Mapping[str, str] | None = None,
) -> str:
    """Return a document as HTML: a file of its own, or with ``links`` a page of this server.

    ``links`` are the paths of ``style``, ``back``, ``sign``, ``dpia`` and ``record``.
    """
    return environment.get_template(f"{document}.html").render(
        about=about, language=language, languages=TITLES, links=links, style=_style(), document=document
    )


@cache
def _style() -> str:
    return STYLE.read_text(encoding="utf-8")
