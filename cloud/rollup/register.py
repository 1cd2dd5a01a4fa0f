"""Writes the chain file as points: Grafana reads names, regions, cameras and promotions from them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

from cloud.domain.chain import Annotation, Chain
from cloud.stores import layout
from cloud.stores.measurement import Point, nanoseconds

EVERYWHERE = "*"
"""The site tag of an annotation about all sites."""

NO_REGION = "-"
"""The region tag of a site without a region, because a tag cannot be empty."""


def register(chain: Chain, at: datetime) -> Iterator[Point]:
    """Make a point ``at`` that time for each site and camera, and one for each site and date with annotations."""
    for name, site in chain.sites.items():
        tags = {
            "site": name,
            "chain": chain.name,
            "region": site.region or NO_REGION,
            "timezone": site.timezone,
        }
        yield layout.SITE.point(tags, at, {"title": site.title})
        for identity, role in (site.cameras or {}).items():
            device, _, camera = identity.partition("/")
            tags = {"site": name, "device": device, "camera": camera, "role": role}
            yield layout.CAMERA.point(tags, at, {"title": site.title})
    together: dict[tuple[str, datetime], list[tuple[datetime, str]]] = {}
    for annotation in chain.annotations:
        for name in annotation.sites or [EVERYWHERE]:
            start, end = _bounds(chain, name, annotation)
            together.setdefault((name, start), []).append((end, annotation.text))
    for (name, start), found in together.items():
        end_ms = nanoseconds(max(end for end, _ in found)) // 10**6
        words = "; ".join(text for _, text in found)
        yield layout.ANNOTATION.point({"site": name}, start, {"words": words, "end_ms": end_ms})


def _bounds(chain: Chain, name: str, annotation: Annotation) -> tuple[datetime, datetime]:
    """Return start and end of an annotation, in the site's time if it is about one site, else in UTC."""
    if name in chain.sites:
        site = chain.sites[name]
        return site.local_day(annotation.first)[0], site.local_day(annotation.last)[1]
    first, last = (datetime.combine(day, time.min, UTC) for day in (annotation.first, annotation.last))
    return first, last + timedelta(days=1)
