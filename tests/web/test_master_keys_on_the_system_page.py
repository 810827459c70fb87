"""The system page: which master key each row needs, its canary, a rotation while it runs."""

import pytest
from django.test import override_settings

from freddy_admin.audit.services import OPERATOR
from freddy_admin.crypto.keyring import Keyring
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.canaries import canaries_try
from freddy_admin.vault.models import ApiKey, MasterKeyRotation
from freddy_admin.vault.rotations import rotation_begin, rotation_end, rotation_note
from freddy_admin.vault.services import ImportRow, api_keys_import
from tests.vault.rings import FIRST, PRESENT, public_of, ring_of
from tests.web.conftest import HandClock, People, SignIn, seen_of

OLD_ID, NEW_ID = Keyring([PRESENT]).sealing_id, Keyring([FIRST]).sealing_id


@pytest.fixture
def stored(organisation: Organisation) -> None:
    rows = [
        ImportRow(organisation=organisation, label=f"Key {n}", secret=f"secret-number-{n}")
        for n in range(3)
    ]
    api_keys_import(actor=OPERATOR, rows=rows)


@pytest.mark.usefixtures("stored")
def test_each_master_key_is_told_with_its_rows_and_its_canary(
    people: People, signed_in: SignIn, hand_clock: HandClock
) -> None:
    client = signed_in(people.admin)
    page = client.get("/system/").content.decode()
    assert f"Fingerprint {OLD_ID[:8]} · 3 stored keys · seals new keys" in page
    assert "no worker has tried it yet" in page
    with ring_of(FIRST, PRESENT):
        canaries_try(by="worker-7")
        page = client.get("/system/").content.decode()
    assert f"Fingerprint {NEW_ID[:8]} · 0 stored keys · seals new keys" in page
    assert f"Fingerprint {OLD_ID[:8]} · 3 stored keys · opened by worker-7" in page


@pytest.mark.usefixtures("stored")
def test_a_web_process_without_a_private_key_tells_what_the_worker_found(
    people: People, signed_in: SignIn, hand_clock: HandClock
) -> None:
    with ring_of(FIRST):
        canaries_try(by="worker-7")
    with ring_of(public=public_of(PRESENT)):
        page = signed_in(people.admin).get("/system/").content.decode()
    assert f"does not fit this database (fingerprint {OLD_ID} is missing)" in page
    assert "worker-7 does not have it" in page
    assert "No stored key is lost" in page


@pytest.mark.usefixtures("stored")
def test_a_rotation_is_followed_while_it_runs(
    people: People, signed_in: SignIn, hand_clock: HandClock
) -> None:
    client = signed_in(people.admin)
    run = rotation_begin(sealing_id=NEW_ID, total=3)
    page = client.get("/system/").content.decode()
    assert "data-pending" in page
    assert '<progress max="3" value="0"' in page
    seen = {"X-Live": "1", "X-Seen": seen_of(page)}
    assert client.get("/system/", headers=seen).status_code == 204
    rotation_note(run, done=2, unreadable=0)
    news = client.get("/system/", headers=seen).content.decode()
    assert "2 of 3 sealed anew" in news
    assert "<html" not in news
    rotation_note(run, done=1, unreadable=0)
    rotation_end(run)
    page = client.get("/system/").content.decode()
    assert "Every row was sealed anew" in page
    assert "data-pending" not in page


@pytest.mark.usefixtures("stored")
def test_a_rotation_that_was_cut_short_or_left_rows_says_what_to_do(
    people: People, signed_in: SignIn, hand_clock: HandClock
) -> None:
    client = signed_in(people.admin)
    run = rotation_begin(sealing_id=NEW_ID, total=3)
    hand_clock.forward(minutes=2)
    assert "rotate_encryption` again" in client.get("/system/").content.decode()
    rotation_note(run, done=2, unreadable=1)
    rotation_end(run)
    assert "1 row could not be opened" in client.get("/system/").content.decode()


def test_keys_wrapped_by_a_kms_are_said_to_be(
    people: People, signed_in: SignIn, hand_clock: HandClock
) -> None:
    with override_settings(ENCRYPTION_KEYS_KMS=["x"]):
        assert "Wrapped by AWS KMS" in signed_in(people.admin).get("/system/").content.decode()


@pytest.mark.usefixtures("stored")
def test_only_platform_admins_see_any_of_it(people: People, signed_in: SignIn) -> None:
    MasterKeyRotation.objects.all().delete()
    answer = signed_in(people.manager).get("/system/")
    assert answer.status_code == 403
    assert OLD_ID[:8] not in answer.content.decode()
    assert ApiKey.objects.count() == 3
