"""Words of the page that are neither in a template nor in a script."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cloud.domain.messages import Message
from cloud.domain.messages import gettext as _
from cloud.domain.users import Act, UserRole

ROLES: Final[Mapping[UserRole, Message]] = {
    "viewer": _("viewer"),
    "manager": _("manager"),
    "installer": _("installer"),
    "hq": _("headquarters"),
}
"""What people call the role of a user."""

VERDICTS: Final[Mapping[str, Message]] = {
    "worked": _("worked"),
    "did not": _("did not work"),
    "cannot tell yet": _("cannot tell yet"),
}
"""Whether a clip held the attention better than the rotation in its place."""

OUTCOMES: Final[Mapping[str, Message]] = {
    "entries": _("Entries"),
    "sales": _("Sales"),
    "conversion": _("Conversion rate"),
}
"""What a clip that is held out for whole hours may change."""

DRAFT_STATES: Final[Mapping[str, Message]] = {
    "drafted": _("waits for an approval"),
    "approved": _("approved"),
    "declined": _("declined"),
    "replaced": _("replaced by a later draft"),
}

ACTS: Final[Mapping[Act, Message]] = {
    "login": _("logged in"),
    "login_failed": _("failed to log in"),
    "login_locked": _("must wait before the next login"),
    "logout": _("logged out"),
    "logout_everywhere": _("logged out everywhere"),
    "password_changed": _("changed the password"),
    "user_added": _("added a user"),
    "user_changed": _("changed a user"),
    "user_disabled": _("disabled a user"),
    "user_enabled": _("enabled a user"),
    "user_removed": _("removed a user"),
    "token_added": _("made an access token"),
    "token_revoked": _("revoked an access token"),
    "configured": _("changed settings"),
    "approved": _("approved"),
    "acknowledged": _("answered a notice"),
    "exported": _("exported"),
    "till_corrected": _("corrected sales"),
    "count_check_made": _("made a count check"),
    "count_check_deleted": _("deleted a count check"),
}
"""What the audit log records."""

SETTINGS: Final[Mapping[str, Message]] = {
    "title": _("Title"),
    "timezone": _("Time zone"),
    "opening": _("Opening hours"),
    "special_days": _("Special days"),
    "cameras": _("Cameras"),
}
"""The settings of a shop that the page changes."""

UNREADABLE_FORM: Final = _("The form cannot be read. Reload the page and try again.")
NO_HISTORY: Final = _(
    "The history of changes cannot be read or written. Free some space on the disk of this box."
)
"""Of the settings of a shop, and of the places of a device."""

REFUSALS: Final[Mapping[int, Message]] = {
    404: _("There is no such page."),
    405: _("This page cannot do that."),
    413: _("This is too large."),
}
"""What the framework says only in English, by HTTP status."""
