"""A busy shop: everything that makes counting people hard, planned at random from a seed.

Crossings, groups, people far away, people who come up from afar and who leave for afar, who turn round, stand for a
minute, stand with their back to the camera, and browse behind a shelf; with a poster, a mannequin and a screen.
"""

from __future__ import annotations

from edge.scene.layout import BUSY
from edge.scene.render import Scene
from edge.scene.route import Spot, beside, distance_of
from edge.scene.script import Act, Script
from edge.scene.trajectories import QUIET_S
from edge.scene.walk import LINES, Pillar, PillarKind, Walk

SECONDS = 90.0
STANDS_S = 60.0

_SHELF = (0.70, 0.90, 29.0)
"""The free-standing shelf: left and right as shares of the width, the height of a face beside it in lines."""


def busy_scene(
    seed: int, width: int = 1280, height: int = 720, fps: float = 10, *, seconds: float = SECONDS
) -> Scene:
    """Build the scene. Raises ``DoesNotFit`` if the people do not fit into ``seconds``."""
    lines_wide = width * LINES / height
    walks = _BusyScript(seed, lines_wide, seconds, 21).walks()
    left, right, face = _SHELF
    shelf = Pillar(
        left * lines_wide,
        right * lines_wide,
        LINES / 3 + 1.75 * face,
        LINES / 3 + 8.6 * face,
        face,
        kind=PillarKind.SHELF,
    )
    return Scene(seed, width, height, fps, seconds, walks=walks, pillars=(shelf,), layout=BUSY)


class _BusyScript(Script):
    """The acts of the busy shop."""

    opening = BUSY.opening or (0.0, 1.0)

    def walks(self) -> tuple[Walk, ...]:
        """Return all walks by the time at which they start."""
        acts: list[Act] = [
            self._stands,
            self._stands_with_the_back,
            self._browses,
            self._three_together,
            *[self._two_together] * 2,
            *[self._turns_round] * 2,
            *[self._comes_from_afar] * 2,
            *[self._leaves_for_afar] * 2,
            *[self._passes_far_away] * 3,
            *[self._crosses] * 5,
        ]
        return self.play(acts)

    def _crosses(self) -> list[Walk]:
        side, z = self._side(), self._between(2.4, 6.0)
        spots = [Spot(self._edge(side, z), z), Spot(self._edge(-side, z), z + self._between(-0.6, 0.6))]
        glances = self._glance() if self._rng.random() < 0.7 else []
        return [self._walk(self._start(8.0), spots, glances=glances)]

    def _two_together(self) -> list[Walk]:
        return self._group(2)

    def _three_together(self) -> list[Walk]:
        return self._group(3)

    def _group(self, count: int) -> list[Walk]:
        """Enter together, 0.4 to 0.8 m apart, stop together, and leave."""
        side, z = self._side(), self._between(3.6, 5.0)
        starts_s, pace, stays_s = self._start(18.0), self._between(0.9, 1.2), self._between(2.0, 5.0)
        # those behind the first stand nearer to the side from which all come
        stand = self._at(0.5 - side * self._between(0.0, 0.15), z)
        leaves = -side if self._rng.random() < 0.7 else side
        glances = self._glance()
        walks = []
        for place in range(count):
            aside, behind = place * self._between(0.5, 0.6), place % 2 * self._between(0.2, 0.5)
            mine = z + behind
            spots = [
                Spot(self._edge(side, mine) + side * aside, mine),
                Spot(stand + side * aside, mine, stays_s, self._between(-30, 30)),
                Spot(self._edge(leaves, mine) + leaves * 0.3, mine),
            ]
            walks.append(self._walk(starts_s, spots, glances=glances, pace=pace, sway=0.03))
        return walks

    def _turns_round(self) -> list[Walk]:
        """Come in, look at the camera, turn away, look at the shelf, and go back."""
        side, z = self._side(), self._between(3.0, 5.5)
        x = self._at(self._between(0.25, 0.65), z)
        spots = [
            Spot(self._edge(side, z), z),
            Spot(x, z, self._between(1.5, 3.0), 0.0),
            Spot(x + 0.1, z + 0.6, self._between(3.0, 6.0), 180.0),
            Spot(self._edge(side, z), z + 0.3),
        ]
        return [self._walk(self._start(20.0), spots, sway=0.03)]

    def _through(self, z: float) -> float:
        return self._at(self._between(self.opening[0] + 0.07, self.opening[1] - 0.07), z)

    def _hall_edge(self, side: float, z: float) -> float:
        """Return ``x`` in metres just hidden behind the wall beside the opening."""
        return beside(self.opening[0 if side < 0 else 1] * self._width, z, self._width, side)

    def _comes_from_afar(self) -> list[Walk]:
        """Come out of the hall up to the camera, and leave to the side."""
        far, near = self._between(14.0, 20.0), self._between(1.4, 2.4)
        side = self._side()
        spots = [
            Spot(self._hall_edge(self._side(), far), far),
            Spot(self._through(far), far),
            Spot(self._through(9.0), 9.0),
            Spot(self._at(self._between(0.3, 0.6), near), near, self._between(1.0, 3.0), 0.0),
            Spot(self._edge(side, near), near + 0.4),
        ]
        return [self._walk(self._start(28.0), spots, pace=1.2)]

    def _leaves_for_afar(self) -> list[Walk]:
        far, near, side = self._between(13.0, 18.0), self._between(2.6, 4.0), self._side()
        spots = [
            Spot(self._edge(side, near), near),
            Spot(self._at(self._between(0.3, 0.55), near), near),
            Spot(self._through(9.0), 9.0),
            Spot(self._through(far), far),
            Spot(self._hall_edge(self._side(), far), far),
        ]
        return [self._walk(self._start(26.0), spots, glances=self._glance(), pace=1.2)]

    def _passes_far_away(self) -> list[Walk]:
        """Pass through the hall: a body of 85 to 140 px in a picture of 720 lines."""
        side, z = self._side(), self._between(13.0, 20.0)
        spots = [Spot(self._hall_edge(side, z), z), Spot(self._hall_edge(-side, z), z)]
        return [self._walk(self._start(12.0), spots)]

    def _stands(self) -> list[Walk]:
        """Stand and watch for a minute."""
        side, z = self._side(), self._between(3.8, 5.0)
        x = self._at(self._between(0.58, 0.67), z)
        spots = [Spot(self._edge(side, z), z), Spot(x, z, STANDS_S, 0.0), Spot(self._edge(-side, z), z)]
        return [self._walk(self._between(QUIET_S, 8.0), spots, sway=0.05)]

    def _stands_with_the_back(self) -> list[Walk]:
        """Look at a shelf for most of a minute, with the back to the camera."""
        side, z = self._side(), self._between(6.2, 7.6)
        x = self._at(self._between(0.08, 0.2), z)
        spots = [
            Spot(self._edge(side, z), z),
            Spot(x, z, self._between(35.0, 50.0), 180.0),
            Spot(self._edge(side, z), z),
        ]
        return [self._walk(self._start(66.0), spots, sway=0.04)]

    def _browses(self) -> list[Walk]:
        """Stand behind the shelf, tall enough for head and shoulders to be seen."""
        z = distance_of(_SHELF[2]) + self._between(0.3, 1.0)
        x = self._at(self._between(0.76, 0.84), z)
        spots = [
            Spot(self._edge(1.0, z), z),
            Spot(x, z, self._between(6.0, 10.0), self._between(-20.0, 20.0)),
            Spot(self._edge(-1.0, z), z),
        ]
        return [self._walk(self._start(22.0), spots, sway=0.04, tall=True)]
