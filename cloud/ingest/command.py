"""``footlight-cloud bridge``: move messages from a broker into the store."""

from __future__ import annotations

import argparse
import gc
import logging
import signal

from cloud.config import load
from cloud.ingest.bridge import Bridge
from cloud.ingest.metrics import serving_metrics
from cloud.ingest.missing import telling_missing
from cloud.ingest.notices import telling
from cloud.stores.connect import open_numbers, open_store
from common.clock import SystemClock
from common.command_line import add_command, add_config

log = logging.getLogger(__name__)


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``bridge``."""
    parser = add_command(commands, "bridge", "move messages from a broker into the store")
    add_config(parser)
    parser.set_defaults(command=run)


def run(args: argparse.Namespace) -> int:
    """Run the bridge until a signal arrives. Raises ``UserError``."""
    settings = load(args.config)
    mqtt = settings.mqtt
    clock = SystemClock()
    store = open_store(settings, clock, repair=True)
    try:
        with (
            open_numbers(settings, store) as numbers,
            telling(settings.notices, store, clock) as tell,
            telling_missing(settings.notices, numbers, clock),
        ):
            bridge = Bridge(
                store,
                mqtt.broker(),
                client_id=mqtt.client_id,
                share=mqtt.share,
                min_k=settings.privacy.min_k,
                tell=tell,
                session_expiry_s=mqtt.session_expiry_s,
            )
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: bridge.stop())
            with serving_metrics(settings.metrics.port if settings.metrics else None, lambda: bridge.stats):
                _spare_the_garbage_collector()
                bridge.run()
        log.info("stopped: %s", bridge.stats)
    finally:
        store.close()
    return 0


def _spare_the_garbage_collector() -> None:
    """Let it look neither through all that is loaded, which took a quarter of the time, nor ten times at each batch."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
