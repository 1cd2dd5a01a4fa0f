"""Write privacy-rules.md beside this file, from ``edge.vision.rules``: ``make docs``."""

from __future__ import annotations

from pathlib import Path

from edge.vision.rules import RULES

HERE = Path(__file__).parent
INTRODUCTION = """# Published fields and their rules

<!-- written by `make docs` from `edge/vision/rules.py`: change that -->

Every field of a [window](wire.md#windowmessage) that is about people, with the rule that protects it. `*` stands for a
label, a name or a cell. [privacy.md](privacy.md#the-rule) explains the rules. All other fields are about the device and
its settings.

| field | rule |
| --- | --- |
"""


def page() -> str:
    return INTRODUCTION + "".join(f"| `{field}` | {rule} |\n" for field, rule in RULES.items())


if __name__ == "__main__":
    (HERE / "privacy-rules.md").write_text(page(), encoding="utf-8")
