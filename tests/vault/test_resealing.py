"""A master key is replaced: every row readable at any moment, the old key can go at the end."""

from collections.abc import Callable, Iterator

import pytest

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import OPERATOR, Actor
from freddy_admin.core.errors import Conflict
from freddy_admin.crypto.errors import NoPrivateKeys
from freddy_admin.crypto.keyring import Keyring, keyring
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.master_keys import MasterKeyFit, master_key_state
from freddy_admin.vault.models import ApiKey, KeyCandidate, MasterKeyCanary
from freddy_admin.vault.services import ImportRow, api_key_replace, api_keys_import, api_keys_reseal
from tests.vault.conftest import OTHER_SECRET
from tests.vault.opened import opened
from tests.vault.rings import FIRST, PRESENT, SECOND, public_of, ring_of

OLD_ID = Keyring([PRESENT]).sealing_id
NEW_ID = Keyring([FIRST]).sealing_id


@pytest.fixture
def fleet(organisation: Organisation, actor: Actor) -> dict[int, str]:
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
def both(fleet: dict[int, str]) -> Iterator[None]:
    with ring_of(FIRST, PRESENT):
        yield


def _all_open(fleet: dict[int, str]) -> bool:
    keys = {key.pk: opened(key) for key in ApiKey.objects.all()}
    return keys == fleet and opened(KeyCandidate.objects.get()) == OTHER_SECRET


@pytest.mark.usefixtures("both")
def test_everything_is_sealed_anew_and_the_old_master_key_can_go(fleet: dict[int, str]) -> None:
    report = api_keys_reseal(actor=OPERATOR, batch=3)
    assert (report.keys, report.candidates, report.unreadable) == (7, 1, ())
    assert report.removable == (OLD_ID,)
    with ring_of(FIRST):
        assert _all_open(fleet)
        assert master_key_state(fresh=True).fit is MasterKeyFit.OK


@pytest.mark.usefixtures("both")
def test_the_canary_moves_along(fleet: dict[int, str]) -> None:
    api_keys_reseal(actor=OPERATOR)
    assert MasterKeyCanary.objects.get().master_key_id == NEW_ID


@pytest.mark.usefixtures("both")
def test_a_second_run_changes_no_byte() -> None:
    api_keys_reseal(actor=OPERATOR)
    before = list(ApiKey.objects.order_by("pk").values())
    report = api_keys_reseal(actor=OPERATOR)
    assert (report.keys, report.candidates) == (0, 0)
    assert list(ApiKey.objects.order_by("pk").values()) == before


@pytest.mark.usefixtures("both")
def test_versions_fingerprints_and_hints_stay(fleet: dict[int, str]) -> None:
    fields = ("version", "issued_version", "fingerprint", "hint_end", "secret_set_at", "status")
    before = list(ApiKey.objects.order_by("pk").values(*fields))
    api_keys_reseal(actor=OPERATOR)
    assert list(ApiKey.objects.order_by("pk").values(*fields)) == before


@pytest.mark.usefixtures("both")
@pytest.mark.parametrize("dies_at", [1, 2, 4, 8])
def test_a_killed_run_leaves_every_row_readable_and_is_finished_by_the_next(
    fleet: dict[int, str], monkeypatch: pytest.MonkeyPatch, dies_at: int
) -> None:
    calls = iter(range(1, 100))
    seal: Callable[..., bytes] = Keyring.seal

    def dying(self: Keyring, plaintext: bytes, *, context: bytes) -> bytes:
        if next(calls) == dies_at + 1:  # the first call makes the canary
            raise KeyboardInterrupt
        return seal(self, plaintext, context=context)

    monkeypatch.setattr(Keyring, "seal", dying)
    with pytest.raises(KeyboardInterrupt):
        api_keys_reseal(actor=OPERATOR, batch=2)
    monkeypatch.undo()
    assert _all_open(fleet)
    ids = {key.master_key_id for key in ApiKey.objects.all()}
    assert ids <= {OLD_ID, NEW_ID}
    assert api_keys_reseal(actor=OPERATOR).removable == (OLD_ID,)
    with ring_of(FIRST):
        assert _all_open(fleet)


@pytest.mark.usefixtures("both")
def test_damaged_rows_are_listed_left_alone_and_keep_the_old_key_needed(
    fleet: dict[int, str],
) -> None:
    first, second, *_rest = fleet
    ApiKey.objects.filter(pk=first).update(ciphertext=b"\x01" + b"junk" * 20)
    key = ApiKey.objects.get(pk=second)
    ApiKey.objects.filter(pk=second).update(ciphertext=bytes(key.ciphertext)[:-1] + b"\x00\x00")
    before = dict(ApiKey.objects.filter(pk__in=[first, second]).values_list("pk", "ciphertext"))
    report = api_keys_reseal(actor=OPERATOR, batch=2)
    assert (report.keys, [row.key_id for row in report.unreadable]) == (5, [first, second])
    assert report.removable == ()
    row = report.unreadable[0]
    assert (row.organisation, row.label, row.candidate) == ("Acme", "Key 0", False)
    assert "paste the key again" in row.reason
    after = dict(ApiKey.objects.filter(pk__in=[first, second]).values_list("pk", "ciphertext"))
    assert after == before


def test_rows_of_a_missing_master_key_are_listed_and_not_overwritten(
    fleet: dict[int, str],
) -> None:
    ApiKey.objects.filter(pk=min(fleet)).update(ciphertext=b"")  # not told to be pasted either
    before = list(ApiKey.objects.order_by("pk").values())
    with ring_of(FIRST):
        report = api_keys_reseal(actor=OPERATOR)
    assert (report.keys, len(report.unreadable)) == (0, 8)
    assert [row.candidate for row in report.unreadable] == [True] + [False] * 7
    assert all("put it back" in row.reason for row in report.unreadable)
    assert list(ApiKey.objects.order_by("pk").values()) == before


def test_a_process_without_private_keys_cannot_rotate(fleet: dict[int, str]) -> None:
    with ring_of(public=public_of(FIRST)), pytest.raises(NoPrivateKeys):
        api_keys_reseal(actor=OPERATOR)
    assert keyring().sealing_id == OLD_ID


@pytest.mark.parametrize(
    ("ring", "public"),
    [((PRESENT,), FIRST), ((FIRST, PRESENT), PRESENT), ((FIRST, PRESENT), SECOND)],
)
def test_nothing_is_sealed_to_any_but_the_first_key_of_the_ring(
    fleet: dict[int, str], ring: tuple[str, ...], public: str
) -> None:
    before = list(ApiKey.objects.order_by("pk").values())
    with (
        ring_of(*ring, public=public_of(public)),
        pytest.raises(Conflict, match="ENCRYPTION_PUBLIC_KEY"),
    ):
        api_keys_reseal(actor=OPERATOR)
    assert list(ApiKey.objects.order_by("pk").values()) == before
    assert MasterKeyCanary.objects.get().master_key_id == OLD_ID
    assert not AuditEvent.objects.filter(tag="master_key_rotated").exists()


@pytest.mark.usefixtures("both")
@pytest.mark.parametrize("spoilt", [b"\x00", b""])
def test_bytes_that_do_not_open_again_are_not_stored(
    fleet: dict[int, str], monkeypatch: pytest.MonkeyPatch, spoilt: bytes
) -> None:
    seal: Callable[..., bytes] = Keyring.seal

    def other(self: Keyring, plaintext: bytes, *, context: bytes) -> bytes:
        if spoilt:
            return seal(self, plaintext, context=context)[:-1] + spoilt
        return seal(self, b"another text", context=context)

    monkeypatch.setattr(Keyring, "seal", other)
    with pytest.raises(Conflict, match="does not open again"):
        api_keys_reseal(actor=OPERATOR, batch=3)
    monkeypatch.undo()
    assert _all_open(fleet)


@pytest.mark.usefixtures("both")
def test_it_is_one_event_that_names_the_new_master_key() -> None:
    api_keys_reseal(actor=OPERATOR)
    event = AuditEvent.objects.get(tag="master_key_rotated")
    assert event.subject == NEW_ID
    assert event.details == {"keys": 7, "candidates": 1, "import_rows": 0, "unreadable": 0}


@pytest.mark.usefixtures("both")
def test_revoked_keys_have_nothing_to_seal(fleet: dict[int, str]) -> None:
    ApiKey.objects.update(ciphertext=None, master_key_id="", status="revoked")
    assert api_keys_reseal(actor=OPERATOR).keys == 0
