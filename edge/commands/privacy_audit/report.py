"""The result of the audit for others: one line for the doctor, and an alert for head office."""

from __future__ import annotations

from common.errors import UserError
from common.mqtt.refusals import BrokerUnreachable
from common.mqtt.session import Session
from common.wire import AlertMessage, encode, topic
from edge.commands.doctor.checks import Finding, green, red
from edge.commands.privacy_audit.command import audit
from edge.commands.privacy_audit.subject import Subject, cannot_tell

_MORE = "footlight-edge privacy-audit shows each"
_ANSWER_S = 5.0


def summary(subject: Subject) -> Finding:
    """Run all checks and name those that found a leak, or else those that cannot tell."""
    checks = list(audit(subject))
    leaks = [check.name for check in checks if check.state == "red"]
    if leaks:
        return red(f"leaks found by the audit: {', '.join(leaks)}", _MORE)
    unknown = [check.name for check in checks if check.state == "amber"]
    if unknown:
        return cannot_tell(", ".join(unknown), _MORE)
    return green(f"nothing found by {len(checks)} checks")


def tell(finding: Finding, subject: Subject) -> None:
    """Tell the server by the fault ``privacy``: it begins with a leak, and ends when an audit finds nothing. A finding
    that cannot tell changes nothing. Without a connection nobody is told, which the doctor's own lines say."""
    if finding.state == "amber":
        return
    own, is_leak = subject.own, finding.state == "red"
    alert = AlertMessage(
        site=own.site,
        device=own.device,
        at=subject.clock.now(),
        fault="privacy",
        active=is_leak,
        text=f"{finding.value}; {finding.fix} on the device" if is_leak else finding.value,
    )
    try:
        broker = own.mqtt.broker(subject.environ)
        with Session(broker, "audit", clock=subject.clock, timeout_s=_ANSWER_S) as session:
            session.publish(topic(alert), encode(alert))
    except (UserError, BrokerUnreachable):  # a refusal is a UserError, too
        return
