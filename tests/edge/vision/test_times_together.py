"""Whether dwell times and looks can be those of the same visits is judged by bins, as it would be visit by visit."""

from __future__ import annotations

import math
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from common.vocabulary import DWELL_BINS_S, LOOK_MOST_S
from edge.vision.times import BINS, Table, Times, _go_together

bins = st.sampled_from(BINS)
visits = st.lists(st.tuples(bins, bins, st.sampled_from(["looks", "idle", "apart"])), min_size=1, max_size=12)


def table(places: list[int]) -> Table:
    found = Counter(places)
    return tuple(found[index] for index in BINS)


@given(visits, st.floats(0, 400), st.floats(0, 400), st.sampled_from([LOOK_MOST_S, math.inf]))
def test_bins_go_together_if_the_longest_visits_can_have_the_longest_looks(
    people: list[tuple[int, int, str]], dwell_s: float, look_s: float, most_s: float
) -> None:
    stays = sorted((stayed for stayed, _, _ in people), reverse=True)
    looks = sorted((watched for _, watched, what in people if what == "looks"), reverse=True)
    idle, apart = (sum(what == other for *_, what in people) for other in ("idle", "apart"))
    upper = [min(edge, most_s) for edge in (*DWELL_BINS_S[1:], math.inf)]
    pairs = list(zip(stays, looks, strict=False))
    least_s = sum(max(0.0, DWELL_BINS_S[stayed] - upper[watched]) for stayed, watched in pairs)
    least_s += sum(DWELL_BINS_S[stayed] for stayed in stays[len(looks) :])
    possible = all(watched <= stayed for stayed, watched in pairs) and dwell_s - look_s >= least_s - 0.051
    counts = table([*looks, *[0] * idle])
    dwell, attention = Times(table(stays), dwell_s), Times(counts, look_s, idle, apart, most_s)
    assert _go_together(dwell.counts, counts, dwell, attention) == possible
    told = Times(counts, None, idle, apart, most_s)
    assert _go_together(dwell.counts, counts, dwell, told) == all(
        watched <= stayed for stayed, watched in pairs
    )
