"""``footlight-edge``: run the service, try it on files, check its configuration."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from edge.clock import SystemClock
from edge.errors import UserError
from edge.systemd import configure_logging

if TYPE_CHECKING:
    from edge.config import Settings

PROGRAM = "footlight-edge"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM, description="Counts visits where the camera is; no picture leaves."
    )
    commands = parser.add_subparsers(dest="command", required=True)

    def add(name: str, text: str, *, config: bool | None) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        if config is not None:
            command.add_argument("--config", type=Path, required=config, metavar="FILE", help="YAML settings")
        return command

    add("run", "Run the service: camera to MQTT, until stopped.", config=True)
    replay = add("replay", "Play files through the whole pipeline and print what was counted.", config=False)
    replay.add_argument("sources", nargs="+", metavar="SOURCE", help="video, picture or folder of pictures")
    scene = add("scene", "Tell who walks by in the sample scene (camera source: scene).", config=None)
    scene.add_argument("--seed", type=int, help="another scene than that of the demo")
    doctor = add("doctor", "Check every hop from the camera to the store and back.", config=True)
    doctor.add_argument("--json", action="store_true", help="one line of JSON instead of the table")
    place = add("place", "Tell within half a minute whether this camera position will work.", config=True)
    place.add_argument("--seconds", type=_seconds, default=30.0, metavar="S", help="how long to watch (30)")
    place.add_argument("--json", action="store_true", help="every figure, and nothing else, when it is over")
    place.add_argument(
        "--publish", action="store_true", help="show numbers and outlines on the built-in page"
    )
    bench = add("bench", "Measure what this machine can do, and say what to configure.", config=False)
    bench.add_argument("--quick", action="store_true", help="in a tenth of the time, and coarser")
    bench.add_argument("--json", action="store_true", help="every figure for a program")
    inspect = add("inspect", "Describe every face of one picture.", config=False)
    inspect.add_argument("image", type=Path, metavar="IMAGE")
    inspect.add_argument("--annotate", type=Path, metavar="OUT.png", help="draw the findings into a picture")
    for command in (replay, inspect, scene):
        command.add_argument("--format", choices=("table", "json"), default="table")
    for name, text in (
        ("check-config", "Say whether a configuration is right."),
        ("show-config", "Print the effective configuration, secrets masked."),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("file", type=Path, metavar="FILE")
        if name == "show-config":
            command.add_argument(
                "--state",
                type=Path,
                metavar="DIR",
                help="with what the server asked for, as kept by the service here",
            )
    return parser


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 5 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text}: give 5 to 3600 seconds")
    return seconds


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. 0 done, 2 bad input (one line on standard error; of several sources, one for each bad one)."""
    arguments = _parser().parse_args(argv)
    try:
        code = COMMANDS[arguments.command](arguments)
        sys.stdout.flush()  # here, where a reader that has gone is expected
    except UserError as error:
        return _complain(error)
    except ModuleNotFoundError as error:  # a machine of the other role has this command too
        return _complain(UserError(f"{error.name} is not installed; install Footlight with the edge extra"))
    except BrokenPipeError:  # the reader of our output has gone, as in `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python writes the rest when it ends
        return 0
    except KeyboardInterrupt:
        return 130
    return code


def _complain(error: UserError) -> int:
    print(f"{PROGRAM}: {error}", file=sys.stderr)
    return 2


def _run(arguments: argparse.Namespace) -> int:
    from edge.app import serve
    from edge.config import load

    settings = load(arguments.config)
    names = {"SITE": settings.site, "DEVICE": settings.device, "CAMERA": settings.camera.name}
    configure_logging(settings.log.level, fields={f"FOOTLIGHT_{key}": name for key, name in names.items()})
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    serve(settings, clock=SystemClock(), stop=stop)
    return 0


def _settings(arguments: argparse.Namespace) -> Settings:
    from edge.config import Settings, load

    return load(arguments.config) if arguments.config else Settings()


def _replay(arguments: argparse.Namespace) -> int:
    from edge import tables
    from edge.replay import replay_source
    from edge.stages import load_models

    settings = _settings(arguments)
    results, code = [], 0
    for source in arguments.sources:
        # fresh models a source: what one file did cannot colour the next
        models = load_models(settings)
        try:
            with tables.progress(source) as progress:
                result = replay_source(source, settings, models, SystemClock(), progress=progress)
        except UserError as error:  # the others are worth their line all the same
            code = _complain(error)
            continue
        if arguments.format == "json":
            print(json.dumps(result), flush=True)
        results.append(result)
    if arguments.format == "table" and results:
        tables.show(tables.replay_table(results))
    return code


def _inspect(arguments: argparse.Namespace) -> int:
    from edge import tables
    from edge.inspect import draw, inspect_picture, save_picture
    from edge.stages import load_models

    settings = _settings(arguments)
    image, faces = inspect_picture(arguments.image, settings, load_models(settings))
    if arguments.annotate:
        save_picture(arguments.annotate, draw(image, faces))
    if arguments.format == "json":
        print(json.dumps({"source": str(arguments.image), "faces": faces}))
    else:
        tables.show(tables.inspect_table(faces))
    return 0


def _scene(arguments: argparse.Namespace) -> int:
    from edge import tables
    from edge.replay import scene_truth
    from edge.scene.render import DEFAULT_SEED, Scene

    truth = scene_truth(Scene(DEFAULT_SEED if arguments.seed is None else arguments.seed))
    if arguments.format == "json":
        print(json.dumps(truth))
    else:
        tables.show(tables.scene_table(truth))
    return 0


def _doctor(arguments: argparse.Namespace) -> int:
    from rich.console import Console

    from edge.config import load
    from edge.doctor.command import doctor
    from edge.doctor.table import as_json, show

    hops = doctor(load(arguments.config), arguments.config, clock=SystemClock())
    logging.disable(logging.WARNING)  # what a part of the service would log is a line of the doctor's here
    try:
        if arguments.json:
            line, state = as_json(hops)
            print(line)
        else:
            state = show(hops, Console())
    finally:
        logging.disable(logging.NOTSET)
    return int(state == "red")


def _place(arguments: argparse.Namespace) -> int:
    from edge.config import load
    from edge.place.command import place

    return place(
        load(arguments.config),
        seconds=arguments.seconds,
        as_json=arguments.json,
        publish=arguments.publish,
        clock=SystemClock(),
    )


def _bench(arguments: argparse.Namespace) -> int:
    from edge.bench.command import bench

    return bench(_settings(arguments), clock=SystemClock(), quick=arguments.quick, as_text=not arguments.json)


def _check_config(arguments: argparse.Namespace) -> int:
    from edge.config import load

    load(arguments.file).mqtt.secret()  # a password file that cannot be read is a mistake too
    print(f"{arguments.file}: fine")
    return 0


def _show_config(arguments: argparse.Namespace) -> int:
    from edge.config import load, show

    settings = load(arguments.file)
    if arguments.state is not None:
        from edge.remote import as_kept

        settings, explained = as_kept(settings, arguments.state)
        print("".join(f"# {line}\n" for line in explained), end="")
    print(show(settings), end="")
    return 0


COMMANDS = {
    "run": _run,
    "replay": _replay,
    "inspect": _inspect,
    "scene": _scene,
    "doctor": _doctor,
    "place": _place,
    "bench": _bench,
    "check-config": _check_config,
    "show-config": _show_config,
}

if __name__ == "__main__":
    sys.exit(main())
