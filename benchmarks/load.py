"""x"""

from __future__ import annotations

import os
import pickle
import sys
import tempfile
import time
from pathlib import Path

import httpx
import psutil

from benchmarks.load_parts import *
from common.clock import SystemClock
from common.mqtt.broker import Broker
from common.mqtt.session import Session
from tests.support.brokers import until

COUNT = 'SELECT count("visits") FROM "window"'


def count(store):
    return sum(r["count"] for r in store.query(COUNT))


def drain(start, folder, server, store, messages):
    with connected(start, folder, store) as (broker, program):
        mq = psutil.Process(broker.pid)
        parts = lambda: {"broker": cpu_s(mq), "program": program.cpu_s, "store": server.cpu_s}
        before = parts()
        with program.paused():
            with Session(
                Broker(host="127.0.0.1", port=broker.port), "load", clock=SystemClock(), timeout_s=60
            ) as s:
                for t, p in messages:
                    s.post(t, p)
                s.flush()
        began = time.monotonic()
        mid = parts()
        if os.environ.get("SPY"):
            import subprocess

            subprocess.Popen(
                [
                    "/work/tmp/load/venv/bin/py-spy",
                    "record",
                    "-d",
                    "4",
                    "-r",
                    "200",
                    "-f",
                    "raw",
                    "-o",
                    "/work/tmp/load/spy.txt",
                    "--pid",
                    str(program._process.pid),
                ]
            )
        until(lambda: count(store) >= len(messages), "stored", 120, every_s=0.2)
        s = time.monotonic() - began
        after = parts()
        return {
            "s": s,
            **{k: round((after[k] - before[k]) / len(messages) * 1e6, 1) for k in after},
            "pub": round((mid["broker"] - before["broker"]) / len(messages) * 1e6, 1),
        }


def main():
    msgs = [m for m in pickle.load(open("/work/tmp/load/load.pkl", "rb")) if m[0].endswith("/window")][:20000]
    which = {"bridge": bridge, "telegraf": telegraf(Path("/work/real/bin/telegraf"))}
    with tempfile.TemporaryDirectory() as f:
        f = Path(f)
        (f / "store").mkdir()
        server = Server(f / "store")
        server.start()
        try:
            until(lambda: ok(server.url), "up")
            make_user(server.url)
            with httpx.Client(auth=(USER, PASSWORD), timeout=30) as http:
                engine = Engine(server.url, f"{USER}:{PASSWORD}", "-", http)
                for r in range(int(sys.argv[2]) if len(sys.argv) > 2 else 2):
                    for name in sys.argv[1].split(","):
                        with engine.installation() as store:
                            print(name, drain(which[name], f / f"{name}{r}", server, store, msgs), flush=True)
        finally:
            server.kill()


def ok(url):
    try:
        return httpx.get(url + "/ping").status_code == 204
    except httpx.TransportError:
        return False


if __name__ == "__main__":
    main()
