"""The world of a chaos run: hosts, servers and devices, and how a fault begins and ends in it."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.chaos.device import Plan
from tests.chaos.hosts import Hosts, Part
from tests.chaos.schedule import BRIDGES, BROKER, GOOD, SERVERS, STORE, Fault
from tests.chaos.servers import BROKER_PORT, BrokerFiles, Certificates, StoreFiles, bridge_settings
from tests.chaos.truth import Made, read_truth
from tests.support.brokers import until

_LOOK_EVERY_S = 0.25
_START_S = 600.0


@dataclass(frozen=True, slots=True)
class Form:
    """How large a run is. ``machines`` has the devices of each machine; ``disk_mib`` is the disk of each. ``began``
    is when a simulated clock begins, None for the clock of this machine."""

    seed: int
    machines: Mapping[str, Sequence[str]]
    window_s: int
    disk_mib: int
    retry_s: tuple[float, float]
    resend_within_s: float
    late_per_s: float
    keepalive_s: int
    began: float | None = None

    @property
    def devices(self) -> list[str]:
        return [name for names in self.machines.values() for name in names]


class World:
    """Everything that runs. Use it as a context; ``begin`` and ``end`` are about one fault each."""

    def __init__(self, folder: Path, form: Form) -> None:
        self.form, self._folder = form, folder
        self.hosts = Hosts([*SERVERS, *form.machines], form.seed)
        addresses = {name: end.address for name, end in self.hosts.ends.items()}
        for name in (
            "broker",
            "store",
            "truth",
            "logs",
            "disks",
            *(f"disks/{name}" for name in form.machines),
        ):
            (folder / name).mkdir()
        self.now_s = form.began
        self._offsets = dict.fromkeys(form.devices, 0.0)
        self._address = f"{addresses[BROKER]}:{BROKER_PORT}"
        self.certificates = Certificates(folder / "secrets", folder / "tls", addresses[BROKER])
        self._broker = BrokerFiles(folder / "broker", addresses[BROKER], self.certificates)
        self.store = StoreFiles(folder / "store", addresses[STORE])
        engine, front = self.store.commands
        self._front = self._part("front", STORE, front)
        self.parts = {
            BROKER: self._part("broker", BROKER, self._broker.command),
            STORE: self._part("store", STORE, engine),
        }
        for name in BRIDGES:
            config = folder / f"{name}.yaml"
            text = bridge_settings(
                name, addresses[BROKER], addresses[STORE], self.certificates.made, form.keepalive_s
            )
            config.write_text(text, encoding="utf-8")
            command = [sys.executable, "-m", "cloud", "bridge", "--config", str(config)]
            self.parts[name] = self._part("bridge", name, command)
        for name in form.machines:
            command = [sys.executable, "-m", "tests.chaos.device", str(self._plan(name))]
            self.parts[name] = self._part("device", name, command, listens=True)
        self._running = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as started:
            started.callback(self.store.close)
            started.enter_context(self.hosts)
            for name in self.form.machines:
                disk = str(self._disk(name))
                size = f"size={self.form.disk_mib}m"
                subprocess.run(["mount", "-t", "tmpfs", "-o", size, "chaos", disk], check=True)
                started.callback(subprocess.run, ["umount", "--lazy", disk], check=False)
            for name in self.form.devices:
                self.certificates.issue(name)
            started.enter_context(self._servers())
            for name in self.form.machines:
                self._start(name)
                started.callback(self.parts[name].kill)
            started.enter_context(self._watching())
            until(lambda: all(self.parts[name].heard for name in self.form.machines), "devices run", _START_S)
            self._running = started.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._running.close()

    def begin(self, fault: Fault) -> None:
        """Let something go wrong."""
        name, part = fault.target, self.parts.get(fault.target)
        match fault.kind:
            case "kill":
                assert part is not None
                part.kill()
            case "freeze":
                assert part is not None
                part.freeze()
            case "cut" | "bad link":
                self.hosts.link(name, fault.link)
            case "disk full":
                self._fill(name)
            case "clock":
                self._set_clock(name, fault.step_s)
            case "certificate":
                self._renew(name)
            case "access list":
                self._broker.allow_windows(allowed=False)
                self.parts[BROKER].restart()
            case "revoke":
                self.certificates.revoke(name)
                self.parts[BROKER].restart()

    def end(self, fault: Fault) -> None:
        """Mend it."""
        name = fault.target
        match fault.kind:
            case "kill":
                self._start(name)
            case "freeze":
                self.parts[name].thaw()
            case "cut" | "bad link":
                self.hosts.link(name, GOOD)
            case "disk full":
                self._filler(name).unlink()
            case "clock":
                self._set_clock(name, -fault.step_s)
            case "certificate":
                pass  # the new one stays
            case "access list":
                self._broker.allow_windows(allowed=True)
                self.parts[BROKER].restart()
            case "revoke":
                self.certificates.issue(name)

    def tell_devices(self, what: Mapping[str, object]) -> None:
        """Write a line to the input of every process with devices."""
        for name in self.form.machines:
            self.parts[name].tell(what)

    def heard(self, key: str) -> list[object]:
        """What each process with devices said last about ``key``; None where it has not said anything."""
        return [self.parts[name].heard.get(key) for name in self.form.machines]

    def truth(self) -> dict[str, Iterator[Made]]:
        """What each device made and kept."""
        files = {name: self._folder / "truth" / name.replace("/", "+") for name in self.form.devices}
        return {name: read_truth(file) for name, file in files.items()}

    def peaks(self) -> dict[str, float]:
        """The most memory that a process of each role has had, in MiB."""
        peaks: dict[str, float] = {}
        for part in (*self.parts.values(), self._front):
            peaks[part.role] = max(peaks.get(part.role, 0.0), part.peak_mib)
        return peaks

    def _part(self, role: str, host: str, command: Sequence[str], *, listens: bool = False) -> Part:
        log = self._folder / "logs" / f"{role if role == 'front' else host}.log"
        return Part(role, self.hosts.command(host, *command), log, listens=listens)

    @contextmanager
    def _servers(self) -> Iterator[None]:
        with ExitStack() as started:
            for part in (self._front, *(self.parts[name] for name in (STORE, BROKER))):
                part.start()
                started.callback(part.kill, signal.SIGTERM)  # nginx takes its worker with it
            with self.hosts.inside(STORE):
                until(self.store.answers, "the store answers", _START_S)
                self.store.prepare()
            for name in BRIDGES:
                self.parts[name].start()
                started.callback(self.parts[name].kill)
            yield

    @contextmanager
    def _watching(self) -> Iterator[None]:
        """Look after all processes in a thread, as systemd does."""
        over = threading.Event()

        def watch() -> None:
            while not over.wait(_LOOK_EVERY_S):
                for part in (self._front, *self.parts.values()):
                    part.look()

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _start(self, name: str) -> None:
        if name in self.form.machines:
            self._plan(name)
        self.parts[name].start()

    def _plan(self, name: str) -> Path:
        """Write what a process with devices is told when it starts."""
        form, path = self.form, self._folder / f"{name}.json"
        plan = Plan(
            devices=list(form.machines[name]),
            folder=self._disk(name),
            truth=self._folder / "truth",
            tls=self._folder / "tls",
            broker=self._address,
            seed=form.seed,
            window_s=form.window_s,
            offsets={device: self._offsets[device] for device in form.machines[name]},
            retry_s=form.retry_s,
            resend_within_s=form.resend_within_s,
            late_per_s=form.late_per_s,
            keepalive_s=form.keepalive_s,
            now=self.now_s,
        )
        path.write_text(plan.dump(), encoding="utf-8")
        return path

    def _disk(self, machine: str) -> Path:
        return self._folder / "disks" / machine

    def _filler(self, machine: str) -> Path:
        return self._disk(machine) / "filler"

    def _fill(self, machine: str) -> None:
        with self._filler(machine).open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))

    def _set_clock(self, name: str, step_s: float) -> None:
        self._offsets[name] += step_s
        machine = next(machine for machine, names in self.form.machines.items() if name in names)
        self._plan(machine)
        self.parts[machine].tell({"offsets": {name: self._offsets[name]}})

    def _renew(self, name: str) -> None:
        if name in self._offsets:
            self.certificates.issue(name)
            machine = next(machine for machine, names in self.form.machines.items() if name in names)
            if len(self.form.machines[machine]) == 1:
                self.parts[machine].restart()
        else:
            self.certificates.renew("broker" if name == BROKER else "bridge")
            self.parts[name].restart()

    def stop_devices(self) -> None:
        """End the processes with devices as an administrator does."""
        for name in self.form.machines:
            self.parts[name].kill(signal.SIGTERM)
