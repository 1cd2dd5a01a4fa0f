"""What people choose at the top of each dashboard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.dashboards import shops
from tests.dashboards.panels import Scene, dashboard, moment

SITES = sorted(shops.CHAIN.sites)

VARIABLES: Mapping[str, list[dict[str, Any]]] = {
    "store-today": [
        *(
            {"site": site, "device": ["door", "till"], "timezone": "Europe/Berlin"}
            for site in ("mitte", "nord.2", "dark")
        ),
        {"site": "mitte", "device": ["till"], "timezone": "Europe/Berlin"},
    ],
    "doors-zones": [
        {"site": site, "camera": camera, "grid": grid}
        for site, camera, grid in (
            ("mitte", "till/front", "3x2"),
            ("nord.2", "door/front", "3x2"),
            ("mitte", "door/front", "16x9"),
        )
    ],
    "sales-figures": [
        {"site": site, "period": period, "metric": metric}
        for site, period, metric in (
            ("mitte", "7d", "staff-minutes"),
            ("mitte", "1d", "conversion_rate"),
            ("nord.2", "28d", "turnover"),
            ("dark", "7d", "groups-per-passer"),
        )
    ],
    "chain-compare": [
        *(
            {
                "chain": "corner-shops",
                "region": ["east", "west", "-"],
                "site": SITES,
                "role": "entrance",
                "metric": name,
                "figure": figure,
                "period": "7d",
            }
            for name, figure in (
                ("visits_per_open_hour", "conversion_rate"),
                ("capture_rate", "staff-minutes"),
                ("share:gender=female", "entries"),
            )
        ),
        {
            "chain": "corner-shops",
            "region": ["east"],
            "site": ["mitte", "nord.2"],
            "role": "display",
            "metric": "dwell_mean",
            "figure": "entries",
            "period": "1d",
        },
    ],
    "fleet-health": [{"site": SITES, "device": ["door", "till"]}],
    "data-quality": [
        {"site": SITES, "device": ["door", "till"], "timezone": "Europe/Berlin"},
        {"site": ["nord.2"], "device": ["door"], "timezone": "Europe/Berlin"},
    ],
}


def scenes(name: str, time_from: str | None = None) -> list[Scene]:
    """What people look at: each choice of the variables, over the range that the dashboard or the panel opens with."""
    shown = dashboard(name)["time"]
    assert shown["to"] == "now"
    start = moment(f"now-{time_from}" if time_from else shown["from"], shops.NOW, shops.BERLIN)
    return [Scene(start, shops.NOW, variables) for variables in VARIABLES[name]]
