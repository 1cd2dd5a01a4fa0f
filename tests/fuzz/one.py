"""The process that fuzzes one target: ``python -m tests.fuzz.one TARGET [arguments of libFuzzer] FOLDER ...``."""

from __future__ import annotations

import sys

import atheris  # type: ignore[import-untyped, unused-ignore]

with atheris.instrument_imports(include=["common", "edge", "cloud"]):
    from tests.fuzz.targets import PLANTED, TARGETS, quiet
from tests.fuzz.mutate import mutated

_WITH_CHANNEL = ("wire", "intake")
_JSON = (*_WITH_CHANNEL, "remote-config")


def main() -> None:
    target = sys.argv.pop(1)

    def mutate(data: bytes, longest: int, seed: int) -> bytes:
        first = 1 if target in _WITH_CHANNEL else 0
        text = mutated(data[first:], seed) if seed % 2 else None
        return atheris.Mutate(data, longest) if text is None else (data[:first] + text)[:longest]

    quiet()
    custom = {"custom_mutator": mutate} if target in _JSON else {}
    atheris.Setup(sys.argv, {**TARGETS, **PLANTED}[target](), **custom)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
