"""Contact points and notification policies: who is told of which alert.

Every alert rule names its audience in a label. Each audience has one contact point with up to two ways (e-mail and
webhook), and one route in the tree of policies. The rest of the tree belongs to whoever made it, and is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from grafana_client.elements.alertingprovisioning import AlertingProvisioning

Json = dict[str, Any]

AUDIENCES = ("installer", "manager", "hq")
"""The audiences of the alert rules."""


@dataclass(frozen=True, slots=True)
class Contact:
    """How one audience is told: by e-mail, at a web address, or both."""

    email: Sequence[str] = ()
    webhook: str | None = None


class Do(Protocol):
    """Records a change and, unless this is a dry run, makes it."""

    def __call__(
        self,
        verb: Literal["create", "update", "delete"],
        kind: Literal["contact point", "notification policies"],
        name: str,
        change: Callable[[], Any],
    ) -> Any: ...


def bring_contacts(provisioning: AlertingProvisioning, contacts: Mapping[str, Contact], do: Do) -> None:
    """Create, update or delete what is ours. What Grafana provisions from files is left alone."""
    wanted = {way["uid"]: way for audience, contact in contacts.items() for way in _ways(audience, contact)}
    known = {way["uid"]: way for way in provisioning.get_contactpoints()}
    for uid, way in wanted.items():
        _way(provisioning, known.get(uid), way, do)
    _routes(provisioning, contacts, do)
    # Last: a contact point that a route uses cannot be deleted.
    ours = {way["uid"] for audience in AUDIENCES for way in _ways(audience, Contact(("nobody",), "nowhere"))}
    for uid in sorted((known.keys() & ours) - wanted.keys()):
        if known[uid].get("provenance") != "file":
            do("delete", "contact point", uid, lambda uid=uid: provisioning.delete_contactpoint(uid))  # type: ignore[misc]


def _way(provisioning: AlertingProvisioning, found: Json | None, wanted: Json, do: Do) -> None:
    if found is None:
        # Without provenance, somebody may add an authorization in Grafana, which is then kept.
        do(
            "create",
            "contact point",
            wanted["uid"],
            lambda: provisioning.create_contactpoint(wanted, disable_provenance=True),
        )
        return
    # Grafana hides secrets, and keeps those that come back hidden.
    whole = {**found, **wanted, "settings": {**found["settings"], **wanted["settings"]}}
    if found != whole and found.get("provenance") != "file":
        update = {key: value for key, value in whole.items() if key != "provenance"}
        do(
            "update",
            "contact point",
            wanted["uid"],
            lambda: provisioning.update_contactpoint(wanted["uid"], update),
        )


def _routes(provisioning: AlertingProvisioning, contacts: Mapping[str, Contact], do: Do) -> None:
    """Put our routes first; the others keep their order."""
    tree = provisioning.get_notification_policy_tree()
    if tree.get("provenance") == "file":
        return
    named = {_name(audience) for audience in AUDIENCES}
    routes = tree.get("routes") or []
    others = [route for route in routes if route.get("receiver") not in named]
    ours = [_route(audience) for audience in contacts]
    held = [route for route in routes if route.get("receiver") in named]
    same = len(held) == len(ours) and all(map(_same, held, ours))
    if not same or routes[: len(ours)] != held:
        changed = {key: value for key, value in tree.items() if key != "provenance"} | {
            "routes": [*ours, *others]
        }
        do(
            "update",
            "notification policies",
            ", ".join(contacts) or "none",
            lambda: provisioning.set_notification_policy_tree(changed, disable_provenance=True),
        )


def _same(found: Json, wanted: Json) -> bool:
    return {key: value for key, value in found.items() if key in wanted} == wanted


def _name(audience: str) -> str:
    return f"Footlight: {audience}"


def _route(audience: str) -> Json:
    return {
        "receiver": _name(audience),
        "object_matchers": [
            ["audience", "=", audience],
            ["product", "=", "footlight"],
        ],  # sorted as Grafana does
        "group_by": ["alertname", "site"],
    }


def _ways(audience: str, contact: Contact) -> list[Json]:
    ways: list[tuple[str, Json]] = []
    if contact.email:
        ways.append(("email", {"addresses": ";".join(contact.email), "singleEmail": False}))
    if contact.webhook is not None:
        ways.append(("webhook", {"url": contact.webhook}))
    return [
        {
            "uid": f"footlight-{audience}-{kind}",
            "name": _name(audience),
            "type": kind,
            "settings": settings,
            "disableResolveMessage": False,
        }
        for kind, settings in ways
    ]
