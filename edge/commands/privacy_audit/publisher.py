"""The broker's side: nobody but the service publishes as this device."""

from __future__ import annotations

from collections.abc import Iterator

from common.mqtt.refusals import BrokerRefused, BrokerUnreachable
from common.mqtt.session import Session
from common.wire import StatusMessage, WireError, address, decode
from edge.commands.doctor.checks import Finding, green, red, what_and_fix
from edge.commands.privacy_audit.subject import Subject, cannot_tell

_ANSWER_S = 5.0
_SETTLED_S = 180.0
"""By then a service has put its first messages into the outbox, by which its run is known."""
_TAKEN, _SUSPECTED = "another device uses the name", "does another device use the name"
"""What the service says in its status line when the broker has told it that somebody logs in under its client id, and
when its connection ends again and again: a bad network looks the same."""
_FIX = (
    "find out who it is (the broker's log has the address), revoke the certificate (make revoke) and give each device a"
    " name of its own"
)


def publisher(subject: Subject) -> Finding:
    """Compare the last status that the broker keeps of this device with the runs of the service that the outbox
    knows, and read what the service itself noticed."""
    said = subject.properties.get("StatusText", "")
    if _TAKEN in said:
        return red("the service says that another one logs in under its name", _FIX)
    if subject.clock.now().timestamp() - subject.running.create_time() < _SETTLED_S:
        return cannot_tell("the service has just started", "run it again in some minutes")
    runs = set(_runs(subject))
    if not runs:
        return cannot_tell("the outbox knows no run of the service", "run it again after a window")
    try:
        status = _status(subject)
    except (BrokerRefused, BrokerUnreachable) as error:
        what, fix = what_and_fix(error)
        return cannot_tell(what, fix or "run footlight-edge doctor first")
    except WireError as error:
        return red(f"the status that the broker keeps is not one of Footlight: {error}", _FIX)
    return status if isinstance(status, Finding) else _compared(status, runs, suspected=_SUSPECTED in said)


def _compared(status: StatusMessage, runs: set[str], *, suspected: bool) -> Finding:
    if status.boot_id not in runs:
        since = f"{status.since:%Y-%m-%d %H:%M} UTC"
        return red(
            f"the broker's status of this device is of a run {status.boot_id} since {since}, not its own",
            _FIX,
        )
    if not status.online:
        return cannot_tell(
            "the broker takes this device for gone", "repair the connection first: footlight-edge doctor"
        )
    if suspected:
        return cannot_tell(
            "the connection of the service ends again and again", f"repair the network, or {_FIX}"
        )
    return green(f"the broker knows one run of this device, {status.boot_id}, and it is this one")


def _status(subject: Subject) -> StatusMessage | Finding:
    """Return the status that the broker keeps, or why nobody can tell. Raises ``BrokerRefused``,
    ``BrokerUnreachable`` or ``WireError``."""
    own = subject.own
    broker = own.mqtt.broker(subject.environ)
    with Session(broker, "audit", clock=subject.clock, timeout_s=_ANSWER_S) as session:
        reply = session.subscribe(address(own.site, own.device, "status"))
        if reply is None or not reply.accepted:
            return cannot_tell(
                "the broker does not let this device read its own status",
                "update the broker's access list (role broker, cloud/compose/acl)",
            )
        received = session.next(_ANSWER_S)
    if received is None:
        return cannot_tell(
            "the broker keeps no status of this device, or does not show it",
            "run footlight-edge doctor (login, as itself); update the broker's access list (cloud/compose/acl)",
        )
    message = decode(received.topic, received.payload)
    assert isinstance(message, StatusMessage)
    return message


def _runs(subject: Subject) -> Iterator[str]:
    """Yield the runs of the service that put messages into the outbox."""
    for item in subject.kept:
        try:
            message = decode(item.topic, item.payload)
        except WireError:  # the check of payloads tells of it
            continue
        boot_id = getattr(message, "boot_id", None)
        if boot_id is not None:
            yield str(boot_id)
