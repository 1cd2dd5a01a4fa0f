"""The programme of a display, as both sides check it: clips, the rules that choose them, and what is never allowed."""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from common.settings import Section
from common.vocabulary import AGE_BANDS, GENDERS, LEAST_DESCRIBED
from common.wire import MOST_CLIPS, Name

Kind = Literal["information", "brand", "product", "price", "availability"]
FAIR_KINDS: frozenset[Kind] = frozenset({"price", "availability"})
"""Whether such a clip is shown never depends on gender or age: nobody gets another price, or less to choose from."""

MOST_RULES = 32
LEAST_HOLDOUT = 0.05
HoldoutBy = Literal["show", "hour"]


def held_out_in(hour: int, *, site: str, device: str, clip: str, share: float) -> bool:
    """Return whether chance holds a clip out in an hour, counted from 1970 in UTC; ``share``: in how many of them.

    The device and the server compute it alike, so that no message needs to tell it, and none that is lost or withheld
    can. SHA-256 of the names and the hour is as good as a coin that nobody in the shop can throw again.
    """
    draw = sha256(f"{site}/{device}/{clip}/{hour}".encode()).digest()[:8]
    return int.from_bytes(draw, "big") < share * 2**64


Hours = tuple[Annotated[int, Field(ge=0, le=24)], Annotated[int, Field(ge=0, le=24)]]
People = tuple[Annotated[int, Field(ge=0, le=1000)], Annotated[int, Field(ge=0, le=1000)]]


class ClipSettings(Section):
    name: Name
    kind: Kind
    seconds: Annotated[float, Field(ge=3, le=60)] = 10.0


class RuleSettings(Section):
    clip: Name
    zone: Name | None = None
    people: People | None = None
    hours: Hours | None = None
    gender: str | None = None
    ages: Annotated[tuple[str, ...], Field(max_length=len(AGE_BANDS))] = ()
    share: Annotated[float, Field(gt=0, le=1)] = 0.5

    @field_validator("gender")
    @classmethod
    def _known_gender(cls, gender: str | None) -> str | None:
        if gender is not None and gender not in GENDERS:
            raise ValueError(f"must be one of {', '.join(GENDERS)}")
        return gender

    @field_validator("ages")
    @classmethod
    def _known_ages(cls, ages: tuple[str, ...]) -> tuple[str, ...]:
        if foreign := set(ages) - set(AGE_BANDS):
            raise ValueError(f"{min(foreign)!r} is no age band; use {', '.join(AGE_BANDS)}")
        return ages

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.people is not None and self.people[0] > self.people[1]:
            raise ValueError(
                f"people of the rule for {self.clip!r} must be the fewest and the most, as in [2, 10]"
            )
        if self.hours is not None and self.hours[0] >= self.hours[1]:
            raise ValueError(
                f"hours of the rule for {self.clip!r} must be the first and the last, as in [9, 20]"
            )
        most = None if self.people is None else self.people[1]
        if self.about_attributes and most is not None and most < LEAST_DESCRIBED:
            raise ValueError(
                f"the rule for {self.clip!r} is about the gender or age of one person; such a rule is about at least"
                f" {LEAST_DESCRIBED} people, so let people end at {LEAST_DESCRIBED} or more"
            )
        return self

    @property
    def about_attributes(self) -> bool:
        """Whether the rule asks for gender or age."""
        return self.gender is not None or bool(self.ages)


class ProgrammeSettings(Section):
    """What a display shows. The order of the rules counts: the first that holds chooses the clip."""

    holdout: Annotated[float, Field(ge=LEAST_HOLDOUT, le=0.5)] = 0.2
    holdout_by: HoldoutBy = "show"
    clips: Annotated[tuple[ClipSettings, ...], Field(min_length=1, max_length=MOST_CLIPS)]
    rules: Annotated[tuple[RuleSettings, ...], Field(max_length=MOST_RULES)] = ()
    rotation: Annotated[tuple[Name, ...], Field(min_length=1, max_length=MOST_CLIPS)]

    @model_validator(mode="after")
    def _clips_exist(self) -> Self:
        names = [clip.name for clip in self.clips]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"the clip {twice!r} is there twice; clips need different names")
        for where, used in (("rules", [rule.clip for rule in self.rules]), ("rotation", self.rotation)):
            if missing := next((name for name in used if name not in names), None):
                raise ValueError(f"{where}: there is no clip {missing!r}; clips: {', '.join(names)}")
        both = next((rule.clip for rule in self.rules if rule.clip in self.rotation), None)
        if both is not None:
            raise ValueError(
                f"rotation: a rule chooses {both!r}, so it cannot be in the rotation, which runs in its place when"
                " it is held out; take it out, or delete the rule"
            )
        return self

    @model_validator(mode="after")
    def _nobody_is_treated_unlike(self) -> Self:
        kinds = {clip.name: clip.kind for clip in self.clips}
        before: str | None = None
        for rule in self.rules:
            kind = kinds[rule.clip]
            if kind in FAIR_KINDS and rule.about_attributes:
                raise ValueError(
                    f"the rule for {rule.clip!r} is about gender or age, and the clip about {kind}: that is never"
                    " allowed; delete gender and ages of the rule, or choose another clip"
                )
            if kind in FAIR_KINDS and before is not None:
                raise ValueError(
                    f"the rule for {rule.clip!r}, a clip about {kind}, comes after the one for {before!r}, which is"
                    " about gender or age: who gets it would depend on them; move it before that rule"
                )
            before = rule.clip if rule.about_attributes else before
        fair = next((clip for clip in self.rotation if kinds[clip] in FAIR_KINDS), None)
        if before is not None and fair is not None:
            raise ValueError(
                f"rotation: {fair!r} is a clip about {kinds[fair]}, and the rule for {before!r} is about gender or age:"
                f" who sees it would depend on them; take {fair!r} out of the rotation"
            )
        return self

    @property
    def attributes(self) -> bool:
        """Whether a rule asks for gender or age."""
        return any(rule.about_attributes for rule in self.rules)
