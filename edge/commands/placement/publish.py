"""Publish the check about once a second on the channel ``placement``, for the built-in page.

Nothing is queued or stored: a late message is useless.
"""

from __future__ import annotations

import json

from common.clock import Clock
from common.errors import UserError
from common.mqtt.broker import Broker
from common.mqtt.refusals import BrokerUnreachable
from common.mqtt.session import Session
from common.wire import OwnPlaces, PlacementFace, PlacementMessage, PlacementReading, encode, topic
from edge.commands.placement.check import Moment
from edge.commands.placement.sights import Outline
from edge.place_settings import PlaceSettings

MOST_FACES = 64
NO_PLACES = OwnPlaces()
LONGEST_S = 600.0
"""For longer nobody is shown on the page, even as an outline."""


def places(settings: PlaceSettings) -> OwnPlaces:
    """Return the settings of places as they are written in a file, with all numbers rounded to 0.0001."""
    own = settings.model_dump(mode="json", include=set(PlaceSettings.model_fields), exclude_defaults=True)
    return OwnPlaces.model_validate(
        json.loads(json.dumps(own), parse_float=lambda text: round(float(text), 4))
    )


def message(
    moment: Moment,
    *,
    site: str,
    device: str,
    camera: str,
    clock: Clock,
    own: OwnPlaces = NO_PLACES,
) -> PlacementMessage:
    """Turn ``moment`` into a message. ``own`` are the places in the device's file."""
    glance, assessment = moment.glance, moment.assessment
    return PlacementMessage(
        site=site,
        device=device,
        camera=camera,
        at=clock.now(),
        left_s=round(moment.left_s, 1),
        width=glance.width,
        height=glance.height,
        visits=assessment.figures.counted,
        readings=tuple(
            PlacementReading(
                name=reading.name,
                label=reading.label,
                value=reading.value,
                says=reading.says,
                level=reading.level,
                state=reading.state,
            )
            for reading in assessment.readings
        ),
        faces=tuple(_face(sight.outline, sight.counted) for sight in glance.sights[:MOST_FACES]),
        floor=moment.floor,
        places=own,
        advice=tuple(advice.text for advice in assessment.advice),
        verdict=assessment.verdict,
    )


def _face(outline: Outline, good: bool) -> PlacementFace:
    """Round an outline to two digits: enough for the page, and more would reveal more about the person."""
    x1, y1, x2, y2 = (
        min(1.0, max(0.0, round(v, 2))) for v in (outline.x1, outline.y1, outline.x2, outline.y2)
    )
    return PlacementFace(x1=x1, y1=y1, x2=x2, y2=y2, good=good)


class Page:
    """A connection to the broker for one check, separate from that of the service."""

    EVERY_S = 1.0

    def __init__(
        self,
        broker: Broker,
        *,
        site: str,
        device: str,
        camera: str,
        clock: Clock,
        own: OwnPlaces = NO_PLACES,
    ) -> None:
        """Connect. ``own`` are the places in the device's file.

        Raises ``UserError`` when the broker cannot be used, because the user asked to publish.
        """
        self._names, self._clock = {"site": site, "device": device, "camera": camera}, clock
        self._due_s, self._own = 0.0, own
        self._session = Session(broker, "place", clock=clock)
        try:
            self._session.open()
        except BrokerUnreachable as error:
            raise UserError(f"{error}; without --publish the check is shown here only") from None

    def show(self, moment: Moment) -> None:
        """Publish ``moment``, unless the last message was just sent; always publish the last moment."""
        now_s = self._clock.monotonic()
        if moment.left_s > 0 and now_s < self._due_s:
            return
        self._due_s = now_s + self.EVERY_S
        said = message(moment, clock=self._clock, own=self._own, **self._names)
        self._session.send(topic(said), encode(said))

    def close(self) -> None:
        self._session.close()
