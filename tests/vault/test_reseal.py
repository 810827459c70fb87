"""Rotation of the master key: rows stay readable, and the old key is removable at the end."""

from collections.abc import Callable, Iterator

import pytest

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import OPERATOR, Actor
from freddy_admin.core.errors import Conflict
from freddy_admin.crypto.errors import PrivateKeysMissing
from freddy_admin.crypto.keyring import Keyring, keyring
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.master_key_state import MasterKeyFit, master_key_state
from freddy_admin.vault.models import ApiKey, KeyCandidate, MasterKeyCanary
from freddy_admin.vault.services.bulk_import import ImportRow, api_keys_import
from freddy_admin.vault.services.keys import api_key_replace
from freddy_admin.vault.services.reseal import api_keys_reseal
from tests.vault.conftest import OTHER_SECRET
from tests.vault.keyrings import (
    DEFAULT_KEY,
    FIRST,
    SECOND,
    override_keyring,
    public_key_text,
    removable_master_key_ids,
)
from tests.vault.secret_reading import stored_secret

OLD_ID = Keyring([DEFAULT_KEY]).sealing_id
NEW_ID = Keyring([FIRST]).sealing_id


@pytest.fixture
def secrets_by_key_id(organisation: Organisation, actor: Actor) -> dict[int, str]:
    """Seven keys and a candidate sealed with the old master key; the secrets by key id."""
    rows = [
        ImportRow(organisation=organisation, label=f"Key {n}", secret=f"secret-number-{n}")
        for n in range(7)
    ]
    results = api_keys_import(actor=OPERATOR, rows=rows)
    keys = [result.key for result in results if result.key]
    api_key_replace(organisation=organisation, actor=actor, key=keys[0], secret=OTHER_SECRET)
    return {key.pk: row.secret for key, row in zip(keys, rows, strict=True)}


@pytest.fixture
def both_master_keys(secrets_by_key_id: dict[int, str]) -> Iterator[None]:
    with override_keyring(FIRST, DEFAULT_KEY):
        yield


def _all_open(secrets_by_key_id: dict[int, str]) -> bool:
    keys = {key.pk: stored_secret(key) for key in ApiKey.objects.all()}
    return keys == secrets_by_key_id and stored_secret(KeyCandidate.objects.get()) == OTHER_SECRET


@pytest.mark.usefixtures("both_master_keys")
def test_all_rows_are_resealed_and_the_old_master_key_is_removable(
    secrets_by_key_id: dict[int, str],
) -> None:
    report = api_keys_reseal(actor=OPERATOR, batch=3)
    assert (report.keys, report.candidates, report.unreadable) == (7, 1, ())
    assert removable_master_key_ids(report) == (OLD_ID,)
    with override_keyring(FIRST):
        assert _all_open(secrets_by_key_id)
        assert master_key_state(fresh=True).fit is MasterKeyFit.OK


@pytest.mark.usefixtures("both_master_keys")
def test_the_canary_is_replaced_by_that_of_the_new_master_key(
    secrets_by_key_id: dict[int, str],
) -> None:
    api_keys_reseal(actor=OPERATOR)
    assert MasterKeyCanary.objects.get().master_key_id == NEW_ID


@pytest.mark.usefixtures("both_master_keys")
def test_a_second_rotation_changes_no_byte() -> None:
    api_keys_reseal(actor=OPERATOR)
    values_before = list(ApiKey.objects.order_by("pk").values())
    report = api_keys_reseal(actor=OPERATOR)
    assert (report.keys, report.candidates) == (0, 0)
    assert list(ApiKey.objects.order_by("pk").values()) == values_before


@pytest.mark.usefixtures("both_master_keys")
def test_versions_fingerprints_and_hints_stay(secrets_by_key_id: dict[int, str]) -> None:
    fields = ("version", "issued_version", "fingerprint", "hint_end", "secret_set_at", "status")
    values_before = list(ApiKey.objects.order_by("pk").values(*fields))
    api_keys_reseal(actor=OPERATOR)
    assert list(ApiKey.objects.order_by("pk").values(*fields)) == values_before


@pytest.mark.usefixtures("both_master_keys")
@pytest.mark.parametrize("failing_call", [1, 2, 4, 8])
def test_a_killed_rotation_leaves_rows_readable_and_is_finished_by_the_next(
    secrets_by_key_id: dict[int, str], monkeypatch: pytest.MonkeyPatch, failing_call: int
) -> None:
    calls = iter(range(1, 100))
    seal: Callable[..., bytes] = Keyring.seal

    def seal_dying(self: Keyring, plaintext: bytes, *, context: bytes) -> bytes:
        if next(calls) == failing_call + 1:  # the first call creates the canary
            raise KeyboardInterrupt
        return seal(self, plaintext, context=context)

    monkeypatch.setattr(Keyring, "seal", seal_dying)
    with pytest.raises(KeyboardInterrupt):
        api_keys_reseal(actor=OPERATOR, batch=2)
    monkeypatch.undo()
    assert _all_open(secrets_by_key_id)
    ids = {key.master_key_id for key in ApiKey.objects.all()}
    assert ids <= {OLD_ID, NEW_ID}
    assert removable_master_key_ids(api_keys_reseal(actor=OPERATOR)) == (OLD_ID,)
    with override_keyring(FIRST):
        assert _all_open(secrets_by_key_id)


@pytest.mark.usefixtures("both_master_keys")
def test_damaged_rows_are_reported_unchanged_and_still_need_the_old_key(
    secrets_by_key_id: dict[int, str],
) -> None:
    first_id, second_id, *_rest = secrets_by_key_id
    ApiKey.objects.filter(pk=first_id).update(ciphertext=b"\x01" + b"junk" * 20)
    key = ApiKey.objects.get(pk=second_id)
    ApiKey.objects.filter(pk=second_id).update(ciphertext=bytes(key.ciphertext)[:-1] + b"\x00\x00")
    values_before = dict(
        ApiKey.objects.filter(pk__in=[first_id, second_id]).values_list("pk", "ciphertext")
    )
    report = api_keys_reseal(actor=OPERATOR, batch=2)
    assert (report.keys, [row.key_id for row in report.unreadable]) == (5, [first_id, second_id])
    assert removable_master_key_ids(report) == ()
    row = report.unreadable[0]
    assert (row.organisation, row.label, row.candidate) == ("Alder", "Key 0", False)
    assert "paste the key again" in row.reason
    values_after = dict(
        ApiKey.objects.filter(pk__in=[first_id, second_id]).values_list("pk", "ciphertext")
    )
    assert values_after == values_before


def test_rows_of_a_missing_master_key_are_reported_and_not_overwritten(
    secrets_by_key_id: dict[int, str],
) -> None:
    # A row without bytes is reported as missing its master key, too, not as damaged.
    ApiKey.objects.filter(pk=min(secrets_by_key_id)).update(ciphertext=b"")
    values_before = list(ApiKey.objects.order_by("pk").values())
    with override_keyring(FIRST):
        report = api_keys_reseal(actor=OPERATOR)
    assert (report.keys, len(report.unreadable)) == (0, 8)
    assert [row.candidate for row in report.unreadable] == [True] + [False] * 7
    assert all("put it back" in row.reason for row in report.unreadable)
    assert list(ApiKey.objects.order_by("pk").values()) == values_before


def test_a_process_without_private_keys_cannot_rotate(secrets_by_key_id: dict[int, str]) -> None:
    with override_keyring(public=public_key_text(FIRST)), pytest.raises(PrivateKeysMissing):
        api_keys_reseal(actor=OPERATOR)
    assert keyring().sealing_id == OLD_ID


@pytest.mark.parametrize(
    ("ring", "public"),
    [((DEFAULT_KEY,), FIRST), ((FIRST, DEFAULT_KEY), DEFAULT_KEY), ((FIRST, DEFAULT_KEY), SECOND)],
)
def test_nothing_is_sealed_to_any_but_the_first_key_of_the_ring(
    secrets_by_key_id: dict[int, str], ring: tuple[str, ...], public: str
) -> None:
    values_before = list(ApiKey.objects.order_by("pk").values())
    with (
        override_keyring(*ring, public=public_key_text(public)),
        pytest.raises(Conflict, match="ENCRYPTION_PUBLIC_KEY"),
    ):
        api_keys_reseal(actor=OPERATOR)
    assert list(ApiKey.objects.order_by("pk").values()) == values_before
    assert MasterKeyCanary.objects.get().master_key_id == OLD_ID
    assert not AuditEvent.objects.filter(tag="master_key_rotated").exists()


@pytest.mark.usefixtures("both_master_keys")
@pytest.mark.parametrize("wrong_tag", [b"\x00", b""])
def test_bytes_that_do_not_open_again_are_not_stored(
    secrets_by_key_id: dict[int, str], monkeypatch: pytest.MonkeyPatch, wrong_tag: bytes
) -> None:
    seal: Callable[..., bytes] = Keyring.seal

    def seal_wrongly(self: Keyring, plaintext: bytes, *, context: bytes) -> bytes:
        if wrong_tag:
            return seal(self, plaintext, context=context)[:-1] + wrong_tag
        return seal(self, b"another text", context=context)

    monkeypatch.setattr(Keyring, "seal", seal_wrongly)
    with pytest.raises(Conflict, match="does not open again"):
        api_keys_reseal(actor=OPERATOR, batch=3)
    monkeypatch.undo()
    assert _all_open(secrets_by_key_id)


@pytest.mark.usefixtures("both_master_keys")
def test_a_rotation_is_one_event_that_names_the_new_master_key() -> None:
    api_keys_reseal(actor=OPERATOR)
    event = AuditEvent.objects.get(tag="master_key_rotated")
    assert event.subject == NEW_ID
    assert event.details == {
        "keys": 7,
        "candidates": 1,
        "import_rows": 0,
        "channel_secrets": 0,
        "unreadable": 0,
    }


@pytest.mark.usefixtures("both_master_keys")
def test_revoked_keys_have_nothing_to_seal(secrets_by_key_id: dict[int, str]) -> None:
    ApiKey.objects.update(ciphertext=None, master_key_id="", status="revoked")
    assert api_keys_reseal(actor=OPERATOR).keys == 0
