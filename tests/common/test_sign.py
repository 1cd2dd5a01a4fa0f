"""What a sign says, and what is told beyond it: every published field belongs to a word on the sign."""

from __future__ import annotations

import pytest

from common.sign import MEASURES, OF_COHORT, OF_TOTALS, Statement, Told, told_by
from common.wire import Cohort, Profile, Totals
from edge.commands.told import told_by_settings
from edge.config import Settings
from tests.support.messages import health, notice, window, with_clips


def test_every_published_field_belongs_to_a_word_on_the_sign() -> None:
    assert Totals.model_fields.keys() == OF_TOTALS.keys()
    assert Cohort.model_fields.keys() == OF_COHORT.keys()
    assert {*OF_TOTALS.values(), *OF_COHORT.values()} <= {*MEASURES, "visits", "profile"}


def test_a_window_tells_its_doors_and_a_cohort_its_places() -> None:
    assert told_by([health()]) is None
    alone = told_by([window(0)])
    assert alone == Told("demographics", 5, 60, frozenset({"doors"}))
    beside = with_clips().model_copy(update={"staff_excluded": 0.0, "members": 0})
    broken_down = told_by([window(0), window(1, cohort=beside), notice()])
    assert broken_down == Told("demographics", 5, 60, frozenset(MEASURES))


def test_several_devices_tell_what_any_of_them_tells() -> None:
    wide, fine = Told("expression", 7, 900, frozenset({"heat"})), Told("count", 5, 60, frozenset({"doors"}))
    assert wide | fine == fine | wide == Told("expression", 5, 60, frozenset({"heat", "doors"}))


def test_a_sign_made_of_what_is_told_allows_it_and_nothing_more() -> None:
    told = Told("demographics", 5, 60, frozenset({"doors", "heat"}))
    sign = Statement.of("shop", told)
    assert sign.told == told
    assert sign.exceeded_by(told) == []
    assert sign.exceeded_by(Told("count", 9, 900, frozenset())) == []


@pytest.mark.parametrize(
    ("profile", "k", "window_s", "measure", "said"),
    [
        ("expression", 5, 60, "doors", "profile expression tells more than demographics"),
        ("demographics", 4, 60, "doors", "k 4 is less than 5"),
        ("demographics", 5, 30, "doors", "windows of 30 s are shorter than 60 s"),
        ("demographics", 5, 60, "queues", "queues: not on the sign"),
    ],
)
def test_what_is_beyond_a_sign_is_named(
    profile: Profile, k: int, window_s: int, measure: str, said: str
) -> None:
    sign = Statement(measures=("doors",))
    told = Told(profile, k, window_s, frozenset({measure}))  # type: ignore[arg-type]
    assert sign.exceeded_by(told) == [said]


def test_a_sign_that_is_silent_about_places_forbids_none() -> None:
    assert Statement().exceeded_by(Told("demographics", 5, 60, frozenset(MEASURES))) == []


def test_without_a_record_the_defaults_of_a_device_are_allowed() -> None:
    assert Statement().exceeded_by(told_by_settings(Settings())) == []
    assert (Statement().profile, Statement().k, Statement().window_s) == ("demographics", 5, 60)


def test_settings_tell_the_places_that_they_name() -> None:
    corners = [[0, 0], [1, 0], [1, 1]]
    zones = [
        {"name": "desk", "polygon": corners},
        {"name": "line", "polygon": corners, "queue": True, "front": "desk"},
        {"name": "staff", "polygon": corners, "exclude": True},
    ]
    full = Settings.model_validate(
        {
            "doors": [{"name": "street", "line": [[0, 0], [1, 1]], "inside": [0.5, 0.9]}],
            "zones": zones,
            "targets": [{"name": "screen", "yaw": 0, "pitch": 0}],
            "notices": [{"name": "full", "rule": "inside_over", "limit": 80}],
            "staff": {"badge": True},
            "loyalty": {"key_file": "loyalty-key"},
            "signage": {
                "token": "0123456789abcdef",
                "clips": [{"name": "brand", "kind": "brand"}],
                "rotation": ["brand"],
            },
        }
    )
    assert told_by_settings(full).measures == set(MEASURES)
    left_out = Settings.model_validate({"zones": zones[2:]})
    assert told_by_settings(left_out).measures == {"heat", "ways"}
