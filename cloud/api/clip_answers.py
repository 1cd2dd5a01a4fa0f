"""What the read API answers about the clips of displays."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cloud.api.answers import Answer, Asked, Range

Verdict = Literal["worked", "did not", "cannot tell yet"]


class EffectAnswer(Answer):
    """What a clip changed, compared with what ran in its place. 0.1 is 10 % more."""

    verdict: Verdict = Field(
        description="`worked`: the whole interval is above 0; `did not`: an effect of 0.1 is outside of it; `cannot"
        " tell yet`: neither"
    )
    change: float | None = Field(description="null while there are too few visits or hours for an interval")
    interval: Range | None = Field(
        description="it holds the true change on all days at once, in 19 of 20 campaigns"
    )
    compared: int = Field(description="visits that were compared for the attention, else hours")
    needed: int | None = Field(
        description="about how many find an effect of 0.1 in four of five campaigns; null if it is not known yet"
    )


class ClipAnswer(Answer):
    """One clip of the display of one device. Sums are of the groups that tell them."""

    device: str
    clip: str
    shows: int = Field(description="shows that a visit belongs to")
    shown_s: float = Field(description="seconds for which they ran")
    visits: int = Field(description="visits that belong to these shows")
    viewers: int | None = Field(description="those of `viewers_of` who looked at the display during the show")
    viewers_of: int = Field(description="visits where `viewers` is told; divide by these")
    mean_attention_s: float | None = Field(description="seconds of looking for each visit, at most 30")
    attention_visits: int = Field(description="visits of which `mean_attention_s` is the mean")
    withheld: int = Field(description="groups that tell nothing of the clip")
    attention: EffectAnswer | None = Field(
        description="the effect on the seconds of looking for each visit; null for a clip of the rotation"
    )
    entries: EffectAnswer | None = Field(
        description="the effect on entries an hour; null, as the next two, unless the clip is held out for whole hours"
    )
    sales: EffectAnswer | None = Field(description="the effect on sales an hour, as the till tells them")
    conversion: EffectAnswer | None = Field(description="the effect on the conversion rate")


class ClipList(Asked):
    """What was shown on the displays of a period, and what it changed. Entries are those of the cameras of ``role``."""

    clips: list[ClipAnswer]
