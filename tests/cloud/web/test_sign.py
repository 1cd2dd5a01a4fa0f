"""The sign at the door: what it says follows from what is told, in each language, on paper and for the audit."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from pypdf import PdfReader
from starlette.applications import Starlette

from cloud.__main__ import main as cloud_main
from cloud.accounts.accounts import Accounts
from cloud.domain.levels import KEPT_DAYS
from cloud.stores.embedded import EmbeddedStore
from cloud.web.languages import TITLES
from common.clock import SystemClock
from common.sign import MEASURES
from edge.__main__ import main as edge_main
from edge.commands.privacy_audit.command import inspect
from edge.commands.privacy_audit.sign import sign
from edge.config import load
from tests.cloud.web.logins import add_person, logged_in, page_with
from tests.edge.commands.audited import subject
from tests.support.clock import ManualClock
from tests.support.messages import cohort, notice, window
from tests.support.programs import require_program

HEADINGS = {
    "en": "People are counted here",
    "de": "Hier werden Menschen gezählt",
    "es": "Aquí se cuentan personas",
    "fr": "Ici, on compte les personnes",
}


@pytest.fixture
def app(accounts: Accounts, store: EmbeddedStore, clock: ManualClock) -> Starlette:
    add_person(accounts, "mia", "manager")
    return page_with(accounts, store, clock, kept_days={"raw": 400})


def text_of(app: Starlette, path: str) -> str:
    answer = logged_in(app, "mia").get(path)
    assert answer.status_code == 200
    return re.sub(r"<[^>]+>", " ", answer.text)


def test_the_sign_says_what_was_told_in_each_language(app: Starlette, store: EmbeddedStore) -> None:
    store.write([window(0), window(1, cohort=cohort()), notice()])
    assert HEADINGS.keys() == TITLES.keys()
    for code, heading in HEADINGS.items():
        assert heading in text_of(app, f"/site/shop/sign?in={code}")
    english = text_of(app, "/site/shop/sign?in=en")
    for part in ("go in and out", "wait in a queue", "look at a product", "as a map", "a queue is long"):
        assert part in english
    assert "age group and gender, told for groups of at least 5 visits" in english
    assert "what faces show, such as a smile" not in english
    assert "For each interval of 1 minute" in english
    assert "deleted after 400 days" in english
    assert "Sums of a whole day" not in english


def test_what_is_not_told_is_not_on_the_sign(app: Starlette, store: EmbeddedStore) -> None:
    store.write([window(0, profile="count")])
    said = text_of(app, "/site/shop/sign?in=en")
    assert "Age, gender and expression are not estimated." in said
    assert "go in and out" in said
    assert "wait in a queue" not in said
    assert "The profile is the narrowest one" in text_of(app, "/site/shop/dpia?in=en")


def test_the_kept_levels_of_a_chain_are_on_it(
    accounts: Accounts, store: EmbeddedStore, clock: ManualClock
) -> None:
    add_person(accounts, "mia", "manager")
    store.write([window(0)])
    said = text_of(page_with(accounts, store, clock, kept_days=KEPT_DAYS), "/site/shop/sign?in=en")
    assert "deleted after 90 days" in said
    assert "deleted after 728 days" in said
    assert "Sums of a whole day are kept" in said


def test_the_record_is_that_of_the_sign(app: Starlette, store: EmbeddedStore) -> None:
    store.write([window(0, k=7)])
    answer = logged_in(app, "mia").get("/site/shop/sign.yaml")
    assert "sign.yaml" in answer.headers["content-disposition"]
    assert yaml.safe_load(answer.text) == {
        "site": "shop",
        "profile": "demographics",
        "k": 7,
        "window_s": 60,
        "measures": ["doors"],
    }


def test_no_sign_is_made_up(app: Starlette, store: EmbeddedStore, clock: ManualClock) -> None:
    store.write([window(0)])
    clock.advance(timedelta(days=8).total_seconds())
    answer = logged_in(app, "mia").get("/site/shop/sign")
    assert answer.status_code == 404
    assert "it is not known what they measure" in answer.text


# The command, from the settings of a device to the audit of it.


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """The settings of a server, of a chain and of a device, and what the device says for the sign."""
    (tmp_path / "cloud.yaml").write_text("store: {retention_days: 200}\n")
    hours = {"timezone": "Europe/Berlin", "opening": "09:00-19:00"}
    asked = {"name": "Example <Shops> GmbH, Street 1", "contact": "privacy@shops.example"}
    chain = {"name": "chain", "sites": {"shop": {"title": "Markt 1", **hours}}, "controller": asked}
    (tmp_path / "chain.yaml").write_text(yaml.safe_dump(chain))
    device(tmp_path)
    assert edge_main(["sign", str(tmp_path / "edge.yaml")]) == 0
    (tmp_path / "door.yaml").write_text(capsys.readouterr().out)
    return tmp_path


def device(folder: Path, **more: object) -> None:
    door = {"name": "street", "line": [[0.3, 0.6], [0.7, 0.6]], "inside": [0.5, 0.9]}
    outbox = {"path": str(folder / "outbox.sqlite")}
    text = yaml.safe_dump({"site": "shop", "doors": [door], "outbox": outbox, **more})
    (folder / "edge.yaml").write_text(text)


def make(folder: Path, *more: str) -> int:
    where = ["--config", str(folder / "cloud.yaml"), "--chain", str(folder / "chain.yaml")]
    return cloud_main(["sign", *where, "--device", str(folder / "door.yaml"), "--folder", str(folder), *more])


def test_from_the_settings_of_a_device_to_its_audit(folder: Path) -> None:
    assert make(folder, "--site", "shop", "--language", "de") == 0
    page = (folder / "sign-shop.html").read_text(encoding="utf-8")
    assert "Hier werden Menschen gezählt" in page
    assert "Example &lt;Shops&gt; GmbH, Street 1" in page
    assert "nach 200 Tagen gelöscht" in page
    assert "von 1 Minute:" in page
    assert "hinein- und hinausgehen" in page
    assert "Warteschlange warten" not in page
    assert not re.search(r"(src|href)=", page), "a file of its own"
    assert "Datenschutz-Folgenabschätzung" in (folder / "dpia-shop.html").read_text(encoding="utf-8")

    record = folder / "sign-shop.yaml"
    own = load(folder / "edge.yaml")
    audited = subject(folder, None, own=own, sign=record, clock=SystemClock())
    assert inspect(sign, audited).state == "green"
    device(folder, privacy={"profile": "expression"}, targets=[{"name": "screen", "yaw": 0, "pitch": 0}])
    own = load(folder / "edge.yaml")
    found = inspect(sign, subject(folder, None, own=own, sign=record))
    assert found.state == "red"
    assert (
        "profile expression tells more than demographics; settings: targets: not on the sign" in found.value
    )


@pytest.mark.chromium
@pytest.mark.slow
def test_the_sign_is_one_page_of_paper_in_each_language(folder: Path) -> None:
    require_program("chromium", "apt-get install chromium")
    statement = yaml.safe_load((folder / "door.yaml").read_text())
    widest = {**statement, "profile": "expression", "measures": list(MEASURES)}
    (folder / "door.yaml").write_text(yaml.safe_dump(widest))
    for code, heading in HEADINGS.items():
        assert make(folder, "--site", "shop", "--language", code, "--pdf") == 0
        pages = [page.extract_text() for page in PdfReader(folder / "sign-shop.pdf").pages]
        assert len(pages) == 1, code
        assert heading in pages[0]
        assert 2 <= len(PdfReader(folder / "dpia-shop.pdf").pages) <= 4, code


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--site", "nowhere"), "--site nowhere: is not a site of the chain; known sites: shop"),
        (("--site", "shop", "--language", "it"), "--language it: use de, en, es, fr"),
        (("--site", "shop", "--controller", "Shops"), "--controller and --contact: give both, or neither"),
    ],
)
def test_bad_input_is_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], said: str
) -> None:
    assert make(folder, *more) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert said in line


def test_the_statement_of_another_shop_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "door.yaml").write_text("site: other\nmeasures: [doors]\n")
    assert make(folder, "--site", "shop") == 2
    assert "site: is other, not shop" in capsys.readouterr().err


def test_without_statements_the_store_says_what_was_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, now = folder / "store.sqlite", SystemClock().now().replace(second=0, microsecond=0)
    (folder / "cloud.yaml").write_text(f"store: {{path: {store}}}\n")
    arguments = ["sign", "--config", str(folder / "cloud.yaml"), "--site", "shop", "--folder", str(folder)]
    assert cloud_main(arguments) == 2, "there is no store yet"
    opened = EmbeddedStore(store, retention_days=400, clock=SystemClock())
    try:
        assert cloud_main(arguments) == 2
        assert "--device" in capsys.readouterr().err
        opened.write([window(0, start=now - timedelta(hours=1))])
    finally:
        opened.close()
    assert cloud_main(arguments) == 0
    assert yaml.safe_load((folder / "sign-shop.yaml").read_text())["measures"] == ["doors"]
