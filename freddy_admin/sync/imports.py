"""Pasted keys, tried out one by one, and made into keys that are watched once confirmed."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from freddy_admin.aitronos.client import AitronosClient
from freddy_admin.audit.services import Actor
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.services import organisations_ensure
from freddy_admin.sync.candidates import organization_id_told, outcome_of_test
from freddy_admin.sync.checks import check_with
from freddy_admin.sync.lease_age import LeaseAge
from freddy_admin.sync.lifecycle import keys_watch
from freddy_admin.sync.models import Outcome
from freddy_admin.sync.outcomes import Checked
from freddy_admin.sync.policy import policy
from freddy_admin.vault.models import ImportDraft, ImportDraftRow, Verdict
from freddy_admin.vault.opening import KeyUnreadable, MasterKeyMisfit, import_secret_open
from freddy_admin.vault.sealing import ImportPlace, import_place_of
from freddy_admin.vault.services import import_tests as vault
from freddy_admin.vault.services.imports import ImportRow, api_keys_import

log = logging.getLogger(__name__)

KEEP_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class ImportClaim:
    """One row whose test is ours to run; `key_id` is the row's, no key has one yet."""

    key_id: int
    token: str
    age: LeaseAge
    place: ImportPlace
    entered: str
    master_key_id: str = field(repr=False)
    ciphertext: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class ImportTested:
    """How the test of one row ended."""

    key_id: int
    token: str
    entered: str
    ended: Checked


def import_claims_take(*, limit: int, now: datetime) -> list[ImportClaim]:
    """Lease up to `limit` rows that wait for their test."""
    if limit < 1:
        return []
    lease = policy().lease.total_seconds()
    return [
        ImportClaim(
            key_id=row.pk,
            token=row.lease_token,
            age=LeaseAge.until(row.lease_until or now),
            place=import_place_of(row),
            entered=row.organization_id,
            master_key_id=row.master_key_id,
            ciphertext=bytes(row.ciphertext) if row.ciphertext is not None else None,
        )
        for row in vault.import_rows_claim(limit=limit, lease_seconds=lease)
    ]


def import_claims_release(claims: Sequence[ImportClaim]) -> None:
    """Give untested rows back, so that whoever comes next tests them."""
    for claim in claims:
        vault.import_rows_release(token=claim.token, row_ids=[claim.key_id])


def import_perform(client: AitronosClient, claim: ImportClaim) -> ImportTested:
    """Call *Get sync status* once with the pasted key. Never raises; no database, any thread."""
    ended = check_with(
        client,
        lambda: import_secret_open(
            row_id=claim.key_id,
            place=claim.place,
            ciphertext=claim.ciphertext,
            master_key_id=claim.master_key_id,
        ),
        connection=f"import.{claim.key_id}",
        age=claim.age,
        named=f"row {claim.key_id} of an import",
    )
    ended = replace(ended, key_id=claim.key_id, token=claim.token)
    return ImportTested(claim.key_id, claim.token, claim.entered, ended)


def imports_store(tested: Sequence[ImportTested]) -> list[int]:
    """Write the outcomes down; the ids of the rows that were still ours.

    A row with which nothing was sent, for its lease was over, waits for its test again.
    """
    for one in tested:
        if one.ended.withheld:
            vault.import_rows_release(token=one.token, row_ids=[one.key_id])
    return [
        one.key_id
        for one in tested
        if not one.ended.withheld
        and vault.import_row_settle(
            row_id=one.key_id,
            token=one.token,
            verdict=_verdict(one),
            outcome=outcome_of_test(one.ended),
        )
    ]


def _verdict(tested: ImportTested) -> Verdict:
    if tested.ended.outcome == Outcome.REFUSED:
        return Verdict.REJECTED
    if tested.ended.outcome != Outcome.GOOD:
        return Verdict.UNTESTED
    reported = organization_id_told(tested.ended)
    another = tested.entered and reported and tested.entered != reported
    return Verdict.DIFFERS if another else Verdict.WORKS


def imports_keep(*, limit: int = KEEP_AT_ONCE) -> int:
    """Make up to `limit` confirmed rows into keys that are due at once; how many rows it were.

    One transaction: a worker that is killed leaves every row either a key or still to be one.
    """
    with transaction.atomic():
        rows = vault.import_rows_confirmed(limit=limit)
        if not rows:
            return 0
        return _keep(rows[0].draft, rows)


@sensitive_variables()
def _keep(draft: ImportDraft, rows: Sequence[ImportDraftRow]) -> int:
    actor = Actor(name=draft.actor_name, id=draft.person_id, address=draft.actor_address)
    opened, shut = _opened(rows)
    places = _places([row for row, _secret in opened], actor)
    results = api_keys_import(
        actor=actor,
        rows=[
            ImportRow(
                organisation=places[row.pk],
                label=row.label,
                secret=secret,
                organization_id=row.organization_id,
                tags=tuple(row.tags),
            )
            for row, secret in opened
        ],
    )
    keys_watch(keys=[one.key for one in results if one.key is not None], actor=actor)
    pairs = [(row, result) for (row, _secret), result in zip(opened, results, strict=True)]
    vault.import_rows_kept(pairs=pairs, shut=shut)
    return len(pairs) + len(shut)


@sensitive_variables()
def _opened(
    rows: Sequence[ImportDraftRow],
) -> tuple[list[tuple[ImportDraftRow, str]], list[ImportDraftRow]]:
    """What opens, and what is damaged; rows of a missing master key wait for it."""
    opened, shut = [], []
    for row in rows:
        try:
            secret = import_secret_open(
                row_id=row.pk,
                place=import_place_of(row),
                ciphertext=row.ciphertext,
                master_key_id=row.master_key_id,
            )
        except KeyUnreadable:
            shut.append(row)
        except MasterKeyMisfit:
            log.warning("Row %s of an import waits for its master key.", row.pk)
        else:
            opened.append((row, secret))
    return opened, shut


def _places(rows: Sequence[ImportDraftRow], actor: Actor) -> dict[int, Organisation]:
    """The organisation of each row; those that are new are added, in the name of who confirmed."""
    new = dict.fromkeys(row.organisation_name for row in rows if row.organisation is None)
    made = organisations_ensure(actor=actor, names=list(new)) if new else {}
    return {row.pk: row.organisation or made[row.organisation_name] for row in rows}
