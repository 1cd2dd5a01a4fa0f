"""Grafana's HTTP API as its documentation tells it (release 11): folders, their permissions, teams, data sources,
dashboards, alert rule groups, contact points, notification policies. Each answer has the documented status and the
documented fields, kept in memory.

Documented under "HTTP API reference": Folder, Folder Permissions, Team, Data source, Dashboard, Alerting provisioning.
"""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.support.brokers import free_port, until

TOKEN = "glsa_right"
Json = dict[str, Any]


class Refused(Exception):
    def __init__(self, code: int, **body: Any) -> None:
        self.code, self.body = code, body


def _require_uid(uid: str) -> None:
    if len(uid) > 40:
        raise Refused(400, message="uid too long, max 40 characters")
    if not re.fullmatch(r"[a-zA-Z0-9\-_]*", uid):
        raise Refused(400, message="uid contains illegal characters")


class Grafana:
    """The state; ``writes`` are the requests that were not reads, with their method and path."""

    def __init__(self) -> None:
        self.folders: dict[str, Json] = {}
        self.permissions: dict[str, list[Json]] = {}
        self.teams: dict[int, Json] = {}
        self.sources: dict[str, Json] = {}
        self.working = True
        """Whether the data sources answer."""
        self.dashboards: dict[str, Json] = {}
        self.rule_groups: dict[tuple[str, str], Json] = {}
        self.contacts: dict[str, Json] = {}
        self.policies: Json = {
            "receiver": "grafana-default-email",
            "group_by": ["grafana_folder", "alertname"],
        }
        self.writes: list[tuple[str, str]] = []
        self.url = ""
        self._ids = itertools.count(1)

    # Folder and Folder Permissions

    def get_folder(self, request: Request, body: Json) -> Json:
        return self._folder(request.path_params["uid"])

    def create_folder(self, request: Request, body: Json) -> Json:
        uid = body["uid"]
        if uid in self.folders:
            raise Refused(409, message="a folder with the same uid already exists")
        _require_uid(uid)
        self.folders[uid] = {
            "id": next(self._ids),
            "uid": uid,
            "title": body["title"],
            "url": f"/dashboards/f/{uid}",
            "hasAcl": False,
            "canSave": True,
            "canEdit": True,
            "canAdmin": True,
            "createdBy": "admin",
            "created": "2018-01-31T17:43:12+01:00",
            "updatedBy": "admin",
            "updated": "2018-01-31T17:43:12+01:00",
            "version": 1,
        }
        defaults = [self._permission(uid, role="Viewer", permission=1)]
        self.permissions[uid] = [*defaults, self._permission(uid, role="Editor", permission=2)]
        return self.folders[uid]

    def update_folder(self, request: Request, body: Json) -> Json:
        folder = self._folder(request.path_params["uid"])
        if not body.get("overwrite") and body.get("version") != folder["version"]:
            raise Refused(
                412, message="The folder has been changed by someone else", status="version-mismatch"
            )
        folder.update(title=body["title"], version=folder["version"] + 1)
        return folder

    def get_permissions(self, request: Request, body: Json) -> list[Json]:
        return self.permissions[self._folder(request.path_params["uid"])["uid"]]

    def set_permissions(self, request: Request, body: Json) -> Json:
        folder = self._folder(request.path_params["uid"])
        for item in body["items"]:
            if "teamId" in item and item["teamId"] not in self.teams:
                raise Refused(400, message="team not found")
        self.permissions[folder["uid"]] = [self._permission(folder["uid"], **item) for item in body["items"]]
        return {"message": "Folder permissions updated", "id": folder["id"], "title": folder["title"]}

    def _folder(self, uid: str) -> Json:
        if uid not in self.folders:
            raise Refused(404, message="folder not found", status="not-found")
        return self.folders[uid]

    def _permission(self, uid: str, *, permission: int, **whom: Any) -> Json:
        nobody = {"userId": 0, "userLogin": "", "userEmail": "", "teamId": 0, "team": ""}
        name = {1: "View", 2: "Edit", 4: "Admin"}[permission]
        return {
            "created": "2017-06-20T02:00:00+02:00",
            "updated": "2017-06-20T02:00:00+02:00",
            **nobody,
            **whom,
            "permission": permission,
            "permissionName": name,
            "uid": uid,
            "title": "",
            "slug": "",
            "isFolder": True,
            "url": "",
        }

    # Team

    def search_teams(self, request: Request, body: Json) -> Json:
        page, size = int(request.query_params.get("page", 1)), 3
        teams = sorted(self.teams.values(), key=lambda team: str(team["name"]))
        shown = teams[size * (page - 1) : size * page]
        return {"totalCount": len(teams), "teams": shown, "page": page, "perPage": size}

    def add_team(self, request: Request, body: Json) -> Json:
        if any(team["name"] == body["name"] for team in self.teams.values()):
            raise Refused(409, message="Team name taken")
        id_ = next(self._ids)
        self.teams[id_] = {"id": id_, "orgId": 1, "name": body["name"], "email": "", "memberCount": 0}
        return {"message": "Team created", "teamId": id_, "uid": f"team-{id_}"}

    # Data source

    def get_source(self, request: Request, body: Json) -> Json:
        return self._source(request.path_params["uid"])

    def create_source(self, request: Request, body: Json) -> Json:
        if any(body["name"] == source["name"] for source in self.sources.values()):
            raise Refused(409, message="data source with the same name already exists")
        return self._put_source(body, "Datasource added")

    def update_source(self, request: Request, body: Json) -> Json:
        self._source(request.path_params["uid"])
        return self._put_source(body, "Datasource updated")

    def source_health(self, request: Request, body: Json) -> Json:
        self._source(request.path_params["uid"])
        if not self.working:
            raise Refused(400, message="error reading InfluxDB. Status Code: 401", status="ERROR")
        return {"message": "datasource is working", "status": "OK"}

    def _source(self, uid: str) -> Json:
        if uid not in self.sources:
            raise Refused(404, message="Data source not found")
        return self.sources[uid]

    def _put_source(self, body: Json, message: str) -> Json:
        hidden = body.pop("secureJsonData", {})
        shown = {
            "id": next(self._ids),
            "orgId": 1,
            "typeLogoUrl": "",
            "user": "",
            "database": "",
            "basicAuth": False,
            "isDefault": False,
            "version": 1,
            "readOnly": False,
            **body,
            "secureJsonFields": dict.fromkeys(hidden, True),
        }
        self.sources[body["uid"]] = shown
        return {"datasource": shown, "id": shown["id"], "message": message, "name": shown["name"]}

    # Dashboard

    def get_dashboard(self, request: Request, body: Json) -> Json:
        uid = request.path_params["uid"]
        if uid not in self.dashboards:
            raise Refused(404, message="Dashboard not found")
        return self.dashboards[uid]

    def save_dashboard(self, request: Request, body: Json) -> Json:
        model, folder = body["dashboard"], body.get("folderUid", "")
        known = self.dashboards.get(model["uid"])
        if folder and folder not in self.folders:
            raise Refused(400, message="folder not found")
        if known is not None and known["meta"].get("provisioned"):
            raise Refused(400, message="Cannot save provisioned dashboard")
        if known is not None and not body.get("overwrite"):
            raise Refused(412, message="A dashboard with the same uid exists", status="name-exists")
        _require_uid(model["uid"])
        version = known["dashboard"]["version"] + 1 if known else 1
        id_ = known["dashboard"]["id"] if known else next(self._ids)
        url = f"/d/{model['uid']}/slug"
        self.dashboards[model["uid"]] = {
            "dashboard": {**model, "id": id_, "version": version},
            "meta": {"isStarred": False, "url": url, "folderUid": folder, "slug": "slug", "version": version},
        }
        return {
            "id": id_,
            "uid": model["uid"],
            "url": url,
            "status": "success",
            "version": version,
            "slug": "slug",
        }

    # Alerting provisioning

    def get_rules(self, request: Request, body: Json) -> Json:
        key = request.path_params["folder"], request.path_params["group"]
        if key not in self.rule_groups:
            raise Refused(404)
        return self.rule_groups[key]

    def get_rule(self, request: Request, body: Json) -> Json:
        for group in self.rule_groups.values():
            for rule in group["rules"]:
                if rule["uid"] == request.path_params["uid"]:
                    found: Json = rule
                    return found
        raise Refused(404)

    def put_rules(self, request: Request, body: Json) -> Json:
        key = request.path_params["folder"], request.path_params["group"]
        self._folder(key[0])
        for rule in body["rules"]:
            self._require_whole(rule)
        rules = [
            {"id": next(self._ids), "orgID": 1, "isPaused": False, "updated": "2024-01-01", **rule}
            for rule in body["rules"]
        ]
        self.rule_groups[key] = {**body, "rules": [{**rule, "provenance": "api"} for rule in rules]}
        return self.rule_groups[key]

    def _require_whole(self, rule: Json) -> None:
        required = {
            "title",
            "condition",
            "data",
            "folderUID",
            "ruleGroup",
            "noDataState",
            "execErrState",
            "for",
        }
        if missing := required - rule.keys():
            raise Refused(400, message=f"invalid alert rule: no {min(missing)}")

    def create_rule(self, request: Request, body: Json) -> Json:
        key = body["folderUID"], body["ruleGroup"]
        group = self.rule_groups.setdefault(key, {"title": key[1], "folderUid": key[0], "rules": []})
        self._folder(key[0])
        self._require_whole(body)
        group["rules"].append({**body, "provenance": "api"})
        return body

    def get_contacts(self, request: Request, body: Json) -> list[Json]:
        hidden = {"authorization_credentials": "[REDACTED]"}
        return [
            {**way, "settings": {k: hidden.get(k, v) for k, v in way["settings"].items()}}
            for way in self.contacts.values()
        ]

    def create_contact(self, request: Request, body: Json) -> Json:
        if body["uid"] in self.contacts:
            raise Refused(400, message="a contact point with this uid exists")
        return self._put_contact(request, body)

    def update_contact(self, request: Request, body: Json) -> Json:
        known = self.contacts[request.path_params["uid"]]["settings"]
        kept = {k: known[k] if v == "[REDACTED]" else v for k, v in body["settings"].items()}
        self._put_contact(request, {**body, "settings": kept})
        return {"message": "contactpoint updated"}

    def delete_contact(self, request: Request, body: Json) -> Json:
        gone = self.contacts.pop(request.path_params["uid"])
        used = {route["receiver"] for route in self.policies.get("routes", [])}
        if gone["name"] in used - {way["name"] for way in self.contacts.values()}:
            self.contacts[gone["uid"]] = gone
            raise Refused(409, message="contact point is used by a notification policy")
        return {"message": "contactpoint deleted"}

    def _put_contact(self, request: Request, body: Json) -> Json:
        if not body["settings"].get({"email": "addresses", "webhook": "url"}[body["type"]]):
            raise Refused(400, message=f"invalid contact point: {body['type']} without an address")
        provenance = {} if request.headers.get("x-disable-provenance") else {"provenance": "api"}
        self.contacts[body["uid"]] = {**body, **provenance}
        return self.contacts[body["uid"]]

    def get_policies(self, request: Request, body: Json) -> Json:
        return self.policies

    def put_policies(self, request: Request, body: Json) -> Json:
        known = {"grafana-default-email", *(way["name"] for way in self.contacts.values())}
        if unknown := {route["receiver"] for route in (body, *body.get("routes", []))} - known:
            raise Refused(400, message=f"receiver '{min(unknown)}' does not exist")
        routes = [
            {**route, "object_matchers": sorted(route.get("object_matchers", []))}
            for route in body.get("routes", [])
        ]
        self.policies = {**body, "routes": routes}
        return {"message": "policies updated"}

    def app(self) -> Starlette:
        def route(path: str, method: str, answer: Callable[[Request, Json], Any]) -> Route:
            async def endpoint(request: Request) -> Response:
                if request.headers.get("authorization") != f"Bearer {TOKEN}":
                    return JSONResponse({"message": "Invalid API key"}, 401)
                try:
                    body = await request.json() if method in ("POST", "PUT") else {}
                    if method != "GET":
                        self.writes.append((method, request.url.path))
                    return JSONResponse(answer(request, body))
                except Refused as refusal:
                    return JSONResponse(refusal.body, refusal.code)

            return Route(f"/api{path}", endpoint, methods=[method])

        group = "/v1/provisioning/folder/{folder}/rule-groups/{group}"
        return Starlette(
            routes=[
                route("/folders", "POST", self.create_folder),
                route("/folders/{uid}", "GET", self.get_folder),
                route("/folders/{uid}", "PUT", self.update_folder),
                route("/folders/{uid}/permissions", "GET", self.get_permissions),
                route("/folders/{uid}/permissions", "POST", self.set_permissions),
                route("/teams/search", "GET", self.search_teams),
                route("/teams", "POST", self.add_team),
                route("/datasources", "POST", self.create_source),
                route("/datasources/uid/{uid}", "GET", self.get_source),
                route("/datasources/uid/{uid}", "PUT", self.update_source),
                route("/datasources/uid/{uid}/health", "GET", self.source_health),
                route("/dashboards/db", "POST", self.save_dashboard),
                route("/dashboards/uid/{uid}", "GET", self.get_dashboard),
                route("/v1/provisioning/alert-rules/{uid}", "GET", self.get_rule),
                route("/v1/provisioning/alert-rules", "POST", self.create_rule),
                route(group, "GET", self.get_rules),
                route(group, "PUT", self.put_rules),
                route("/v1/provisioning/contact-points", "GET", self.get_contacts),
                route("/v1/provisioning/contact-points", "POST", self.create_contact),
                route("/v1/provisioning/contact-points/{uid}", "PUT", self.update_contact),
                route("/v1/provisioning/contact-points/{uid}", "DELETE", self.delete_contact),
                route("/v1/provisioning/policies", "GET", self.get_policies),
                route("/v1/provisioning/policies", "PUT", self.put_policies),
            ]
        )


@contextmanager
def grafana() -> Iterator[Grafana]:
    """An empty Grafana on a loopback port."""
    state, port = Grafana(), free_port()
    server = uvicorn.Server(uvicorn.Config(state.app(), host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started, "the contract of Grafana answers")
        state.url = f"http://127.0.0.1:{port}"
        yield state
    finally:
        server.should_exit = True
        thread.join(20)
