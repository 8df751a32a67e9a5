"""The support bundle holds all of one item, ready to be sent, and nothing that must not leave the house."""

from __future__ import annotations

import json
import re
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from tests.incident.overview.looking import OUTAGE, RUN, Looking
from tests.unit.domain.test_scrub import PLANTED

from pro2_reconciliation import __main__ as desk
from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.overview.bundle import make_bundle

FILES = {
    "README.txt",
    "message-to-vendor.txt",
    "story.txt",
    "item.json",
    "plans.json",
    "evidence.json",
    "configuration.json",
    "versions.json",
}
ITEM = "campaign:103"
CONTACT = "support@vendor.example"


def texts(content: bytes) -> dict[str, str]:
    with ZipFile(BytesIO(content)) as bundle:
        assert bundle.testzip() is None
        return {name: bundle.read(name).decode() for name in bundle.namelist()}


def bundle_of(looking: Looking, key: str = ITEM, **more: object) -> dict[str, str]:
    site = looking.site
    site = site.model_copy(update={"policy": site.policy.model_copy(update={"vendor_contact": CONTACT})})
    return texts(make_bundle(looking.ledger, site, key, **more))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Looking:
    """An evening on which a campaign was resent. Nothing may be written to it."""
    found = Looking(tmp_path_factory.mktemp("resent"))
    found.reconcile(account=found.account("send_campaign[0]"))
    return found


@pytest.fixture(scope="module")
def resent(evening: Looking) -> dict[str, str]:
    """The bundle of the campaign that was resent."""
    return bundle_of(evening)


class TestItIsComplete:
    def test_with_each_file_and_a_page_that_says_which_to_read_first(self, resent: dict[str, str]) -> None:
        assert set(resent) == FILES
        assert "message-to-vendor.txt is ready to be sent; read it first" in resent["README.txt"]

    def test_with_its_story_from_the_first_look_to_the_proof(
        self, resent: dict[str, str], evening: Looking
    ) -> None:
        for event in evening.story(ITEM).events:
            assert event.what in resent["story.txt"]
        assert re.search(
            r"\w{3} \d+ \w{3} \d\d:\d\d C[SD]T \(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\)", resent["story.txt"]
        )

    def test_with_what_was_decided_asked_answered_and_done(self, resent: dict[str, str]) -> None:
        (planned,) = json.loads(resent["plans.json"])
        assert planned["dag_run"] == RUN
        assert planned["decision"]["rule"] == "C11"
        assert planned["answer"]["choice"].startswith("resend")
        assert planned["first_look"]["item_id"] == "103"
        (action,) = json.loads(resent["item.json"])["actions"]
        assert [step["verb"] for step in action["steps"]] == [
            "stop_campaign",
            "copy_campaign",
            "send_campaign",
        ]
        assert all(step["moves"] for step in action["steps"])

    def test_with_the_evidence_of_its_outage(self, resent: dict[str, str]) -> None:
        (outage,) = json.loads(resent["evidence.json"])["outages"]
        assert outage["id"] == OUTAGE
        assert outage["evidence"][0]["source"] == "probe pro2"

    def test_with_the_configuration_and_versions_that_it_was_decided_by(self, resent: dict[str, str]) -> None:
        configuration, versions = (json.loads(resent[f"{one}.json"]) for one in ("configuration", "versions"))
        assert configuration["organization"] == "playhouse"
        assert configuration["policy"]["max_sends"]
        assert versions["apache-airflow"].startswith("3.")
        assert versions["ledger"]["uuid"]

    def test_and_made_twice_it_is_the_same(self, evening: Looking) -> None:
        one, other = (make_bundle(evening.ledger, evening.site, ITEM) for _ in range(2))
        assert one == other


class TestTheMessage:
    def test_is_ready_to_be_sent(self, resent: dict[str, str]) -> None:
        message = resent["message-to-vendor.txt"]
        head, _, body = message.partition("\n\n")
        assert head.splitlines() == [
            f"To: {CONTACT}",
            "Subject: playhouse: campaign «Opening night invitation» (103)",
        ]
        heads = [line for line in body.splitlines() if line.endswith(":") and not line.startswith("-")]
        assert heads == [
            "What was expected:",
            "What was seen:",
            "The outage, as far as we know:",
            "What we did:",
            "What we did not do:",
            "Our question:",
            "Ids:",
        ]
        assert "May the original still go out or run by itself?" in body
        assert body.rstrip().endswith("Times are those of the zone America/Chicago, with UTC beside them.")

    def test_without_an_address_in_the_policy_names_whom_to_ask(self, evening: Looking) -> None:
        policy = evening.site.policy.model_copy(update={"vendor_contact": None})
        site = evening.site.model_copy(update={"policy": policy})
        found = texts(make_bundle(evening.ledger, site, ITEM))
        assert found["message-to-vendor.txt"].startswith("To: your contact at Prospect2\n")


HOSTILE = "x\n\nSubject: forged\u202e\x1b[31m"


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory: pytest.TempPathFactory) -> Looking:
    """An evening that was looked at and left to a person. Who writes into it adds, and changes nothing."""
    found = Looking(tmp_path_factory.mktemp("looked-at"))
    found.reconcile(answer=lambda _: {})
    return found


@pytest.fixture(scope="module")
def planted(looked_at: Looking) -> dict[str, str]:
    """A bundle of an item about which people wrote secrets, an address, and a name that wants to be a header."""
    texts_of = [text for text, _ in PLANTED.values()]
    ledger = looked_at.ledger
    ledger.hold("playhouse", ITEM, "Ada", f"The word is swordfish. {HOSTILE} {' '.join(texts_of)}")
    for number, text in enumerate([*texts_of, HOSTILE]):
        ledger.alarm("playhouse", "original woke", {"item": ITEM, "event": f"woke {number}", "text": text})
    return bundle_of(looked_at, known_secrets=["swordfish"])


class TestNothingLeavesThatMustNot:
    @pytest.mark.parametrize("what", PLANTED)
    def test_a_secret_that_somebody_typed_into_a_reason_is_taken_out(
        self, planted: dict[str, str], what: str
    ) -> None:
        secret = PLANTED[what][1]
        assert [name for name, content in planted.items() if secret in content] == []

    def test_a_password_that_looks_like_a_word_is_taken_out_where_it_is_known(
        self, planted: dict[str, str]
    ) -> None:
        assert "The word is [secret removed]." in planted["item.json"]
        assert [name for name, content in planted.items() if "swordfish" in content] == []

    def test_what_wants_to_be_a_header_of_the_message_stays_on_its_line(
        self, planted: dict[str, str]
    ) -> None:
        for name in ("message-to-vendor.txt", "story.txt"):
            assert "forged" in planted[name]
            assert not re.search("^Subject: forged", planted[name], re.M)
            assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", planted[name])


class TestAtTheDesk:
    @pytest.fixture
    def command(self, looked_at: Looking) -> list[str]:
        config = looked_at.evening.folder / "config"
        return ["--ledger", looked_at.ledger.address, "--config", str(config), "bundle"]

    def test_it_is_a_file_for_its_owner_alone(
        self, command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = tmp_path / "103.zip"
        assert desk.main([*command, ITEM, "--out", str(out)]) == 0
        assert set(texts(out.read_bytes())) == FILES
        assert out.stat().st_mode & 0o777 == 0o600
        assert "message-to-vendor.txt in it is ready to be sent. Read it first" in capsys.readouterr().out

    def test_a_file_that_is_there_stays(
        self, command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = tmp_path / "103.zip"
        out.write_text("mine")
        assert desk.main([*command, ITEM, "--out", str(out)]) == 2
        assert out.read_text() == "mine"
        assert "is there already; give another name by --out" in capsys.readouterr().err

    def test_a_place_that_cannot_be_written_is_said(
        self, command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert desk.main([*command, ITEM, "--out", str(tmp_path / "nowhere" / "x.zip")]) == 2
        assert "cannot be written" in capsys.readouterr().err

    def test_an_item_that_nobody_knows_is_said(
        self, command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert desk.main([*command, "campaign:999", "--out", str(tmp_path / "x.zip")]) == 2
        assert "nothing is known of campaign:999" in capsys.readouterr().err


def test_an_item_that_nobody_knows_has_none(looking: Looking) -> None:
    with pytest.raises(LedgerError, match="nothing is known of campaign:999"):
        make_bundle(looking.ledger, looking.site, "campaign:999")
