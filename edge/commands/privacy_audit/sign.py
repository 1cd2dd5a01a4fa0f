"""What the settings allow and what the messages carry: no more than the sign at the door of the shop says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from common.config_file import load_yaml_model
from common.sign import Statement, Told, told_by
from common.wire import Message, WireError, decode
from edge.commands.doctor.checks import Finding, green, red
from edge.commands.privacy_audit.subject import Subject, cannot_tell
from edge.commands.told import told_by_settings


def sign(subject: Subject) -> Finding:
    """Compare the settings in force and the last messages with the sign, and those that a server sent with the file."""
    subject.made_of()  # raises where the settings of the server cannot be read
    recorded = _is_there(subject.sign)
    allowed = load_yaml_model(subject.sign, Statement) if recorded else Statement()
    told, own = subject.settings, subject.own
    if (told.privacy, told.window.seconds) != (own.privacy, own.window.seconds):
        return red(
            "the settings of the server changed what is told, which only the file may",
            "stop the service, and check its code: no version of Footlight accepts such settings",
        )
    if allowed.site not in (None, own.site):
        return red(
            f"the sign is that of {allowed.site}, and this device is in {own.site} ({subject.sign})",
            "put the record of this shop's sign there",
        )
    set_to, carried = told_by_settings(told), told_by(_messages(subject))
    wrong = [f"settings: {beyond}" for beyond in allowed.exceeded_by(set_to)]
    if carried is not None:
        wrong += [f"messages: {beyond}" for beyond in allowed.exceeded_by(carried)]
    if wrong and not recorded:
        return cannot_tell(
            f"{'; '.join(wrong)}, and nobody recorded what the sign at the door says",
            f"write it into {subject.sign} (docs/privacy-audit.md), or use the defaults",
        )
    if wrong:
        fix = f"set it back, or change the sign at the door first and then {subject.sign}"
        return red(f"{'; '.join(wrong)}: more than the sign says ({subject.sign})", fix)
    return green(f"{_words(set_to)}: {_within(subject, allowed, recorded)}")


def _messages(subject: Subject) -> Iterator[Message]:
    """Yield what the outbox still has; what is no message of ours is found by another check."""
    if not _is_there(subject.outbox):
        return
    for item in subject.kept:
        try:
            yield decode(item.topic, item.payload)
        except WireError:
            continue


def _words(told: Told) -> str:
    return f"profile {told.profile}, k {told.k}, windows of {told.window_s} s, {', '.join(sorted(told.measures))}"


def _within(subject: Subject, allowed: Statement, recorded: bool) -> str:
    if not recorded:
        return "no more than the defaults; no sign is recorded"
    if allowed.measures is None:
        return f"the sign says so, but nothing about places and notices ({subject.sign})"
    return f"the sign says so ({subject.sign})"


def _is_there(path: Path) -> bool:
    """Return whether there is such a file. Raises ``PermissionError`` where nobody may look."""
    try:
        path.stat()
    except FileNotFoundError:
        return False
    return True
