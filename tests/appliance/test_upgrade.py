"""``make upgrade`` brings a device to the next version, and back by itself when that one does not count."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.appliance.control import Played
from tests.appliance.deployed import UPGRADE, Shop
from tests.appliance.machine import Machine
from tests.appliance.releases import DIES, KEEPS_QUIET, release
from tests.support.brokers import until

pytestmark = pytest.mark.timeout(2400)


@pytest.fixture(scope="module")
def shop(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A device that counts."""
    made = Shop(machine, tmp_path_factory.mktemp("chain"))
    made.deploy_devices()
    until(lambda: made.counts_with(made.version()), "a window comes", 60)
    return made


def upgrade(shop: Shop, wheelhouse: Path, *arguments: str, check: bool = True) -> Played:
    return shop.control.play(
        UPGRADE, "--extra-vars", f"edge_wheelhouse={wheelhouse}", *arguments, check=check
    )


def test_the_next_version_counts_and_the_one_before_stays(shop: Shop, tmp_path: Path) -> None:
    before = shop.version()
    shop.machine.run("mkdir /opt/footlight/versions/0.0.1")
    following = release(tmp_path / "wheelhouse", "0.2.0")
    assert upgrade(shop, following, "--check").failed == 0
    assert shop.version() == before

    upgrade(shop, following)
    assert shop.version() == "0.2.0"
    assert shop.counts_with("0.2.0")
    assert shop.versions() == {before, "0.2.0"}

    since = shop.since()
    assert upgrade(shop, following).changed == {"pi": 0}
    assert shop.since() == since, "the service was restarted"


@pytest.mark.parametrize(
    ("version", "faults", "failed_at"),
    [("0.3.0", DIES, "Restart footlight-edge"), ("0.3.1", KEEPS_QUIET, "Wait until a window is delivered")],
    ids=["dies", "keeps quiet"],
)
def test_a_version_that_does_not_count_is_rolled_back(
    shop: Shop, tmp_path: Path, version: str, faults: Mapping[str, tuple[str, str]], failed_at: str
) -> None:
    before = shop.version()
    broken = upgrade(shop, release(tmp_path / "wheelhouse", version, faults=faults), check=False)
    assert broken.failed == 1
    said = " ".join(broken.output.split())
    assert f"version {version} failed at '{failed_at}' and {before} runs again" in said
    assert shop.version() == before
    assert version not in shop.versions()
    already = len(shop.windows())
    until(
        lambda: any(window["software"] == before for window in shop.windows()[already:]),
        "it counts again",
        60,
    )
