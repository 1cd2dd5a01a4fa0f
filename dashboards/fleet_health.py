"""*Fleet health*: every device, for the installer."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from dashboards import fleet_queries as q
from dashboards.frame import annotate, frame, query_variable
from dashboards.looks import GREEN, GREY, ORANGE, RED, coloured, headed, in_words, told, unit
from dashboards.panels import curve, number, rows, states
from dashboards.queries import DEVICE_NAMES, SITE_NAMES

HOT_C, TOO_HOT_C = 70, 80
"""A Raspberry Pi slows down at 80 degrees Celsius and above."""
LITTLE_MB = 1024

_FAULTY = ((None, GREEN), (1, RED))
_OPEN = {"true": ("open", GREEN), "false": ("blind", RED)}
_SLOWED = {"true": ("slowed", RED), "false": ("full speed", GREEN)}
_TRUSTED = {"true": ("set", GREEN), "false": ("not set", RED)}
_DATETIME = "dateTimeFromNow"


def dashboard() -> Dashboard:
    board = frame(
        "fleet-health", "Fleet health", "Every device: does it run, see and send, and is any data lost?"
    )
    board.time("now-24h", "now").refresh("1m")
    board.with_variable(query_variable("site", "Shop", SITE_NAMES, several=True))
    board.with_variable(query_variable("device", "Device", DEVICE_NAMES, several=True))
    annotate(board)

    board.with_row(Row("At a glance"))
    board.with_panel(
        number("Devices seen", "Devices that sent a message in the time shown.", q.HEARD, no_value="none")
    )
    board.with_panel(
        number(
            "Reporting now",
            "Devices that sent a message in the last ten minutes.",
            q.HEARD,
            no_value="none",
            recent="10m",
            steps=((None, RED), (1, "text")),
        )
    )
    for title, description, query in (
        ("Offline", "Devices that are not connected to the broker.", q.OFFLINE),
        ("Blind cameras", "Devices whose last message said that the camera is not open.", q.BLIND),
        ("Slowed", "Devices whose processor is slowed down by heat or a weak power supply.", q.SLOWED),
        ("Long queues", f"Devices with more than {q.QUEUE} messages waiting for the broker.", q.QUEUED),
    ):
        board.with_panel(number(title, description, query, steps=_FAULTY, no_value="none"))

    board.with_row(Row("Devices"))
    board.with_panel(
        rows(
            "Devices",
            "The last health message of each device; the device that has been silent longest is on top. Devices with "
            "the same config have the same counting settings; waiting and lost are messages.",
            q.DEVICE_TABLE,
            {
                "site": [],
                "device": [],
                "Time": unit(_DATETIME),
                "camera_open": headed("camera", *told(_OPEN)),
                "fps": unit("suffix: frames/s", 1),
                "step_ms": headed("step", *unit("ms", 0)),
                "near_share": headed("near", *unit("percentunit", 0)),
                "dropped": [],
                "temperature_c": headed(
                    "temp.",
                    *coloured(((None, GREEN), (HOT_C, ORANGE), (TOO_HOT_C, RED)), *unit("celsius", 0)),
                ),
                "throttled": told(_SLOWED),
                "disk_free_mb": headed(
                    "disk free", *coloured(((None, RED), (LITTLE_MB, GREEN)), *unit("mbytes", 0))
                ),
                "clock_trusted": headed("clock", *told(_TRUSTED)),
                "outbox_depth": headed("waiting", *coloured(((None, GREEN), (q.QUEUE, RED)))),
                "outbox_lost": headed("lost", *coloured(_FAULTY)),
                "rss_mb": headed("memory", *unit("mbytes", 0)),
                "uptime_s": headed("uptime", *unit("dtdurations", 0)),
                "software": [],
                "model": [],
                "config": [],
            },
            sort=("Time", False),
            no_value="no device sent a message",
        )
    )
    board.with_panel(
        rows(
            "Faults",
            "Faults that devices reported and that have not ended yet.",
            q.FAULTS,
            {"Time": unit(_DATETIME), "site": [], "device": [], "fault": [], "text": []},
            hidden=["active"],
            span=12,
            height=7,
        )
    )
    board.with_panel(
        rows(
            "Windows lost",
            "Missing numbers in the sequence of windows: counts that were made but have not arrived. This includes "
            "windows that still wait in an outbox.",
            q.LOST,
            {"site": [], "device": [], "camera": [], "lost": coloured(_FAULTY)},
            hidden=["Time"],
            sort=("lost", True),
            span=12,
            height=7,
        )
    )
    board.with_panel(
        rows(
            "Ledger",
            "The windows of each device in the time shown: how many are stored, how many of them came late, how many "
            "came once more (each counts once), and how many are missing between others.",
            q.LEDGER,
            {
                "site": [],
                "device": [],
                "received": [],
                "late": [],
                "duplicates": [],
                "lost": coloured(_FAULTY),
            },
            hidden=["Time"],
            sort=("lost", True),
            height=8,
        )
    )
    board.with_panel(
        rows(
            "Versions and profiles",
            "The versions and privacy settings of each camera's newest window.",
            q.VERSIONS,
            {
                "site": [],
                "device": [],
                "camera": [],
                "software": [],
                "model": [],
                "calibration": [],
                "profile": [],
                "k": [],
            },
            hidden=["Time"],
            height=8,
        )
    )

    board.with_row(Row("Over time"))
    board.with_panel(
        states(
            "Camera",
            "Green: the camera was open. Red: it was not. Empty: no message arrived.",
            q.over_time("camera_open", function="last"),
            mappings=[in_words(_OPEN)],
        )
    )
    board.with_panel(
        states(
            "Processor speed",
            "Red: the firmware slowed the processor down because of heat or a weak power supply. Grey: the machine "
            "does not report this.",
            q.over_time("throttled", function="last"),
            mappings=[in_words(_SLOWED)],
            steps=((None, GREY),),
        )
    )
    board.with_panel(
        curve(
            "Frames per second", "Frames processed per second.", [q.over_time("fps")], unit="suffix: frames/s"
        )
    )
    board.with_panel(
        curve(
            "Temperature",
            "The hottest sensor. Dashed lines: warm, and the temperature at which a Raspberry Pi slows down.",
            [q.over_time("temperature_c", function="max")],
            unit="celsius",
            lowest=None,
            steps=((None, "transparent"), (HOT_C, ORANGE), (TOO_HOT_C, RED)),
        )
    )
    board.with_panel(
        curve(
            "Outbox",
            "Messages waiting for the broker. The number grows while the network is down and falls afterwards.",
            [q.over_time("outbox_depth", function="max")],
        )
    )
    board.with_panel(
        curve(
            "Free disk",
            "Free space on the disk that holds the outbox.",
            [q.over_time("disk_free_mb", function="min")],
            unit="mbytes",
        )
    )
    return board
