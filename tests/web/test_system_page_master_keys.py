"""The system page: rows per master key, canaries, a rotation while it runs."""

import pytest
from django.test import override_settings

from freddy_admin.audit.services import OPERATOR
from freddy_admin.crypto.keyring import Keyring
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.master_key_rotation_progress import (
    rotation_finish,
    rotation_record_progress,
    rotation_start,
)
from freddy_admin.vault.master_key_state import canaries_test
from freddy_admin.vault.models import ApiKey, MasterKeyRotation
from freddy_admin.vault.services.bulk_import import ImportRow, api_keys_import
from tests.vault.keyrings import DEFAULT_KEY, FIRST, override_keyring, public_key_text
from tests.web.conftest import HandClock, People, SignIn, shown_digests_of

OLD_ID, NEW_ID = Keyring([DEFAULT_KEY]).sealing_id, Keyring([FIRST]).sealing_id


@pytest.fixture
def three_stored_keys(organisation: Organisation) -> None:
    rows = [
        ImportRow(organisation=organisation, label=f"Key {n}", secret=f"secret-number-{n}")
        for n in range(3)
    ]
    api_keys_import(actor=OPERATOR, rows=rows)


@pytest.mark.usefixtures("three_stored_keys")
def test_each_master_key_is_shown_with_its_rows_and_its_canary(
    people: People, signed_in: SignIn, hand_clock: HandClock
) -> None:
    client = signed_in(people.admin)
    page = client.get("/system/").content.decode()
    assert f"Fingerprint {OLD_ID[:8]} · 3 stored keys · seals new keys" in page
    assert "no worker has tried it yet" in page
    with override_keyring(FIRST, DEFAULT_KEY):
        canaries_test(tested_by="worker-7")
        page = client.get("/system/").content.decode()
    assert f"Fingerprint {NEW_ID[:8]} · 0 stored keys · seals new keys" in page
    assert f"Fingerprint {OLD_ID[:8]} · 3 stored keys · opened by worker-7" in page


@pytest.mark.usefixtures("three_stored_keys")
def test_web_process_without_a_private_key_shows_the_canary_result_of_the_worker(
    people: People, signed_in: SignIn, hand_clock: HandClock
) -> None:
    with override_keyring(FIRST):
        canaries_test(tested_by="worker-7")
    with override_keyring(public=public_key_text(DEFAULT_KEY)):
        page = signed_in(people.admin).get("/system/").content.decode()
    assert f"does not fit this database (fingerprint {OLD_ID} is missing)" in page
    assert "worker-7 does not have it" in page
    assert "No stored key is lost" in page


@pytest.mark.usefixtures("three_stored_keys")
def test_a_rotation_is_followed_while_it_runs(
    people: People, signed_in: SignIn, hand_clock: HandClock
) -> None:
    client = signed_in(people.admin)
    run = rotation_start(sealing_id=NEW_ID, total=3)
    page = client.get("/system/").content.decode()
    assert "data-pending" in page
    assert '<progress max="3" value="0"' in page
    shown_digests = {"X-Live": "1", "X-Seen": shown_digests_of(page)}
    assert client.get("/system/", headers=shown_digests).status_code == 204
    rotation_record_progress(run, done=2, unreadable=0)
    news = client.get("/system/", headers=shown_digests).content.decode()
    assert "2 of 3 sealed anew" in news
    assert "<html" not in news
    rotation_record_progress(run, done=1, unreadable=0)
    rotation_finish(run)
    page = client.get("/system/").content.decode()
    assert "Every row was sealed anew" in page
    assert "data-pending" not in page


@pytest.mark.usefixtures("three_stored_keys")
def test_interrupted_or_incomplete_rotation_says_what_to_do(
    people: People, signed_in: SignIn, hand_clock: HandClock
) -> None:
    client = signed_in(people.admin)
    run = rotation_start(sealing_id=NEW_ID, total=3)
    hand_clock.advance(minutes=2)
    assert "rotate_encryption` again" in client.get("/system/").content.decode()
    rotation_record_progress(run, done=2, unreadable=1)
    rotation_finish(run)
    assert "1 row could not be opened" in client.get("/system/").content.decode()


def test_master_keys_wrapped_by_a_kms_are_shown_as_such(
    people: People, signed_in: SignIn, hand_clock: HandClock
) -> None:
    with override_settings(ENCRYPTION_KEYS_KMS=["x"]):
        assert "Wrapped by AWS KMS" in signed_in(people.admin).get("/system/").content.decode()


@pytest.mark.usefixtures("three_stored_keys")
def test_only_platform_admins_see_master_keys(people: People, signed_in: SignIn) -> None:
    MasterKeyRotation.objects.all().delete()
    answer = signed_in(people.manager).get("/system/")
    assert answer.status_code == 403
    assert OLD_ID[:8] not in answer.content.decode()
    assert ApiKey.objects.count() == 3
