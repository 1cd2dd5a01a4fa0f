"""The devices and notices of a site, as the API and the metrics tell them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from cloud.api.device_answers import (
    AcknowledgedAnswer,
    AlertAnswer,
    DeviceAnswer,
    Devices,
    HealthAnswer,
    NoticeAnswer,
)
from cloud.domain.notices import Acknowledgement, is_current, said, taken_care_of
from cloud.stores.store import DeviceState, Reader
from common.wire import HealthMessage, NoticeMessage


def devices(reader: Reader, site: str, now: datetime, zone: ZoneInfo) -> Devices:
    """Read the devices of a site and the notices that hold ``now``. Raises ``StoreUnavailable``."""
    taken = reader.acknowledgements(site)
    return Devices(
        site=site,
        at=now.astimezone(zone),
        devices=[_device(state, zone) for state in reader.devices(site)],
        notices=[
            _notice(notice, taken_care_of(notice, taken), zone)
            for notice in reader.notices(site)
            if is_current(notice, now)
        ],
    )


def _device(state: DeviceState, zone: ZoneInfo) -> DeviceAnswer:
    return DeviceAnswer(
        device=state.device,
        online=state.online,
        since=state.since and state.since.astimezone(zone),
        last_seen=state.last_seen and state.last_seen.astimezone(zone),
        software=state.software,
        model=state.model,
        health=_health(state.health, zone) if state.health else None,
        alerts=[
            AlertAnswer(fault=alert.fault, since=alert.at.astimezone(zone), text=alert.text)
            for alert in state.alerts
        ],
    )


def _health(health: HealthMessage, zone: ZoneInfo) -> HealthAnswer:
    told = health.model_dump(include=HealthAnswer.model_fields.keys() - {"at"})
    return HealthAnswer(at=health.at.astimezone(zone), **told)


def _notice(notice: NoticeMessage, taken: Acknowledgement | None, zone: ZoneInfo) -> NoticeAnswer:
    return NoticeAnswer(
        device=notice.device,
        name=notice.name,
        rule=notice.rule,
        since=notice.at.astimezone(zone),
        count=notice.count,
        text=said(notice),
        acknowledged=AcknowledgedAnswer(who=taken.who, at=taken.at.astimezone(zone)) if taken else None,
    )
