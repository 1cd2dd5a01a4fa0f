"""``make upgrade`` brings a device to the next version, and back by itself when that one does not count."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.appliance.control import Played
from tests.appliance.deployed import UPGRADE, Shop, played_in_peace
from tests.appliance.machine import Machine
from tests.appliance.patience import until
from tests.appliance.releases import DIES, KEEPS_QUIET, make_key, release, sign

Faults = Mapping[str, tuple[str, str]]


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The private key that signs releases."""
    return make_key(tmp_path_factory.mktemp("key"))


@pytest.fixture(scope="module")
def shop(prepared: Machine, tmp_path_factory: pytest.TempPathFactory, key: Path) -> Shop:
    """A device that counts, and takes only what ``key`` has signed."""
    keys = [key.with_suffix(".pub").read_text().strip()]
    made = Shop(prepared, tmp_path_factory.mktemp("chain"), edge_release_keys=keys)
    made.deploy_devices()
    until(lambda: made.counts_with(made.version()), "a window comes")
    return made


def upgrade(shop: Shop, wheelhouse: Path, *arguments: str, check: bool = True) -> Played:
    return shop.control.play(
        UPGRADE, "--extra-vars", f"edge_wheelhouse={wheelhouse}", *arguments, check=check
    )


def signed(folder: Path, version: str, key: Path, faults: Faults | None = None) -> Path:
    """A release that the device accepts, unless it is older than what runs."""
    made = release(folder, version, faults=faults)
    sign(made, key)
    return made


def test_the_next_version_counts_and_the_one_before_stays(shop: Shop, key: Path, tmp_path: Path) -> None:
    before = shop.version()
    shop.machine.run("mkdir /opt/footlight/versions/0.0.1")
    following = signed(tmp_path / "wheelhouse", "0.2.0", key)
    played_in_peace(lambda: upgrade(shop, following, "--check", check=False))
    assert shop.version() == before

    played_in_peace(lambda: upgrade(shop, following, check=False))
    assert shop.version() == "0.2.0"
    assert shop.counts_with("0.2.0")
    assert shop.versions() == {before, "0.2.0"}

    since = shop.since()
    assert played_in_peace(lambda: upgrade(shop, following, check=False)).changed == {"pi": 0}
    assert shop.since() == since, "the service was restarted"


@pytest.mark.parametrize(
    ("version", "faults", "failed_at"),
    [("0.3.0", DIES, "Restart footlight-edge"), ("0.3.1", KEEPS_QUIET, "Wait until a window is delivered")],
    ids=["dies", "keeps quiet"],
)
def test_a_version_that_does_not_count_is_rolled_back(
    shop: Shop, key: Path, tmp_path: Path, version: str, faults: Faults, failed_at: str
) -> None:
    before = shop.version()
    made = signed(tmp_path / "wheelhouse", version, key, faults)
    # How long a window of this version is waited for, which does not come.
    broken = upgrade(shop, made, "--extra-vars", "edge_gate_s=60", check=False)
    assert broken.failed == 1
    said = " ".join(broken.output.split())
    assert f"version {version} failed at '{failed_at}' and {before} runs again" in said
    assert shop.version() == before
    assert version not in shop.versions()
    already = len(shop.windows())
    until(
        lambda: any(window["software"] == before for window in shop.windows()[already:]),
        "it counts again",
    )


def test_a_release_that_is_unsigned_changed_or_older_is_refused_by_the_device(
    shop: Shop, key: Path, tmp_path: Path
) -> None:
    before, since = shop.version(), shop.since()
    unsigned = release(tmp_path / "unsigned", "0.9.0")
    # The manifest fits what was changed; the signature is that of the same version as it was made.
    changed = release(tmp_path / "changed", "0.9.0", faults=DIES)
    original = signed(tmp_path / "original", "0.9.0", key)
    shutil.copy(original / "manifest.json.sig", changed)
    strange = signed(tmp_path / "strange", "0.9.0", make_key(tmp_path, "strange-key"))
    older = signed(tmp_path / "older", "0.0.9", key)
    for offered, why in (
        (unsigned, "the release is not signed"),
        (changed, "nobody in /etc/footlight/release-signers has signed this release"),
        (strange, "nobody in /etc/footlight/release-signers has signed this release"),
        (older, f"version 0.0.9 is older than {before}, which runs here"),
    ):
        played = upgrade(shop, offered, check=False)
        assert played.failed == 1
        assert why in " ".join(played.output.split())
        assert (shop.version(), shop.since()) == (before, since), "something was installed, or restarted"
        assert shop.machine.run("ls /opt/footlight").stdout.split() == ["current", "versions"]
        assert shop.versions().isdisjoint({"0.9.0", "0.0.9"})
