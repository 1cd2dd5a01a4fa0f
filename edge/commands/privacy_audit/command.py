"""``footlight-edge privacy-audit``: the checks in order, and what they look at."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import psutil

from common.clock import Clock
from common.errors import UserError
from edge.commands.doctor import service
from edge.commands.doctor.checks import Check, Finding, State, run_checks, what_and_fix
from edge.commands.doctor.surroundings import in_force, surroundings
from edge.commands.privacy_audit.camera import camera
from edge.commands.privacy_audit.installed import code
from edge.commands.privacy_audit.memory import core_dumps, swap
from edge.commands.privacy_audit.models import models
from edge.commands.privacy_audit.payloads import payloads
from edge.commands.privacy_audit.publisher import publisher
from edge.commands.privacy_audit.sandbox import sandbox
from edge.commands.privacy_audit.sign import sign
from edge.commands.privacy_audit.sockets import sockets
from edge.commands.privacy_audit.subject import (
    SIGN,
    Inspection,
    NotRunning,
    Subject,
    cannot_tell,
    main_process,
    start,
)
from edge.commands.privacy_audit.written import files
from edge.config import Settings

INSPECTIONS: tuple[tuple[str, Inspection], ...] = (
    ("files", files),
    ("sockets", sockets),
    ("messages", payloads),
    ("settings", sign),
    ("camera", camera),
    ("publisher", publisher),
    ("swap", swap),
    ("core dumps", core_dumps),
    ("sandbox", sandbox),
    ("models", models),
    ("code", code),
)
EXIT_CODES: Mapping[State, int] = {"green": 0, "red": 1, "amber": 2}
"""Nothing found; a leak; nobody can tell."""


def audit(subject: Subject) -> Iterator[Check]:
    """Yield each check when it is done."""
    return run_checks([(name, partial(inspect, look, subject)) for name, look in INSPECTIONS])


def inspect(look: Inspection, subject: Subject) -> Finding:
    """Run one check. What it may not see, or cannot read, is never taken for fine."""
    try:
        return look(subject)
    except NotRunning:
        return cannot_tell("no running service is known", start(subject))
    except (PermissionError, psutil.AccessDenied) as error:
        return cannot_tell(" ".join(str(error).split()), "run it as root")
    except (psutil.NoSuchProcess, ProcessLookupError):
        return cannot_tell("the service ended meanwhile", "run it again")
    except (UserError, OSError, ValueError) as error:
        what, fix = what_and_fix(error)
        return cannot_tell(what, fix or "check the file that is named here")


def subject_of(
    own: Settings,
    config: Path,
    *,
    clock: Clock,
    environ: Mapping[str, str] = os.environ,
    pid: int | None = None,
    sign: Path = SIGN,
) -> Subject:
    """Find the service of this configuration, and its process. Raises ``UserError`` for a ``pid`` that is none."""
    unit, environ = surroundings(config, environ)
    properties = service.ask_systemd(f"{unit}.service")
    try:
        process = main_process(properties) if pid is None else psutil.Process(pid)
    except psutil.NoSuchProcess:
        raise UserError(f"--pid: there is no process {pid}; systemctl status {unit} shows it") from None
    settings, made_of = in_force(own, environ)
    return Subject(
        settings=settings,
        own=own,
        unit=f"{unit}.service",
        process=process,
        properties=properties,
        environ=environ,
        made_of=made_of,
        sign=sign,
        clock=clock,
    )
