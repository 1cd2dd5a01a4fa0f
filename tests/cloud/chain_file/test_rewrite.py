"""A chain file that is changed says what was asked, and keeps every comment, whatever it looks like."""

from __future__ import annotations

import stat
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud.chain_file.file import ChainFile, NotWritable, section_of
from cloud.domain.chain import Chain
from cloud.domain.opening import WEEKDAYS
from common.errors import UserError
from tests.support.paths import ROOT

EXAMPLE = (ROOT / "cloud" / "chain.example.yaml").read_text()
ODD = """\
# above all
name: c
sites:
  # above the shop
  shop: # beside the shop
    title: 'Shop' # beside the title
    timezone: UTC
    opening:
      mon: 09:00-12:00
      tue: # above a list
        - 09:00-12:00 # beside a span
        - 13:00-15:00
        # below a list
      wed: closed
      thu: closed
      fri: closed
      sat: closed
      sun: closed
    # above special days
    special_days:
      # above the first
      2026-12-24: [09:00-10:00, 11:00-12:00]
      # above the second
      '2026-12-25': closed

      # below the second
    cameras:
      a/b: area
    # below the cameras

  other: {title: Other, timezone: UTC, opening: 09:00-10:00} # beside the other
# below all
"""

spans = st.sets(st.integers(0, 24 * 60), min_size=2, max_size=6).map(
    lambda edges: [
        f"{start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}"
        for start, end in zip(sorted(edges)[::2], sorted(edges)[1::2], strict=False)
    ]
)
hours = st.just("closed") | spans
dates = st.integers(0, 40).map(lambda number: str(date(2026, 12, 1) + timedelta(days=number)))
names = st.from_regex(r"[a-z0-9]{1,4}/[a-z0-9]{1,4}", fullmatch=True)
titles = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=100)
sections = st.fixed_dictionaries(
    {
        "title": titles.filter(str.strip)
        | st.sampled_from(["12:30", "null", "2026-12-25", "# 1", "yes", "*a"]),
        "timezone": st.sampled_from(["UTC", "Europe/Berlin"]),
        "opening": st.fixed_dictionaries(dict.fromkeys(WEEKDAYS, hours)),
    },
    optional={
        "special_days": st.dictionaries(dates, hours, max_size=5),
        "cameras": st.dictionaries(names, st.sampled_from(["entrance", "area"]), min_size=1, max_size=3),
    },
)


def comments(text: str) -> set[str]:
    """Those on lines of their own."""
    return {line.strip() for line in text.splitlines() if line.strip().startswith("#")}


@pytest.mark.parametrize("text", [EXAMPLE.replace("berlin-mitte", "shop"), ODD])
@given(changes=st.lists(sections, min_size=1, max_size=2))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_asked_is_in_the_file_and_no_comment_is_lost(
    tmp_path: Path, text: str, changes: list[dict[str, Any]]
) -> None:
    path = tmp_path / "chain.yaml"
    path.write_text(text)
    others = Chain.load(path).sites
    for section in changes:
        file = ChainFile(path)
        file.replace(file.planned("shop", section, {}))
        after = Chain.load(path).sites
        asked = Chain.model_validate({"name": "c", "sites": {"shop": section}}).sites["shop"]
        assert section_of(after["shop"]) == section_of(asked)
        assert (after["shop"].place, after["shop"].region) == (others["shop"].place, others["shop"].region)
        assert {name: site for name, site in after.items() if name != "shop"} == {
            name: site for name, site in others.items() if name != "shop"
        }
        lost = comments(text) - comments(path.read_text())
        assert lost <= {"# above a list", "# beside a span", "# beside the title"}


@given(first=sections, second=sections)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_new_file_says_what_was_asked(
    tmp_path: Path, first: dict[str, Any], second: dict[str, Any]
) -> None:
    path = tmp_path / "new.yaml"
    path.unlink(missing_ok=True)
    file = ChainFile(path)
    plan = file.planned("shop", first, {"other": second})
    file.replace(plan)
    assert Chain.load(path) == plan.chain
    assert set(plan.chain.sites) == {"shop", "other"}


def test_the_new_file_has_the_permissions_of_the_old_one_and_nothing_is_left_over(tmp_path: Path) -> None:
    path = tmp_path / "chain.yaml"
    path.write_text(ODD)
    path.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to(path)
    file = ChainFile(link)
    file.replace(file.planned("other", {"title": "O", "timezone": "UTC", "opening": "09:00-10:00"}, {}))
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert link.is_symlink()
    assert Chain.load(link).sites["other"].title == "O"
    assert sorted(tmp_path.iterdir()) == [path, link]


def test_a_folder_that_takes_no_file_is_told_and_the_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "chain.yaml"
    path.write_text(ODD)
    plan = ChainFile(path).planned("other", {"title": "O", "timezone": "UTC", "opening": "09:00-10:00"}, {})
    gone = ChainFile(tmp_path / "gone" / "chain.yaml")
    assert gone.why_not_writable() == "there is no such folder"
    with pytest.raises(NotWritable, match="No such file or directory"):
        gone.replace(plan)


def test_lines_that_two_shops_share_are_left_alone(tmp_path: Path) -> None:
    text = "name: c\nsites:\n  other: &a {title: A, timezone: UTC, opening: 09:00-10:00}\n  shop: *a\n"
    path = tmp_path / "chain.yaml"
    path.write_text(text)
    file = ChainFile(path)
    with pytest.raises(UserError, match="change it by hand"):
        file.replace(file.planned("shop", {"title": "Mine", "timezone": "UTC", "opening": "11:00-12:00"}, {}))
    assert path.read_text() == text
