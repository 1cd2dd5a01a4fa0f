"""One person, drawn: a composite face on a head with hair, and a clothed body below it.

A detector must see a head on a body, not a floating tile. What a walk does not show is not drawn. Units as in
``edge.scene.sheet``.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from edge.scene.body import BODY_PX, draw_body
from edge.scene.card import Card
from edge.scene.head import Round, draw_front, draw_nape, draw_round
from edge.scene.looks import Looks, Outfit, choose_looks, choose_outfit
from edge.scene.portraits import Portrait
from edge.scene.sheet import Sprite

BODY_STEP = 15
"""Bodies are drawn at multiples of this many degrees, and at half steps of a leg."""


class Figure:
    """A person. The same portrait and seed give the same figure. ``body_px`` is the detail of the body, pixels per
    unit; ``looks`` replaces what is chosen by the seed; ``card`` is worn on the chest."""

    def __init__(
        self,
        portrait: Portrait,
        seed: int,
        *,
        body_px: int = BODY_PX,
        looks: Looks | None = None,
        card: Card | None = None,
    ) -> None:
        self._portrait, self._seed, self._body_px, self._card = portrait, seed, body_px, card
        rng = np.random.default_rng(seed)
        self.looks = choose_looks(portrait, rng) if looks is None else looks
        self._after_looks = rng.bit_generator.state
        self.head = draw_front(portrait, self.looks, rng)
        """The front of the head."""
        self.nape = draw_nape(self.looks, rng)
        """The hair behind the head, behind the shoulders; None for a bald head."""
        self._outfit: Outfit = choose_outfit(rng)
        self._bodies: dict[tuple[int, int], Sprite] = {}

    @cached_property
    def blinking(self) -> Sprite:
        """The front of the head with closed eyes."""
        rng = np.random.default_rng()
        rng.bit_generator.state = self._after_looks
        return draw_front(self._portrait, self.looks, rng, eyes_shut=True)

    @cached_property
    def round(self) -> Round:
        """The head from all sides."""
        return draw_round(self.head, self.looks, np.random.default_rng([self._seed, 1]))

    def body(self, yaw: float, swing: float) -> Sprite:
        """Return the body turned by ``yaw`` degrees, at a step -1..1."""
        key = round(yaw / BODY_STEP) * BODY_STEP % 360, round(2 * swing)
        if key not in self._bodies:
            self._bodies[key] = draw_body(
                self.looks, self._outfit, key[0], key[1] / 2, self._body_px, card=self._card
            )
        return self._bodies[key]
