"""What every command has: its configuration in two forms, exit codes, one line for a mistake."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from cloud.__main__ import main as cloud
from common.command_line import add_command, add_config, add_config_commands, run_command
from common.errors import UserError
from edge.__main__ import main as edge

Capture = pytest.CaptureFixture[str]

BOTH_FORMS = [
    *((edge, [command]) for command in ("run", "doctor", "place", "bench", "check-config", "show-config")),
    *((cloud, [command]) for command in ("bridge", "serve", "check-config", "show-config")),
    (cloud, ["provision", "--chain", "chain.yaml"]),
]


def parser_with(
    run: Callable[[argparse.Namespace], int], *, required: bool = True
) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="program")
    command = parser.add_subparsers(required=True).add_parser("work")
    add_config(command, required=required)
    command.set_defaults(command=run)
    return parser


@pytest.mark.parametrize("arguments", [["a.yaml"], ["--config", "a.yaml"], ["--config=a.yaml"]])
def test_a_configuration_is_named_in_either_form(arguments: list[str]) -> None:
    parser = parser_with(lambda args: int(args.config == Path("a.yaml")))
    assert run_command(parser, ["work", *arguments], extra="edge") == 1


def test_a_configuration_that_is_optional_may_be_left_out() -> None:
    parser = parser_with(lambda args: int(args.config is None), required=False)
    assert run_command(parser, ["work"], extra="edge") == 1


@pytest.mark.parametrize("arguments", [[], ["a.yaml", "--config", "b.yaml"]])
def test_one_configuration_is_needed(capsys: Capture, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run_command(parser_with(lambda _: 0), ["work", *arguments], extra="edge")
    assert ended.value.code == 2
    assert "--config" in capsys.readouterr().err


@pytest.mark.parametrize(("program", "command"), BOTH_FORMS)
def test_a_command_takes_its_configuration_in_both_forms(
    tmp_path: Path, capsys: Capture, program: Callable[[Sequence[str]], int], command: list[str]
) -> None:
    absent = str(tmp_path / "absent.yaml")
    for form in ([absent], ["--config", absent]):
        assert program([*command, *form]) == 2
        assert capsys.readouterr().err.endswith(f": {absent}: no such file\n")


def test_check_config_says_that_a_file_is_right(capsys: Capture) -> None:
    parser = argparse.ArgumentParser(prog="program")
    checked: list[Path] = []
    add_config_commands(parser.add_subparsers(), check=checked.append, show=lambda args: f"{args.config}\n")
    for arguments in (["a.yaml"], ["--config", "a.yaml"]):
        assert run_command(parser, ["check-config", *arguments], extra="edge") == 0
        assert run_command(parser, ["show-config", *arguments], extra="edge") == 0
    assert checked == [Path("a.yaml")] * 2
    assert capsys.readouterr().out == "a.yaml: ok\na.yaml\n" * 2


def failing(error: BaseException) -> Callable[[argparse.Namespace], int]:
    def run(_: argparse.Namespace) -> int:
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (UserError("camera: no such device"), 2, "program: camera: no such device\n"),
        (UserError("a\nb\x1b[31m"), 2, "program: a\\nb\\x1b[31m\n"),
        (
            UserError("camera rtsp://me:hunter2@cam/sub is off"),
            2,
            "program: camera rtsp://***@cam/sub is off\n",
        ),
        (
            ModuleNotFoundError("no", name="cv2"),
            2,
            "program: cv2 is not installed; install Footlight with the edge extra\n",
        ),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_what_a_person_can_mend_is_one_line(
    capsys: Capture, error: BaseException, code: int, line: str
) -> None:
    assert run_command(parser_with(failing(error)), ["work", "a.yaml"], extra="edge") == code
    assert capsys.readouterr() == ("", line)


def test_a_fault_that_nobody_named_is_no_message() -> None:
    with pytest.raises(ZeroDivisionError):
        run_command(parser_with(failing(ZeroDivisionError())), ["work", "a.yaml"], extra="edge")


def test_a_command_says_what_it_does_in_the_list_and_in_its_own_help(
    capsys: pytest.CaptureFixture[str],
) -> None:
    parser = argparse.ArgumentParser(prog="program")
    add_command(parser.add_subparsers(), "work", "do the work")
    for asked in (["--help"], ["work", "--help"]):
        with pytest.raises(SystemExit):
            parser.parse_args(asked)
        assert "Do the work.\n" in capsys.readouterr().out
