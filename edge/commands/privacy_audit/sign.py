"""The privacy settings in force: no wider than the sign at the door of the shop says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, get_args

from pydantic import Field

from common.config_file import load_yaml_model
from common.settings import Section
from common.wire import WINDOW_S, Profile
from edge.commands.doctor.checks import Finding, green, red
from edge.commands.privacy_audit.subject import Subject, cannot_tell
from edge.config import PrivacySettings, WindowSettings

WIDER: tuple[Profile, ...] = get_args(Profile)
"""Each profile tells more than the one before."""


class Sign(Section):
    """What the sign at the door says, or whoever approved the device: the most that may be told. Without a record,
    only what Footlight tells when nobody changes a setting is known to be right."""

    profile: Profile = PrivacySettings().profile
    k: Annotated[int, Field(ge=3)] = PrivacySettings().k
    window_s: Annotated[int, Field(ge=WINDOW_S[0], le=WINDOW_S[1])] = WindowSettings().seconds


def sign(subject: Subject) -> Finding:
    """Compare the settings in force with the sign, and those that a server sent with the file."""
    subject.made_of()  # raises where the settings of the server cannot be read
    recorded = _is_there(subject.sign)
    allowed = load_yaml_model(subject.sign, Sign) if recorded else Sign()
    told, seconds, own = subject.settings.privacy, subject.settings.window.seconds, subject.own
    if (told, seconds) != (own.privacy, own.window.seconds):
        return red(
            "the settings of the server changed what is told, which only the file may",
            "stop the service, and check its code: no version of Footlight accepts such settings",
        )
    wrong = []
    if WIDER.index(told.profile) > WIDER.index(allowed.profile):
        wrong.append(f"privacy.profile {told.profile} tells more than {allowed.profile}")
    if told.k < allowed.k:
        wrong.append(f"privacy.k {told.k} is less than {allowed.k}")
    if seconds < allowed.window_s:
        wrong.append(f"window.seconds {seconds} is less than {allowed.window_s}")
    if wrong and not recorded:
        return cannot_tell(
            f"{', '.join(wrong)}, and nobody recorded what the sign at the door says",
            f"write it into {subject.sign} (docs/privacy-audit.md), or use the defaults",
        )
    if wrong:
        fix = f"set it back, or change the sign at the door first and then {subject.sign}"
        return red(f"{', '.join(wrong)}: more than the sign says ({subject.sign})", fix)
    within = (
        f"the sign says so ({subject.sign})" if recorded else "no more than the defaults; no sign is recorded"
    )
    return green(f"profile {told.profile}, k {told.k}, windows of {seconds} s: {within}")


def _is_there(path: Path) -> bool:
    """Return whether there is such a file. Raises ``PermissionError`` where nobody may look."""
    try:
        path.stat()
    except FileNotFoundError:
        return False
    return True
