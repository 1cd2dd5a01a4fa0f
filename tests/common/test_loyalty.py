"""The code of a member: signed, with an end, and about nobody."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import UserError
from common.loyalty import CODE_LENGTH, LAST_DAY, last_day_of, new_code, new_key, parse_key

KEY, OTHER = bytes(range(32)), bytes(32)
DAY = date(2027, 6, 30)


@given(st.dates(date(2020, 1, 1), LAST_DAY))
def test_a_code_tells_its_last_day_to_who_has_the_key(day: date) -> None:
    code = new_code(KEY, day)
    assert last_day_of([OTHER, KEY], code) == day
    assert last_day_of([OTHER], code) is None
    assert last_day_of([], code) is None


def test_a_code_fits_into_the_smallest_qr_code_and_no_two_are_alike() -> None:
    codes = {new_code(KEY, DAY) for _ in range(100)}
    assert len(codes) == 100
    assert {len(code) for code in codes} == {CODE_LENGTH} == {25}


def test_a_code_with_any_character_changed_is_none() -> None:
    code = new_code(KEY, DAY)
    for place in range(len(code)):
        changed = code[:place] + ("B" if code[place] == "A" else "A") + code[place + 1 :]
        assert last_day_of([KEY], changed) is None


@given(st.text(max_size=40) | st.text("ABCM234567", min_size=25, max_size=25))
def test_any_other_text_is_no_code(text: str) -> None:
    assert last_day_of([KEY], text) is None


def test_a_key_is_read_and_anything_else_refused_in_one_line() -> None:
    assert len(parse_key(f" {new_key()}\n", "file")) == 32
    for text in ("", "zz", "00" * 31):
        with pytest.raises(UserError, match="file: is not a key; make one with"):
            parse_key(text, "file")
