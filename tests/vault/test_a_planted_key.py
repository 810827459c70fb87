"""Drills S9 to S11, as far as the vault goes: a planted key turns up in no text and no byte."""

import base64
import json
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator

import pytest
from django.core import serializers
from django.db import connection
from django.forms import modelform_factory

from freddy_admin.accounts.models import User
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import OPERATOR, Actor
from freddy_admin.core.errors import PublicError
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.master_keys import master_key_state
from freddy_admin.vault.models import (
    ApiKey,
    ImportDraftRow,
    KeyCandidate,
    KeyTag,
    MasterKeyCanary,
)
from freddy_admin.vault.opening import KeyUnreadable, MasterKeyMisfit
from freddy_admin.vault.secrets import hints_of
from freddy_admin.vault.services import (
    ImportRow,
    KeyDetails,
    api_key_draft,
    api_key_replace,
    api_keys_import,
)
from tests.vault.conftest import OTHER_SECRET, MakeKey
from tests.vault.opened import opened
from tests.vault.pasting import laid_out
from tests.vault.rings import FIRST, ring_of

PLANTED = "planted_Zq7Xw2Rk9Lm4Vt8Nb3Hs6Jd1Fg5Pc0Ya"
TABLES = [ApiKey, KeyCandidate, KeyTag, ImportDraftRow, MasterKeyCanary, AuditEvent]


def _parts() -> list[str]:
    # Every eight characters in a row, but for those inside what may be shown; also as other
    # programs would write the whole.
    start, end = hints_of(PLANTED)
    hidden = PLANTED[len(start) : -len(end)]
    pieces = [hidden[place : place + 8] for place in range(len(hidden) - 7)]
    raw = PLANTED.encode()
    whole = [raw.hex(), base64.b64encode(raw).decode().rstrip("="), PLANTED[::-1]]
    return pieces + whole


def _expect_clean(text: str | bytes) -> None:
    shown = text.decode("latin-1") if isinstance(text, bytes) else text
    assert [part for part in _parts() if part in shown] == []


@pytest.fixture
def planted(active: MakeKey, organisation: Organisation, actor: Actor, member: User) -> ApiKey:
    key = active(OTHER_SECRET)
    api_key_replace(organisation=organisation, actor=actor, key=key, secret=PLANTED)
    active(PLANTED[::-1][::-1] + "x", label="Second")
    laid_out(member, f"Acme,Pasted,{PLANTED},,", f"Acme,{PLANTED},{PLANTED},,")
    return ApiKey.objects.get(pk=key.pk)


def test_the_search_itself_finds_a_planted_key() -> None:
    for text in (PLANTED, PLANTED[15:23], PLANTED.encode().hex()):
        with pytest.raises(AssertionError):
            _expect_clean(f"… {text} …")


@pytest.mark.usefixtures("planted")
def test_no_column_of_any_row_holds_it() -> None:
    for model in TABLES:
        for row in model._default_manager.values():
            _expect_clean(repr(row))
            for value in row.values():
                if isinstance(value, bytes | memoryview):
                    _expect_clean(bytes(value))


@pytest.mark.usefixtures("planted")
def test_no_byte_of_the_database_holds_it() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("reads SQLite's own pages; the columns are searched on every engine")
    _expect_clean(connection.connection.serialize())


@pytest.mark.usefixtures("planted")
def test_dumpdata_holds_sealed_bytes_alone() -> None:
    for model in TABLES:
        _expect_clean(serializers.serialize("json", model._default_manager.all()))


@pytest.mark.usefixtures("planted")
def test_no_repr_no_text_and_no_pickle_of_a_row_holds_it() -> None:
    for model in TABLES:
        for row in model._default_manager.all():
            for text in (repr(row), str(row), repr(vars(row)), pickle.dumps(row)):
                _expect_clean(text)


def test_no_form_made_from_the_models_offers_sealed_fields() -> None:
    offered = {
        name
        for model in (ApiKey, KeyCandidate, MasterKeyCanary)
        for name in modelform_factory(model, fields="__all__").base_fields
    }
    assert offered <= {
        "organisation",
        "label",
        "grace_minutes",
        "expires_on",
        "organization_id",
        "owner",
        "tags",
        "key",
    }


@pytest.fixture
def everything_logged() -> Iterator[list[str]]:
    lines: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(f"{record.getMessage()} {vars(record)!r}")

    collector, root = Collector(level=0), logging.getLogger()
    loggers = [root, logging.getLogger("django.db.backends"), logging.getLogger("freddy_admin")]
    former = [(one, one.level) for one in loggers]
    for one in loggers:
        one.setLevel(logging.DEBUG)
        one.addHandler(collector)
    connection.force_debug_cursor = True
    yield lines
    connection.force_debug_cursor = False
    for one, level in former:
        one.removeHandler(collector)
        one.setLevel(level)


def test_no_log_line_holds_it_not_even_every_statement_of_the_database(
    everything_logged: list[str],
    organisation: Organisation,
    actor: Actor,
) -> None:
    api_key_draft(
        organisation=organisation, actor=actor, details=KeyDetails(label="Main"), secret=PLANTED
    )
    row = ImportRow(organisation=organisation, label="Main", secret=PLANTED + "x")
    api_keys_import(actor=OPERATOR, rows=[row])
    assert any("vault_apikey" in line for line in everything_logged)
    _expect_clean("\n".join(everything_logged))


def _chain(error: BaseException) -> str:
    told, link = "".join(traceback.format_exception(error)), error
    seen: BaseException | None = link
    while seen is not None:
        told += repr(seen) + repr(seen.args) + repr(vars(seen)) + str(seen)
        seen = seen.__context__ or seen.__cause__
    return told


@pytest.mark.parametrize(
    "text",
    [
        f"{PLANTED}\nX-Evil: 1",
        f"{PLANTED} {PLANTED}",
        f"{PLANTED}\u2019",
        f"{PLANTED}\x00",
        f"{PLANTED}\ud800",
        PLANTED * 20,
        PLANTED,
    ],
)
def test_no_error_of_a_form_holds_it(
    active: MakeKey, organisation: Organisation, actor: Actor, text: str
) -> None:
    active(PLANTED)
    with pytest.raises(PublicError) as refused:
        api_key_draft(
            organisation=organisation,
            actor=actor,
            details=KeyDetails(label="Main"),
            secret=text,
        )
    _expect_clean(_chain(refused.value))
    _expect_clean(json.dumps(refused.value.message))


@pytest.mark.parametrize(
    "break_it",
    [
        lambda key: setattr(key, "version", 9),
        lambda key: setattr(key, "ciphertext", bytes(key.ciphertext)[:-1]),
        lambda key: setattr(key, "master_key_id", "00" * 8),
    ],
)
def test_no_error_of_opening_holds_it(active: MakeKey, break_it: Callable[[ApiKey], None]) -> None:
    key = active(PLANTED)
    master_key_state()  # as before every round: it brings the canaries
    break_it(key)
    with pytest.raises(KeyUnreadable) as unreadable:
        opened(key)
    _expect_clean(_chain(unreadable.value))


def test_no_misfit_of_the_master_key_holds_it(active: MakeKey) -> None:
    key = active(PLANTED)
    with ring_of(FIRST), pytest.raises(MasterKeyMisfit) as misfit:
        opened(key)
    _expect_clean(_chain(misfit.value))


def test_the_masked_form_is_all_that_is_stored_in_clear(active: MakeKey) -> None:
    key = active(PLANTED)
    assert (key.hint_start, key.hint_end) == (PLANTED[:13], PLANTED[-4:])
