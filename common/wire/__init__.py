"""The contract between a device and everything that listens to it.

Every message that leaves a device is one of these models, as JSON. Unknown fields are refused on both sides. This needs
nothing but the standard library and pydantic, so that a bridge can import it without a camera library.

``fields``, ``places`` and ``noise`` are the building blocks, ``window``, ``device``, ``notice`` and ``placement`` the
messages, and ``codec`` is about topics and JSON.
"""

from __future__ import annotations

from common.wire.clips import MOST_CLIPS, Clip, Clips, Watched
from common.wire.codec import (
    BY_CHANNEL,
    CONTENT_TYPE,
    HELD_S,
    LONGEST_SESSION_S,
    MAX_BYTES,
    RESEND_TOPIC,
    ROOT,
    STORED,
    TO_DEVICE,
    Message,
    WireError,
    address,
    channel_of,
    decode,
    encode,
    one_line,
    short_hash,
    topic,
)
from common.wire.device import (
    AlertMessage,
    ConfigMessage,
    EchoMessage,
    HealthMessage,
    ProbeMessage,
    StatusMessage,
)
from common.wire.fields import (
    NAME_PATTERN,
    WINDOW_S,
    Cells,
    Hash,
    Name,
    Profile,
    Share,
    bin_label,
)
from common.wire.noise import BUDGETS, NOISY_LABELS, Budget, Noise, noise_scale
from common.wire.notice import NEWS_S, NoticeMessage, NoticeRule, least_people
from common.wire.own_places import OwnPlaces
from common.wire.placement import (
    FLOOR_S,
    MOST_FLOOR_POINTS,
    PlacementFace,
    PlacementMessage,
    PlacementReading,
)
from common.wire.places import (
    ENTRY,
    EXIT,
    HEAT_COLUMNS,
    HEAT_ROWS,
    HEAT_STEP_S,
    MOST_WAYS,
    Door,
    Heat,
    Queue,
    Target,
    Ways,
    Zone,
    heat_least_s,
)
from common.wire.window import (
    Cohort,
    Coverage,
    Totals,
    WindowMessage,
)

__all__ = [
    "BUDGETS",
    "BY_CHANNEL",
    "CONTENT_TYPE",
    "ENTRY",
    "EXIT",
    "FLOOR_S",
    "HEAT_COLUMNS",
    "HEAT_ROWS",
    "HEAT_STEP_S",
    "HELD_S",
    "LONGEST_SESSION_S",
    "MAX_BYTES",
    "MOST_CLIPS",
    "MOST_FLOOR_POINTS",
    "MOST_WAYS",
    "NAME_PATTERN",
    "NEWS_S",
    "NOISY_LABELS",
    "RESEND_TOPIC",
    "ROOT",
    "STORED",
    "TO_DEVICE",
    "WINDOW_S",
    "AlertMessage",
    "Budget",
    "Cells",
    "Clip",
    "Clips",
    "Cohort",
    "ConfigMessage",
    "Coverage",
    "Door",
    "EchoMessage",
    "Hash",
    "HealthMessage",
    "Heat",
    "Message",
    "Name",
    "Noise",
    "NoticeMessage",
    "NoticeRule",
    "OwnPlaces",
    "PlacementFace",
    "PlacementMessage",
    "PlacementReading",
    "ProbeMessage",
    "Profile",
    "Queue",
    "Share",
    "StatusMessage",
    "Target",
    "Totals",
    "Watched",
    "Ways",
    "WindowMessage",
    "WireError",
    "Zone",
    "address",
    "bin_label",
    "channel_of",
    "decode",
    "encode",
    "heat_least_s",
    "least_people",
    "noise_scale",
    "one_line",
    "short_hash",
    "topic",
]
