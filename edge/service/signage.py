"""The display and its players: what the pipeline decided goes out, what players show comes back."""

from __future__ import annotations

from edge.display import Display
from edge.player.link import PlayerLink
from edge.player.topic import PlayerTopic


class Signage:
    """All of it, or nothing if the settings have no display. ``topic``: None without a broker for players."""

    def __init__(
        self, display: Display | None, link: PlayerLink | None, topic: PlayerTopic | None = None
    ) -> None:
        self._display, self._link, self._topic = display, link, topic

    def start(self) -> None:
        if self._link is not None:
            self._link.start()
        if self._topic is not None:
            self._topic.start()

    def stop(self) -> None:
        if self._topic is not None:
            self._topic.stop()
        if self._link is not None:
            self._link.stop()

    def exchange(self) -> None:
        """Tell the players what is on now, and the display what they show."""
        if self._display is None or self._link is None:
            return
        for number in self._link.reported():
            self._display.confirm(number)
        show = self._display.show
        if show is not None:
            self._link.tell(show.number, show.clip)
            if self._topic is not None:
                self._topic.tell(show.number, show.clip)
