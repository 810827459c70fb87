"""The zip export of an organisation: everything but secrets; and its deletion page."""

import json
import zipfile
from io import BytesIO
from typing import Any

from django.test import Client

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.organisations.models import Invitation, Organisation
from freddy_admin.sync.models import CatalogSnapshot, HistoryEvent, RemoteOperation
from freddy_admin.sync.operations.services import sync_operation_create
from freddy_admin.vault.models import ApiKey
from tests.web.conftest import MakeKey, People, SignIn
from tests.web.member_factories import create_invitation, get_page_text

EXPORT = "/organisations/alder/export/"


def read_export_zip(client: Client) -> dict[str, Any]:
    answer = client.get(EXPORT)
    assert answer["Content-Disposition"].startswith('attachment; filename="alder-2026-03-02-1200')
    with zipfile.ZipFile(BytesIO(answer.getvalue())) as file:
        return {name: json.loads(file.read(name)) for name in file.namelist()}


def create_exported_key(make_key: MakeKey, organisation: Organisation) -> ApiKey:
    key = make_key(
        "Sales", key={"ciphertext": b"planted-ciphertext", "fingerprint": "planted-print"}
    )
    sync_operation_create(organisation=organisation, actor=Actor("Ann"), key_id=key.pk, full=True)
    CatalogSnapshot.objects.create(
        organisation=organisation, key=key, key_version=1, kind="connectors", items=[["gmail"]]
    )
    create_invitation(organisation, "nia@example.org")
    return key


def test_export_holds_everything_that_is_kept(
    people: People, signed_in: SignIn, make_key: MakeKey, organisation: Organisation
) -> None:
    create_exported_key(make_key, organisation)
    files = read_export_zip(signed_in(people.manager))

    assert files["organisation.json"]["name"] == "Alder"
    (key,) = files["keys.json"]
    assert (key["label"], key["sync"]["state"]) == ("Sales", "up_to_date")
    assert [member["role"] for member in files["members.json"]] == ["manager", "operator", "viewer"]
    assert files["invitations.json"][0]["email"] == "nia@example.org"
    assert files["history.json"][0]["details"]["what"] == "sync"
    assert files["orders.json"][0]["key"] == "Sales"
    assert files["lists.json"][0]["items"] == [["gmail"]]
    assert {member["tag"] for member in files["audit.json"]} == {
        "sync_requested",
        "organisation_exported",
    }


def test_export_holds_no_secret_and_nothing_of_other_organisations(
    people: People,
    signed_in: SignIn,
    make_key: MakeKey,
    organisation: Organisation,
    other_organisation: Organisation,
) -> None:
    create_exported_key(make_key, organisation)
    make_key("Hush", at=other_organisation)
    everything = json.dumps(read_export_zip(signed_in(people.admin)))

    for word in ("planted", "oak_live", "wxyz", "digest", "Hush", "Birch", "stranger"):
        assert word not in everything


def test_empty_organisation_can_be_exported(people: People, signed_in: SignIn) -> None:
    assert read_export_zip(signed_in(people.admin))["keys.json"] == []


def test_deletion_page_says_what_is_deleted(
    people: People, signed_in: SignIn, make_key: MakeKey, organisation: Organisation
) -> None:
    create_exported_key(make_key, organisation)
    client = signed_in(people.admin)
    page = get_page_text(client, "/organisations/alder/remove/")
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

    for model in (ApiKey, HistoryEvent, RemoteOperation, CatalogSnapshot, Invitation):
        assert not model.objects.exists()  # type: ignore[attr-defined]
    assert AuditEvent.objects.filter(organisation_name="Alder").count() == 2
    people.viewer.refresh_from_db()
    assert "removed an organisation" in get_page_text(client, "/audit/")
    assert "Alder" not in get_page_text(signed_in(people.viewer), "/audit/")
