"""``footlight-cloud provision``: creates what a chain needs in Grafana, through its API.

This is a folder for each site with its dashboards, one for head office, teams that may view or edit them, the data
sources, the alert rules, and who is told of an alert. What is already correct is not changed, so a second run changes
nothing. What Grafana provisions from files is not changed either. Team members are managed in Grafana.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.resources import files
from typing import Any, Literal

import requests
import yaml
from grafana_client import GrafanaApi
from grafana_client.client import GrafanaClientError, GrafanaException, GrafanaServerError

from cloud.domain.chain import Chain
from cloud.grafana.contacts import Contact, bring_contacts
from common.errors import UserError

Json = dict[str, Any]

HQ = "hq"
PER_STORE = ("store-today", "doors-zones", "sales-figures")
"""Dashboards of which every site has a copy in its folder, fixed to that site."""
RULES_EVERY_S = 60

_VIEW, _EDIT = 1, 2
_LONGEST_UID = 40
_UID = re.compile(rf"[A-Za-z0-9_-]{{1,{_LONGEST_UID}}}")
"""Names of sites may be longer, and contain a dot."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """The result of ``dashboards.build``: models of dashboards by name, and alert rules."""

    dashboards: Mapping[str, Json]
    rules: Sequence[Json]


@dataclass(frozen=True, slots=True)
class Source:
    """A data source. ``token`` is a read-only token; Grafana never returns it."""

    uid: str
    url: str
    database: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Change:
    """One change that was made, or would be made."""

    verb: Literal["create", "update", "delete"]
    kind: Literal[
        "team", "folder", "permissions", "data source", "dashboard", "alert rules", "contact point",
        "notification policies",
    ]  # fmt: skip
    name: str


def load_bundle() -> Bundle:
    """Load the generated dashboards and alert rules that are installed with Footlight."""
    folder = files("dashboards") / "generated"
    models = {
        entry.name.removesuffix(".json"): json.loads(entry.read_text(encoding="utf-8"))
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".json")
    }
    rules = yaml.safe_load(folder.joinpath("alert-rules.yaml").read_text(encoding="utf-8"))
    return Bundle(models, rules)


def provision(
    url: str,
    token: str,
    *,
    chain: Chain,
    bundle: Bundle,
    sources: Sequence[Source],
    contacts: Mapping[str, Contact],
    dry_run: bool,
    timeout_s: float = 10.0,
) -> list[Change]:
    """Create or update what ``chain`` needs in Grafana at ``url``; return what was changed, or would be.

    ``contacts`` are those who are told of alerts, by the audience of the rules. ``token`` belongs to a service account
    with the role Admin. Raises ``UserError`` if Grafana cannot be used.
    """
    api = GrafanaApi.from_url(url, token, timeout=timeout_s)
    try:
        return _Run(api, dry_run).bring(chain, bundle, sources, contacts)
    except GrafanaException as error:
        advice = "set grafana.token to a token of a service account with the role Admin"
        way_out = f"; {advice}" if error.status_code in (401, 403) else ""
        raise UserError(f"Grafana {url} refused a request: {error.message}{way_out}") from None
    except requests.RequestException as error:
        raise UserError(f"Grafana {url} does not answer ({_cause(error)}); check grafana.url") from None


class _Run:
    def __init__(self, api: GrafanaApi, dry_run: bool) -> None:
        self._api, self._dry_run = api, dry_run
        self._changes: list[Change] = []

    def bring(
        self, chain: Chain, bundle: Bundle, sources: Sequence[Source], contacts: Mapping[str, Contact]
    ) -> list[Change]:
        for source in sources:
            self._source(source)
        teams = self._teams([HQ, *chain.sites])
        hq = uid("footlight", HQ)
        self._folder(hq, f"{chain.name}: head office", {teams[HQ]: _VIEW, teams[_managers(HQ)]: _EDIT})
        for model in bundle.dashboards.values():
            self._dashboard(model, hq)
        self._rules(bundle.rules, hq)
        bring_contacts(self._api.alertingprovisioning, contacts, self._do)
        for name, site in chain.sites.items():
            folder = uid("footlight", name)
            may = {
                teams[name]: _VIEW,
                teams[_managers(name)]: _EDIT,
                teams[HQ]: _VIEW,
                teams[_managers(HQ)]: _EDIT,
            }
            self._folder(folder, site.title, may)
            for dashboard in PER_STORE:
                if dashboard in bundle.dashboards:
                    self._dashboard(of_store(bundle.dashboards[dashboard], name), folder)
        return self._changes

    def _teams(self, names: Sequence[str]) -> dict[str, int | None]:
        """Create the teams of viewers and managers of each site; return their ids, None for those of a dry run."""
        known: dict[str, int | None] = {team["name"]: team["id"] for team in self._api.teams.search_teams()}
        for name in names:
            for team in (name, _managers(name)):
                if team not in known:
                    made = self._do("create", "team", team, partial(self._api.teams.add_team, {"name": team}))
                    known[team] = made["teamId"] if made else None
        return known

    def _folder(self, folder: str, title: str, may: Mapping[int | None, int]) -> None:
        """Create or update a folder that only the teams in ``may`` can see, whatever the roles of other users allow."""
        found = _found(lambda: self._api.folder.get_folder(folder))
        if found is None:
            self._do("create", "folder", title, lambda: self._api.folder.create_folder(title, uid=folder))
        elif found["title"] != title:
            self._do(
                "update",
                "folder",
                title,
                lambda: self._api.folder.update_folder(folder, title=title, version=found["version"]),
            )
        granted = [] if found is None else self._api.folder.get_folder_permissions(folder)
        held = {
            (entry.get("teamId"), entry.get("userId"), entry.get("role"), entry["permission"])
            for entry in granted
            if not entry.get("inherited")
        }
        if {tuple(part or None for part in entry) for entry in held} != {
            (team, None, None, permission) for team, permission in may.items()
        }:
            items = [{"teamId": team, "permission": permission} for team, permission in may.items()]
            self._do(
                "update",
                "permissions",
                title,
                lambda: self._api.folder.update_folder_permissions(folder, {"items": items}),
            )

    def _source(self, source: Source) -> None:
        wanted = {
            "uid": source.uid,
            "name": source.uid,
            "type": "influxdb",
            "access": "proxy",
            "url": source.url,
            "database": source.database,  # where Grafana before 9.4 looks
            "jsonData": {
                "dbName": source.database,
                "httpMode": "POST",
                "httpHeaderName1": "Authorization",
            },
        }
        secret = {"secureJsonData": {"httpHeaderValue1": f"Token {source.token}"}}
        found = _found(lambda: self._api.datasource.get_datasource_by_uid(source.uid))
        if found is None:
            create = self._api.datasource.create_datasource
            self._do("create", "data source", source.uid, lambda: create({**wanted, **secret}))
        elif not found.get("readOnly") and not (holds(found, wanted) and self._answers(source.uid)):
            update = self._api.datasource.update_datasource_by_uid
            self._do("update", "data source", source.uid, lambda: update(source.uid, {**wanted, **secret}))

    def _answers(self, source: str) -> bool:
        """Check that the data source works: Grafana does not return the token, so only a test finds a wrong one."""
        try:
            return bool(self._api.datasource.health(source).get("status") == "OK")
        except GrafanaClientError:
            return False

    def _dashboard(self, model: Json, folder: str) -> None:
        found = _found(lambda: self._api.dashboard.get_dashboard(model["uid"]))
        if found is not None:
            if found["meta"].get("provisioned"):
                return
            if _content(found["dashboard"]) == _content(model) and found["meta"].get("folderUid") == folder:
                return
        payload = {"dashboard": {**model, "id": None}, "folderUid": folder, "overwrite": True}
        self._do(
            "create" if found is None else "update",
            "dashboard",
            f"{folder}: {model['title']}",
            lambda: self._api.dashboard.update_dashboard(payload),
        )

    def _rules(self, rules: Sequence[Json], folder: str) -> None:
        """Create or update the rules as one group, because they share order and interval."""
        provisioning = self._api.alertingprovisioning
        known = [_found(partial(provisioning.get_alertrule, rule["uid"])) for rule in rules]
        if any(rule is not None and rule.get("provenance") == "file" for rule in known):
            return
        group = "footlight"
        wanted: dict[str, Any] = {
            "title": group,
            "folderUid": folder,
            "interval": RULES_EVERY_S,
            "rules": [{**rule, "folderUID": folder, "ruleGroup": group} for rule in rules],
        }
        found = _found(lambda: provisioning.get_rule_group(folder, group))
        if found is not None and holds(found, wanted):
            return

        def bring() -> None:
            for rule, there in zip(wanted["rules"], known, strict=True):
                if there is None:  # Grafana 9 creates no rule as part of a group
                    provisioning.create_alertrule(rule)
            provisioning.update_rule_group(folder, group, wanted)

        self._do("create" if found is None else "update", "alert rules", group, bring)

    def _do(self, verb: Any, kind: Any, name: str, change: Callable[[], Any]) -> Any:
        """Record a change and, unless this is a dry run, make it."""
        self._changes.append(Change(verb, kind, name))
        return None if self._dry_run else change()


def uid(prefix: str, name: str) -> str:
    """Return a uid for the site ``name``; one that Grafana does not allow is made from the hash of the name."""
    plain = f"{prefix}-{name}"
    if _UID.fullmatch(plain):
        return plain
    return f"{prefix}-{hashlib.sha256(name.encode()).hexdigest()}"[:_LONGEST_UID]


def of_store(model: Json, site: str) -> Json:
    """Return the dashboard ``model`` for one site only: its variable ``site`` is a constant."""
    own = copy.deepcopy(model)
    own["uid"] = uid(model["uid"], site)
    for variable in own["templating"]["list"]:
        if variable["name"] == "site":
            fixed = {"name": "site", "type": "constant", "query": site, "hide": 2}
            variable.clear()
            variable.update(fixed)
    return own


def holds(found: Any, wanted: Any) -> bool:
    """Check that ``found`` contains everything in ``wanted``; Grafana adds ids, dates and defaults."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(k in found and holds(found[k], v) for k, v in wanted.items())
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(holds, found, wanted))
    return bool(found == wanted)


def _content(model: Json) -> Json:
    """Return a dashboard without the id and version that Grafana sets."""
    return {key: value for key, value in model.items() if key not in ("id", "version")}


def _managers(name: str) -> str:
    return f"{name} managers"


def _found(get: Callable[[], Json]) -> Json | None:
    try:
        return get()
    except (GrafanaClientError, GrafanaServerError) as error:
        # Grafana 9 answers 500 instead of 404 about a rule that it does not have.
        if error.status_code != 404 and "could not find alert rule" not in str(error.message):
            raise
        return None


def _cause(error: Exception) -> str:
    """Return the innermost reason, without the object names that urllib3 adds."""
    text = str(error.args[0] if error.args else error)
    return text.rpartition(": ")[2].rstrip(")'\"") or type(error).__name__
