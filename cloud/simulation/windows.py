"""The windows of one camera and day, as the aggregation of a device would make them from the visits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from cloud.domain.chain import Role
from cloud.simulation.places import counted_places
from cloud.simulation.visitors import Floats, Visitors
from common.vocabulary import DWELL_BINS_S, LOOK_MOST_S
from edge.types import Coverage, WindowAggregate

_FPS = 9.5
_BINS = np.array(DWELL_BINS_S)


def windows(
    seen: Visitors,
    verdicts: Sequence[tuple[str, str, str]],
    edges_s: Floats,
    covered_s: Floats,
    purpose: Role,
    *,
    due_s: float,
    staff_s: Floats,
) -> list[WindowAggregate]:
    """Make a window for each interval between two ``edges_s`` (n + 1, UTC epoch seconds).

    ``covered_s`` (n,) seconds of it were watched. ``verdicts`` are those on the visits ``seen``. A visit is counted in
    the window in which it ends. ``purpose`` is that of the camera. A cohort is due in the window that contains
    ``due_s``; the last window closes the day. ``staff_s``: when the staff that is left out went out of view.
    """
    bounds = np.searchsorted(seen.end_s, edges_s).tolist()
    staff = np.histogram(staff_s, edges_s)[0].tolist()
    members = seen.beside.read.tolist()
    mean, most = _occupancy(seen, edges_s)
    dwell_bins = _bins(seen.dwell_s)
    attention_bins = _bins(seen.attention_s)
    counted_s = np.minimum(seen.attention_s, LOOK_MOST_S).tolist()
    dwell_s, attention_s = seen.dwell_s.tolist(), seen.attention_s.tolist()
    faces = [labels[2] for labels in verdicts]
    made = []
    for index, covered in enumerate(covered_s.tolist()):
        first, last = bounds[index], bounds[index + 1]
        start, end = float(edges_s[index]), float(edges_s[index + 1])
        watched = covered > 0
        frames = int(_FPS * covered)
        made.append(
            WindowAggregate(
                start=datetime.fromtimestamp(start, UTC),
                end=datetime.fromtimestamp(end, UTC),
                visits=last - first,
                viewers=sum(seconds > 0 for seconds in attention_s[first:last]),
                occupancy_mean=mean[index] if watched else 0.0,
                occupancy_max=most[index] if watched else 0,
                dwell_sum_s=sum(dwell_s[first:last]),
                attention_sum_s=sum(counted_s[first:last]),
                dwell_histogram=_histogram(dwell_bins[first:last]),
                attention_histogram=_histogram(attention_bins[first:last]),
                breakdown=Counter(verdicts[first:last]),
                coverage=Coverage(covered, frames, int(_FPS * (end - start)) - frames if watched else 0),
                due=start < due_s <= end,
                closing=index == len(covered_s) - 1,
                places=counted_places(
                    purpose, seen, faces, slice(first, last), most[index] if watched else 0
                ),
                staff=staff[index],
                members=sum(members[first:last]),
            )
        )
    return made


def _bins(seconds: Floats) -> list[int]:
    found: list[int] = np.maximum(0, np.searchsorted(_BINS, seconds, side="right") - 1).tolist()
    return found


_NONE = (0,) * len(DWELL_BINS_S)


def _histogram(bins: Sequence[int]) -> tuple[int, ...]:
    if not bins:
        return _NONE
    counts = [0] * len(DWELL_BINS_S)
    for index in bins:
        counts[index] += 1
    return tuple(counts)


def _occupancy(seen: Visitors, edges_s: Floats) -> tuple[list[float], list[int]]:
    """Compute the visits in view: for each window the mean, and the most at one instant."""
    came = np.sort(seen.end_s - seen.dwell_s)
    until = _time_in_view(came, edges_s) - _time_in_view(seen.end_s, edges_s)
    mean = np.diff(until) / np.diff(edges_s)
    moments = np.concatenate([came, seen.end_s])
    order = np.argsort(moments, kind="stable")
    inside = np.cumsum(np.concatenate([np.ones(len(came)), -np.ones(len(came))])[order])
    moments = moments[order]
    most = np.searchsorted(came, edges_s[:-1]) - np.searchsorted(seen.end_s, edges_s[:-1])
    window = np.searchsorted(edges_s, moments, side="right") - 1
    during = (window >= 0) & (window < len(most))
    np.maximum.at(most, window[during], inside[during].astype(most.dtype))
    return mean.tolist(), most.tolist()


def _time_in_view(since: Floats, until: Floats) -> NDArray[np.float64]:
    """Sum, for each of ``until``, the seconds since all earlier entries of ``since`` (sorted)."""
    sums = np.concatenate([[0.0], np.cumsum(since)])
    before = np.searchsorted(since, until)
    return np.asarray(before * until - sums[before])
