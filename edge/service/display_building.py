"""From the settings of a display to its programme, and to the endpoint and the topic of its players."""

from __future__ import annotations

from random import SystemRandom

from common.signage import LEAST_HOLDOUT, held_out_in
from edge.config import Settings
from edge.display import Display
from edge.places.places import Places
from edge.player.link import PlayerLink
from edge.player.topic import PlayerTopic
from edge.signage.programme import Programme
from edge.signage_settings import rule_of
from edge.vision.visits import Visits


def build_display(settings: Settings, visits: Visits, places: Places, *, looks_s: float) -> Display | None:
    """Return the display, None if there is none. A look of at least ``looks_s`` counts."""
    asked = settings.signage
    if asked is None:
        return None
    by_hour = asked.holdout_by == "hour"

    def held_in(clip: str, hour: int) -> bool:
        names = {"site": settings.site, "device": settings.device, "clip": clip}
        return by_hour and held_out_in(hour, **names, share=asked.holdout)

    programme = Programme(
        seconds={clip.name: clip.seconds for clip in asked.clips},
        rules=[rule_of(rule) for rule in asked.rules],
        rotation=asked.rotation,
        # In the other hours, too, nobody can guess from a clip that is missing who stands before the display.
        holdout=LEAST_HOLDOUT if by_hour else asked.holdout,
        chance=SystemRandom(),
        held_in=held_in,
        looks_s=looks_s,
    )
    return Display(programme, visits=visits, places=places, zone=asked.zone, target=asked.target)


def build_link(settings: Settings) -> PlayerLink | None:
    """Return the endpoint of the players. Raises ``UserError`` for a token or an address that cannot be used."""
    asked = settings.signage
    if asked is None:
        return None
    return PlayerLink(
        asked.listen,
        asked.port,
        token=asked.secret(),
        clips=[clip.name for clip in asked.clips],
        folder=asked.folder,
    )


def build_topic(settings: Settings, link: PlayerLink | None) -> PlayerTopic | None:
    """Return the topic of the players, whose reports go to ``link``; None without a broker for it. Raises ``UserError``
    for a password that cannot be read."""
    if link is None or settings.signage is None or settings.signage.broker is None:
        return None
    return PlayerTopic(
        settings.signage.broker.broker(), site=settings.site, device=settings.device, report=link.report
    )
