"""Secrets of channels: sealed for one purpose, owner, channel and version; covered by rotation."""

from datetime import timedelta
from typing import Any

import pytest

from freddy_admin.audit.services import OPERATOR, Actor
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict, InvalidInput
from freddy_admin.crypto.keyring import Keyring
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.master_key_state import (
    MasterKeyFit,
    master_key_state,
    master_key_state_reset,
    master_key_usage,
)
from freddy_admin.vault.models import ChannelSecret
from freddy_admin.vault.opening import (
    ChannelSecretUnreadable,
    MasterKeyMisfit,
    channel_secret_open,
)
from freddy_admin.vault.services.channel_secrets import (
    channel_address_get,
    channel_address_set,
    channel_former_signing_secrets_delete,
    channel_secrets_delete,
    channel_signing_secret_add,
    channel_signing_secrets_valid,
)
from freddy_admin.vault.services.reseal import api_keys_reseal
from tests.hand_clock import HandClock
from tests.vault.keyrings import (
    DEFAULT_KEY,
    FIRST,
    SECOND,
    override_keyring,
    public_key_text,
    removable_master_key_ids,
)

CHANNEL = 71


def _signing_secret(organisation: Organisation | None, text: str, **options: Any) -> ChannelSecret:
    values = {"former_valid_until": clock.now() + timedelta(days=1)} | options
    return channel_signing_secret_add(
        organisation=organisation, channel_id=CHANNEL, actor=OPERATOR, secret=text, **values
    )


@pytest.fixture
def opened(organisation: Organisation, actor: Actor) -> ChannelSecret:
    """An address that opens."""
    return channel_address_set(
        organisation=organisation,
        channel_id=CHANNEL,
        actor=actor,
        secret="https://hooks.example.org/secret",
    )


def test_sealed_secret_opens(opened: ChannelSecret) -> None:
    assert channel_secret_open(ChannelSecret.objects.get()) == "https://hooks.example.org/secret"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("purpose", "signing"),
        ("organisation_id", None),
        ("channel_id", 72),
        ("version", 2),
        ("master_key_id", "0011223344556677"),
    ],
)
def test_secret_of_another_row_does_not_open(
    opened: ChannelSecret, column: str, value: object
) -> None:
    setattr(opened, column, value)
    master_key_state(fresh=True)  # tells a damaged name of a master key from a missing one
    with pytest.raises(ChannelSecretUnreadable) as raised:
        channel_secret_open(opened)
    assert "hooks" not in str(raised.value)


def test_secret_of_another_organisation_does_not_open(
    opened: ChannelSecret, other_organisation: Organisation
) -> None:
    opened.organisation = other_organisation
    with pytest.raises(ChannelSecretUnreadable):
        channel_secret_open(opened)


def test_every_bit_counts(opened: ChannelSecret) -> None:
    sealed = bytes(opened.ciphertext or b"")
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        opened.ciphertext = bytes(changed)
        with pytest.raises((ChannelSecretUnreadable, MasterKeyMisfit)):
            channel_secret_open(opened)


def test_process_without_private_keys_seals_and_cannot_open(
    organisation: Organisation, actor: Actor
) -> None:
    with override_keyring(public=public_key_text(DEFAULT_KEY)):
        row = channel_address_set(
            organisation=organisation, channel_id=CHANNEL, actor=actor, secret="https://a.example"
        )
        with pytest.raises(MasterKeyMisfit):
            channel_secret_open(row)
    assert channel_secret_open(ChannelSecret.objects.get()) == "https://a.example"


def test_new_address_takes_the_place_of_the_former_under_a_new_version(
    opened: ChannelSecret, organisation: Organisation, actor: Actor
) -> None:
    channel_address_set(
        organisation=organisation, channel_id=CHANNEL, actor=actor, secret="https://b.example"
    )
    row = ChannelSecret.objects.get()
    assert row.version == 2
    assert channel_secret_open(row) == "https://b.example"
    found = channel_address_get(channel_id=CHANNEL)
    assert found == row
    assert channel_address_get(channel_id=72) is None


def test_one_address_serves_one_channel_of_an_owner(
    opened: ChannelSecret, organisation: Organisation, actor: Actor
) -> None:
    same = {"actor": actor, "secret": "https://hooks.example.org/secret"}
    with pytest.raises(InvalidInput):
        channel_address_set(organisation=organisation, channel_id=72, **same)
    channel_address_set(organisation=organisation, channel_id=CHANNEL, **same)
    channel_address_set(organisation=None, channel_id=73, **same)
    assert ChannelSecret.objects.count() == 2


def test_former_signing_secrets_stay_valid_until_they_end(
    organisation: Organisation, hand_clock: HandClock
) -> None:
    for text in ("one", "two", "three"):
        _signing_secret(organisation, text)
        hand_clock.advance(hours=1)

    def valid() -> list[str]:
        rows = channel_signing_secrets_valid(channel_id=CHANNEL, now=clock.now())
        return [channel_secret_open(row) for row in rows]

    assert valid() == ["three", "two", "one"]
    hand_clock.advance(hours=22, minutes=30)  # "one" ends a day after "two" came
    assert valid() == ["three", "two"]
    assert channel_former_signing_secrets_delete(ended_before=clock.now()) == 1
    hand_clock.advance(days=40)
    assert valid() == ["three"]
    assert channel_former_signing_secrets_delete(channel_id=72) == 0
    assert channel_former_signing_secrets_delete(channel_id=CHANNEL) == 1
    assert ChannelSecret.objects.count() == 1


def test_shorter_end_of_former_secrets_wins(
    organisation: Organisation, hand_clock: HandClock
) -> None:
    _signing_secret(organisation, "one")
    _signing_secret(organisation, "two")
    _signing_secret(organisation, "three", former_valid_until=clock.now() + timedelta(hours=1))
    hand_clock.advance(hours=2)
    rows = channel_signing_secrets_valid(channel_id=CHANNEL, now=clock.now())
    assert [channel_secret_open(row) for row in rows] == ["three"]


def test_all_secrets_of_a_channel_are_wiped(
    opened: ChannelSecret, organisation: Organisation
) -> None:
    _signing_secret(organisation, "one")
    assert channel_secrets_delete(channel_id=72) == 0
    assert channel_secrets_delete(channel_id=CHANNEL) == 2
    assert not ChannelSecret.objects.exists()


def test_rotation_seals_channels_secrets_anew_and_frees_the_former_master_key(
    opened: ChannelSecret, organisation: Organisation
) -> None:
    _signing_secret(None, "whsec_one")
    with override_keyring(FIRST, DEFAULT_KEY):
        report = api_keys_reseal(actor=OPERATOR, batch=1)
        assert (report.channel_secrets, report.unreadable) == (2, ())
        former_id = Keyring([DEFAULT_KEY]).sealing_id
        assert removable_master_key_ids(report) == (former_id,)
    with override_keyring(FIRST):
        opened_texts = {channel_secret_open(row) for row in ChannelSecret.objects.all()}
        assert opened_texts == {"https://hooks.example.org/secret", "whsec_one"}


def test_damaged_secret_is_reported_by_rotation_and_left(
    opened: ChannelSecret, organisation: Organisation
) -> None:
    changed = bytearray(bytes(opened.ciphertext or b""))
    changed[-1] ^= 1
    ChannelSecret.objects.update(ciphertext=bytes(changed))
    with override_keyring(FIRST, DEFAULT_KEY):
        (row,) = api_keys_reseal(actor=OPERATOR).unreadable
    assert (row.organisation, row.key_id, row.channel_secret) == ("Alder", CHANNEL, True)
    assert "enter the channel's address anew" in row.reason
    assert bytes(ChannelSecret.objects.get().ciphertext or b"") == bytes(changed)


def test_damaged_secret_of_the_whole_panel_is_named(db: None) -> None:
    _signing_secret(None, "whsec_one")
    ChannelSecret.objects.update(ciphertext=b"\x01damaged")
    with override_keyring(FIRST, DEFAULT_KEY):
        (row,) = api_keys_reseal(actor=OPERATOR).unreadable
    assert row.organisation == "the whole panel"


def test_channels_secrets_count_as_use_of_their_master_key(opened: ChannelSecret) -> None:
    (use,) = master_key_usage()
    assert (use.keys, use.channel_secrets, use.rows) == (0, 1, 1)
    with override_keyring(SECOND):
        master_key_state_reset()
        assert master_key_state(fresh=True).fit is MasterKeyFit.MISSING


def test_master_key_that_opens_nothing_seals_no_channels_secret(
    opened: ChannelSecret, organisation: Organisation
) -> None:
    with override_keyring(SECOND), pytest.raises(Conflict, match="does not fit this database"):
        _signing_secret(organisation, "one")


def test_secrets_go_with_their_organisation(
    opened: ChannelSecret, organisation: Organisation
) -> None:
    organisation.delete()
    assert not ChannelSecret.objects.exists()


def test_row_says_what_it_is_and_nothing_of_the_secret(opened: ChannelSecret) -> None:
    assert str(opened) == "address of channel 71, version 1"
    assert "hooks" not in repr(vars(opened))
