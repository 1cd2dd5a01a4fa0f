"""What the pages say of commands, settings and make targets is true."""

from __future__ import annotations

import argparse
import re
import runpy
import shlex
from collections.abc import Callable, Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from cloud.__main__ import _parser as cloud_parser
from cloud.config import Settings as CloudSettings
from edge.__main__ import _parser as edge_parser
from edge.config import Settings as EdgeSettings
from tests.support.paths import ROOT

PAGES = sorted((*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*/README.md")))
TEXTS = {path: path.read_text(encoding="utf-8") for path in PAGES}
PARSERS: dict[str, Callable[[], argparse.ArgumentParser]] = {
    "footlight-edge": edge_parser,
    "footlight-cloud": cloud_parser,
}
COMMAND = re.compile(r"(?:\S*/)?(footlight-(?:edge|cloud))((?: +[^\s`#|]+)*)")


def shown_commands() -> Iterator[tuple[str, str, str]]:
    """Where, program and arguments of every command line that somebody might copy: a line of its own in a page,
    an example's comment, a unit."""
    for path, text in TEXTS.items():
        for block in re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            for line in block.splitlines():
                if found := COMMAND.match(line.strip()):
                    yield path.name, found[1], found[2]
    for path in (*ROOT.glob("edge/*example.yaml"), *ROOT.glob("cloud/*example.yaml")):
        for found in re.finditer(
            rf"^#.*?\s{COMMAND.pattern}", path.read_text(encoding="utf-8"), re.MULTILINE
        ):
            yield f"{path.parent.name}/{path.name}", found[1], re.split(r"\s{2,}", found[2].strip())[0]
    for path in (ROOT / "systemd").glob("*.service"):
        for found in re.finditer(rf"^ExecStart={COMMAND.pattern}$", path.read_text(), re.MULTILINE):
            yield path.name, found[1], found[2]


COMMANDS = sorted(set(shown_commands()))


def test_the_pages_show_commands_of_both_programs_and_both_units() -> None:
    assert {program for _, program, _ in COMMANDS} == set(PARSERS)
    assert {"README.md", "edge/example.yaml", "cloud/example.yaml"} <= {where for where, _, _ in COMMANDS}
    assert {path.name for path in (ROOT / "systemd").glob("*.service")} <= {where for where, _, _ in COMMANDS}


@pytest.mark.parametrize(("where", "program", "arguments"), COMMANDS)
def test_every_command_line_that_is_shown_is_understood(where: str, program: str, arguments: str) -> None:
    try:
        PARSERS[program]().parse_args(shlex.split(arguments))
    except SystemExit:
        pytest.fail(f"{where}: {program} {arguments.strip()}: is not understood")


@pytest.mark.parametrize("program", PARSERS)
def test_every_command_that_is_named_exists(program: str) -> None:
    """In running text a command is named without its arguments: `footlight-edge run`."""
    named = {
        found
        for text in (*TEXTS.values(), (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
        for found in re.findall(rf"`(?:\S*/)?{program} ([a-z-]+)", text)
    }
    (commands,) = (
        action.choices
        for action in PARSERS[program]()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    assert named <= set(commands)


def members(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models inside an annotation, through unions, lists and Annotated."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from members(argument)


def keys(model: type[BaseModel], prefix: str = "") -> set[str]:
    """Every key of a settings model with its path."""
    found = set()
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        found.add(path)
        for inner in members(field.annotation):
            found |= keys(inner, f"{path}.")
    return found


SECTIONS = {name for model in (EdgeSettings, CloudSettings) for name in model.model_fields}
KEYS = keys(EdgeSettings) | keys(CloudSettings)
FILES = (".crt", ".json", ".key", ".md", ".py", ".sqlite", ".tflite", ".toml", ".yaml", ".yml")


def named_keys() -> Iterator[tuple[str, str]]:
    for path, text in TEXTS.items():
        for word in re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)(?:: [^`]*)?`", text):
            if word.partition(".")[0] in SECTIONS and not word.endswith(FILES):
                yield path.name, word


def test_every_setting_that_is_named_exists() -> None:
    assert [f"{where}: {key}" for where, key in named_keys() if key not in KEYS] == []


def test_every_setting_that_a_mistake_advises_exists() -> None:
    """The one line of a mistake says which key to look at."""
    advised = {
        (path.name, word)
        for folder in ("common", "edge", "cloud")
        for path in (ROOT / folder).rglob("*.py")
        for word in re.findall(
            r"(?:see|check|and|,) ((?:mqtt|models|camera|serve|store|outbox)\.[a-z_.]+[a-z])",
            " ".join(re.findall(r'f?"([^"]*)"', path.read_text(encoding="utf-8"))),
        )
    }
    assert advised
    assert [f"{where}: {key}" for where, key in advised if key not in KEYS] == []


def test_every_make_target_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = {
        target
        for text in (*TEXTS.values(), (ROOT / ".ci" / "run").read_text(encoding="utf-8"))
        for target in re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE)
    }
    assert named
    assert named <= targets


@pytest.mark.parametrize(
    "name", re.findall(r"-m ((?:models_tflite|benchmarks|tests)(?:\.\w+)+)", (ROOT / "Makefile").read_text())
)
def test_every_module_that_make_runs_is_there(name: str) -> None:
    module = ROOT / name.replace(".", "/")
    assert module.with_suffix(".py").is_file() or (module / "__main__.py").is_file()


def test_every_module_that_is_named_exists() -> None:
    named = {
        name
        for text in TEXTS.values()
        for name in re.findall(
            r"`((?:common|edge|cloud|models_tflite|dashboards|benchmarks)(?:\.[a-z_]+)+)`", text
        )
        if not name.endswith(FILES)
    }
    assert named
    paths = {name: ROOT / name.replace(".", "/") for name in named}
    assert {
        name for name, path in paths.items() if not (path.is_dir() or path.with_suffix(".py").is_file())
    } == set()


def test_the_index_lists_every_page_and_decision() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    linked = {link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", index)}
    pages = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    assert pages - {"README.md"} - linked == set()


@pytest.mark.parametrize(
    ("script", "page"), [("storage.py", "storage.md"), ("rules.py", "privacy-rules.md")], ids=str
)
def test_a_page_that_is_made_from_the_code_is_up_to_date(script: str, page: str) -> None:
    made: str = runpy.run_path(str(ROOT / "docs" / script))["page"]()
    assert (ROOT / "docs" / page).read_text(encoding="utf-8") == made, "run make docs"
