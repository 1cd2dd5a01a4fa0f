"""``footlight-cloud``: the command line of the cloud side."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from cloud import configure, provision, rollup
from cloud.analysis import command as comparison
from cloud.bridge import Bridge, Tls
from cloud.config import MqttSettings, load
from cloud.log_rate import LogRate
from cloud.reports import command as report
from cloud.simulation import command as simulation
from cloud.stores.connect import open_store
from cloud.stores.store import Store
from edge.clock import SystemClock
from edge.errors import UserError
from edge.yamlfile import masked_yaml

log = logging.getLogger("cloud")

_ENDS = (signal.SIGTERM, signal.SIGINT)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it did its work, 2 when a person must mend something first."""
    args = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    for chatty in ("amqtt", "transitions", "uvicorn", "websockets"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        return int(args.command(args))
    except UserError as error:
        print(f"footlight-cloud: {error}", file=sys.stderr)
    except ModuleNotFoundError as error:  # a machine of the other role has this command too
        missing = f"{error.name} is not installed; install Footlight with the cloud extra"
        print(f"footlight-cloud: {missing}", file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="footlight-cloud", description="From the broker to a store and a page."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command, text in (
        ("bridge", _bridge, "move messages from a broker into the store"),
        ("serve", _serve, "one box: broker, bridge, embedded store and page in one process"),
    ):
        with_config = commands.add_parser(name, help=text)
        with_config.add_argument("--config", type=Path, required=True, metavar="FILE")
        with_config.set_defaults(command=command)
    for name, command, text in (
        ("check-config", _check_config, "say whether a configuration file is right"),
        ("show-config", _show_config, "print all settings in force, secrets masked"),
    ):
        with_file = commands.add_parser(name, help=text)
        with_file.add_argument("config", type=Path, metavar="FILE")
        with_file.set_defaults(command=command)
    demo = commands.add_parser("demo", help="watch Footlight count, from the camera to the page")
    demo.add_argument(
        "--source", metavar="S", help="camera number, file or rtsp:// address (default: the sample scene)"
    )
    demo.add_argument("--stay", action="store_true", help="keep the page up at the end")
    demo.add_argument("--port", type=int, default=0, help="port of the page (default: any free one)")
    demo.add_argument("--json", action="store_true", help="print the result as JSON")
    demo.set_defaults(command=_demo)
    rollup.add_parser(commands)
    comparison.add_parser(commands)
    report.add_parser(commands)
    simulation.add_parser(commands)
    provision.add_parser(commands)
    configure.add_parser(commands)
    return parser


def _bridge(args: argparse.Namespace) -> int:
    settings = load(args.config)
    store = open_store(settings, SystemClock())
    try:
        bridge = _make_bridge(settings.mqtt, store)
        for number in _ENDS:
            signal.signal(number, lambda *_: bridge.stop())
        bridge.run()
        log.info("stopped: %s", bridge.stats)
    finally:
        store.close()
    return 0


def _serve(args: argparse.Namespace) -> int:
    # Here and not above: a bridge needs neither a broker nor a page.
    from cloud.serve import Box, serve

    settings = load(args.config)
    for handler in logging.getLogger().handlers:
        handler.addFilter(LogRate())

    def ready(box: Box) -> None:
        log.info("broker on port %d, page at %s", box.mqtt_port, box.page_url)

    async def until_signal() -> None:
        stop = asyncio.Event()
        for number in _ENDS:
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await serve(settings, clock=SystemClock(), stop=stop, ready=ready)

    asyncio.run(until_signal())
    return 0


def _check_config(args: argparse.Namespace) -> int:
    load(args.config)
    print(f"{args.config}: ok")
    return 0


def _show_config(args: argparse.Namespace) -> int:
    print(masked_yaml(load(args.config)), end="")
    return 0


def _demo(args: argparse.Namespace) -> int:
    from cloud import demo  # it brings the whole edge with it

    return int(demo.run(args))


def _make_bridge(mqtt: MqttSettings, store: Store) -> Bridge:
    tls = mqtt.tls
    return Bridge(
        store,
        host=mqtt.host,
        port=mqtt.port,
        client_id=mqtt.client_id,
        protocol=mqtt.protocol,
        share=mqtt.share,
        session_expiry_s=mqtt.session_expiry_s,
        username=mqtt.username,
        password=mqtt.password.get_secret_value() if mqtt.password else None,
        tls=Tls(*tls.files()) if tls else None,
    )


if __name__ == "__main__":
    sys.exit(main())
