"""An organisation as a zip: everything but secrets; and what its removal says it leaves."""

import json
import zipfile
from io import BytesIO
from typing import Any

from django.test import Client

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.organisations.models import Invitation, Organisation
from freddy_admin.sync.models import HistoryEvent, Listing, Order
from freddy_admin.sync.orders.placing import order_sync
from freddy_admin.vault.models import ApiKey
from tests.web.conftest import MakeKey, People, SignIn
from tests.web.membership import invitation_made, text

EXPORT = "/organisations/alder/export/"


def packed(client: Client) -> dict[str, Any]:
    answer = client.get(EXPORT)
    assert answer["Content-Disposition"].startswith('attachment; filename="alder-2026-03-02-1200')
    with zipfile.ZipFile(BytesIO(answer.getvalue())) as file:
        return {name: json.loads(file.read(name)) for name in file.namelist()}


def filled(make_key: MakeKey, organisation: Organisation) -> ApiKey:
    key = make_key(
        "Sales", key={"ciphertext": b"planted-ciphertext", "fingerprint": "planted-print"}
    )
    order_sync(organisation=organisation, actor=Actor("Ann"), key_id=key.pk, full=True)
    Listing.objects.create(
        organisation=organisation, key=key, key_version=1, kind="connectors", items=[["gmail"]]
    )
    invitation_made(organisation, "nia@example.org")
    return key


def test_it_holds_everything_that_is_kept(
    people: People, signed_in: SignIn, make_key: MakeKey, organisation: Organisation
) -> None:
    filled(make_key, organisation)
    found = packed(signed_in(people.manager))

    assert found["organisation.json"]["name"] == "Alder"
    (key,) = found["keys.json"]
    assert (key["label"], key["sync"]["state"]) == ("Sales", "up_to_date")
    assert [one["role"] for one in found["members.json"]] == ["manager", "operator", "viewer"]
    assert found["invitations.json"][0]["email"] == "nia@example.org"
    assert found["history.json"][0]["details"]["what"] == "sync"
    assert found["orders.json"][0]["key"] == "Sales"
    assert found["lists.json"][0]["items"] == [["gmail"]]
    assert {one["tag"] for one in found["audit.json"]} == {
        "sync_requested",
        "organisation_exported",
    }


def test_no_secret_and_nothing_of_others_is_in_it(
    people: People,
    signed_in: SignIn,
    make_key: MakeKey,
    organisation: Organisation,
    other: Organisation,
) -> None:
    filled(make_key, organisation)
    make_key("Hush", at=other)
    everything = json.dumps(packed(signed_in(people.admin)))

    for word in ("planted", "oak_live", "wxyz", "digest", "Hush", "Birch", "stranger"):
        assert word not in everything


def test_an_empty_one_is_an_export_too(people: People, signed_in: SignIn) -> None:
    assert packed(signed_in(people.admin))["keys.json"] == []


def test_the_removal_says_the_truth(
    people: People, signed_in: SignIn, make_key: MakeKey, organisation: Organisation
) -> None:
    filled(make_key, organisation)
    client = signed_in(people.admin)
    page = text(client, "/organisations/alder/remove/")
    for words in (
        "its 1 API key as stored here",
        "states, history, timeline, lists of connectors",
        "syncs and switches",
        "who its 3 members are, and open invitations",
        "the audit log",
        EXPORT,
    ):
        assert words in page
    client.post("/organisations/alder/remove/", {"name": "Alder"})

    for model in (ApiKey, HistoryEvent, Order, Listing, Invitation):
        assert not model.objects.exists()  # type: ignore[attr-defined]
    assert AuditEvent.objects.filter(organisation_name="Alder").count() == 2
    people.viewer.refresh_from_db()
    assert "removed an organisation" in text(client, "/audit/")
    assert "Alder" not in text(signed_in(people.viewer), "/audit/")
