"""``footlight-cloud provision``: what a chain needs in Grafana, made through its API.

A folder for each store with its dashboards, one for head office, teams that may see or edit them, the data sources,
the alert rules. Whatever is already as it should be is left alone, so that a second run changes nothing; what
Grafana provisions from files stays with the files. Who is in a team is nobody's business here.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.resources import files
from typing import Any, Literal

import requests
import yaml
from grafana_client import GrafanaApi
from grafana_client.client import GrafanaClientError, GrafanaException

from cloud.domain.chain import Chain
from common.errors import UserError

Json = dict[str, Any]

HQ = "hq"
PER_STORE = ("store-today",)
"""Dashboards of which every store has its own in its folder, without a choice of the store."""
RULES_EVERY_S = 60

_VIEW, _EDIT = 1, 2
_LONGEST_UID = 40


@dataclass(frozen=True, slots=True)
class Bundle:
    """What ``dashboards`` has built: models of dashboards and alert rules, by name."""

    dashboards: Mapping[str, Json]
    rules: Sequence[Json]


@dataclass(frozen=True, slots=True)
class Source:
    """A data source. ``token`` is one that may only read; it never comes back from Grafana."""

    uid: str
    url: str
    database: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that was done, or would be."""

    verb: Literal["create", "update"]
    kind: Literal["team", "folder", "permissions", "data source", "dashboard", "alert rules"]
    name: str


def load_bundle() -> Bundle:
    """The generated dashboards and alert rules, as they are installed with Footlight."""
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
    dry_run: bool,
    timeout_s: float = 10.0,
) -> list[Change]:
    """Bring Grafana at ``url`` to what ``chain`` needs and return what was changed, or would be.

    ``token`` is that of a service account with the role Admin. Raises ``UserError`` when Grafana is away or refuses.
    """
    api = GrafanaApi.from_url(url, token, timeout=timeout_s)
    try:
        return _Run(api, dry_run).bring(chain, bundle, sources)
    except GrafanaException as error:
        advice = "give grafana.token of a service account with the role Admin"
        way_out = f"; {advice}" if error.status_code in (401, 403) else ""
        raise UserError(f"Grafana {url} refuses: {error.message}{way_out}") from None
    except requests.RequestException as error:
        raise UserError(f"Grafana {url} does not answer ({_cause(error)}); check grafana.url") from None


class _Run:
    def __init__(self, api: GrafanaApi, dry_run: bool) -> None:
        self._api, self._dry_run = api, dry_run
        self._changes: list[Change] = []

    def bring(self, chain: Chain, bundle: Bundle, sources: Sequence[Source]) -> list[Change]:
        for source in sources:
            self._source(source)
        teams = self._teams([HQ, *chain.sites])
        hq = uid("footlight", HQ)
        self._folder(hq, f"{chain.name}: head office", {teams[HQ]: _VIEW, teams[_managers(HQ)]: _EDIT})
        for model in bundle.dashboards.values():
            self._dashboard(model, hq)
        self._rules(bundle.rules, hq)
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
        """The id of the viewers and the managers of each; None for one that a dry run would make."""
        known: dict[str, int | None] = {team["name"]: team["id"] for team in self._api.teams.search_teams()}
        for name in names:
            for team in (name, _managers(name)):
                if team not in known:
                    made = self._do("create", "team", team, partial(self._api.teams.add_team, {"name": team}))
                    known[team] = made["teamId"] if made else None
        return known

    def _folder(self, folder: str, title: str, may: Mapping[int | None, int]) -> None:
        """Only the teams in ``may`` see it: whoever is not named loses what the roles would give him."""
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
        """Whether the data source works: Grafana shows no token, so that a wrong one is only seen by its fruit."""
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
        """All rules are one group: their order and interval belong together."""
        provisioning = self._api.alertingprovisioning
        known = [_found(partial(provisioning.get_alertrule, rule["uid"])) for rule in rules]
        if any(rule is not None and rule.get("provenance") == "file" for rule in known):
            return
        group = "footlight"
        wanted = {
            "title": group,
            "folderUid": folder,
            "interval": RULES_EVERY_S,
            "rules": [{**rule, "folderUID": folder, "ruleGroup": group} for rule in rules],
        }
        found = _found(lambda: provisioning.get_rule_group(folder, group))
        if found is not None and holds(found, wanted):
            return
        self._do(
            "create" if found is None else "update",
            "alert rules",
            group,
            lambda: provisioning.update_rule_group(folder, group, wanted),
        )

    def _do(self, verb: Any, kind: Any, name: str, change: Callable[[], Any]) -> Any:
        """Note a change and, unless this is a dry run, make it."""
        self._changes.append(Change(verb, kind, name))
        return None if self._dry_run else change()


def uid(prefix: str, name: str) -> str:
    """A uid for the site ``name``; Grafana takes 40 characters, so that a long name is told by its digest."""
    plain = f"{prefix}-{name}"
    if len(plain) <= _LONGEST_UID:
        return plain
    return f"{prefix}-{hashlib.sha256(name.encode()).hexdigest()}"[:_LONGEST_UID]


def of_store(model: Json, site: str) -> Json:
    """The dashboard ``model`` for one store alone: its variable ``site`` is a constant."""
    own = copy.deepcopy(model)
    own["uid"] = uid(model["uid"], site)
    for variable in own["templating"]["list"]:
        if variable["name"] == "site":
            fixed = {"name": "site", "type": "constant", "query": site, "hide": 2}
            variable.clear()
            variable.update(fixed)
    return own


def holds(found: Any, wanted: Any) -> bool:
    """Whether ``found`` says everything that ``wanted`` says; Grafana adds ids, dates and defaults."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(k in found and holds(found[k], v) for k, v in wanted.items())
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(holds, found, wanted))
    return bool(found == wanted)


def _content(model: Json) -> Json:
    """A dashboard without what Grafana numbers."""
    return {key: value for key, value in model.items() if key not in ("id", "version")}


def _managers(name: str) -> str:
    return f"{name} managers"


def _found(get: Callable[[], Json]) -> Json | None:
    try:
        return get()
    except GrafanaClientError as error:
        if error.status_code != 404:
            raise
        return None


def _cause(error: Exception) -> str:
    """The innermost reason, without the objects that urllib3 names on the way."""
    text = str(error.args[0] if error.args else error)
    return text.rpartition(": ")[2].rstrip(")'\"") or type(error).__name__
