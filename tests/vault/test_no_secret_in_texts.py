"""Drills S9 to S11 in the vault: a planted key is found in no text and no byte."""

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
from freddy_admin.vault.key_details import KeyDetails
from freddy_admin.vault.master_key_state import master_key_state
from freddy_admin.vault.models import (
    ApiKey,
    ImportDraftRow,
    KeyCandidate,
    KeyTag,
    MasterKeyCanary,
)
from freddy_admin.vault.opening import KeyUnreadable, MasterKeyMisfit
from freddy_admin.vault.secret_format import secret_hints
from freddy_admin.vault.services.bulk_import import ImportRow, api_keys_import
from freddy_admin.vault.services.keys import api_key_create, api_key_replace
from tests.vault.conftest import OTHER_SECRET, MakeKey
from tests.vault.import_draft_data import import_draft_make
from tests.vault.keyrings import FIRST, override_keyring
from tests.vault.secret_reading import stored_secret

PLANTED = "planted_Zq7Xw2Rk9Lm4Vt8Nb3Hs6Jd1Fg5Pc0Ya"
TABLES = [ApiKey, KeyCandidate, KeyTag, ImportDraftRow, MasterKeyCanary, AuditEvent]


def _secret_parts() -> list[str]:
    # Every eight successive characters outside the hints, and encoded forms of the whole.
    start, end = secret_hints(PLANTED)
    hidden = PLANTED[len(start) : -len(end)]
    pieces = [hidden[start_index : start_index + 8] for start_index in range(len(hidden) - 7)]
    raw = PLANTED.encode()
    encoded_forms = [raw.hex(), base64.b64encode(raw).decode().rstrip("="), PLANTED[::-1]]
    return pieces + encoded_forms


def _expect_no_secret(text: str | bytes) -> None:
    text_part = text.decode("latin-1") if isinstance(text, bytes) else text
    assert [part for part in _secret_parts() if part in text_part] == []


@pytest.fixture
def planted_key(
    active_key: MakeKey, organisation: Organisation, actor: Actor, manager: User
) -> ApiKey:
    key = active_key(OTHER_SECRET)
    api_key_replace(organisation=organisation, actor=actor, key=key, secret=PLANTED)
    active_key(PLANTED[::-1][::-1] + "x", label="Second")
    import_draft_make(manager, f"Alder,Pasted,{PLANTED},,", f"Alder,{PLANTED},{PLANTED},,")
    return ApiKey.objects.get(pk=key.pk)


def test_the_search_itself_finds_a_planted_key() -> None:
    for text in (PLANTED, PLANTED[15:23], PLANTED.encode().hex()):
        with pytest.raises(AssertionError):
            _expect_no_secret(f"… {text} …")


@pytest.mark.usefixtures("planted_key")
def test_no_column_of_any_row_holds_the_planted_key() -> None:
    for model in TABLES:
        for row in model._default_manager.values():
            _expect_no_secret(repr(row))
            for value in row.values():
                if isinstance(value, bytes | memoryview):
                    _expect_no_secret(bytes(value))


@pytest.mark.usefixtures("planted_key")
def test_no_byte_of_the_database_holds_the_planted_key() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("reads SQLite's own pages; the columns are searched on every engine")
    _expect_no_secret(connection.connection.serialize())


@pytest.mark.usefixtures("planted_key")
def test_dumpdata_holds_sealed_bytes_alone() -> None:
    for model in TABLES:
        _expect_no_secret(serializers.serialize("json", model._default_manager.all()))


@pytest.mark.usefixtures("planted_key")
def test_no_repr_text_or_pickle_of_a_row_holds_the_planted_key() -> None:
    for model in TABLES:
        for row in model._default_manager.all():
            for text in (repr(row), str(row), repr(vars(row)), pickle.dumps(row)):
                _expect_no_secret(text)


def test_no_form_made_from_the_models_offers_sealed_fields() -> None:
    field_names = {
        name
        for model in (ApiKey, KeyCandidate, MasterKeyCanary)
        for name in modelform_factory(model, fields="__all__").base_fields
    }
    assert field_names <= {
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
def log_lines() -> Iterator[list[str]]:
    lines: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(f"{record.getMessage()} {vars(record)!r}")

    collector, root = Collector(level=0), logging.getLogger()
    loggers = [root, logging.getLogger("django.db.backends"), logging.getLogger("freddy_admin")]
    logger_levels = [(logger, logger.level) for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
        logger.addHandler(collector)
    connection.force_debug_cursor = True
    yield lines
    connection.force_debug_cursor = False
    for logger, level in logger_levels:
        logger.removeHandler(collector)
        logger.setLevel(level)


def test_no_log_line_or_sql_statement_holds_the_planted_key(
    log_lines: list[str],
    organisation: Organisation,
    actor: Actor,
) -> None:
    api_key_create(
        organisation=organisation, actor=actor, details=KeyDetails(label="Main"), secret=PLANTED
    )
    row = ImportRow(organisation=organisation, label="Main", secret=PLANTED + "x")
    api_keys_import(actor=OPERATOR, rows=[row])
    assert any("vault_apikey" in line for line in log_lines)
    _expect_no_secret("\n".join(log_lines))


def _error_chain_text(error: BaseException) -> str:
    text = "".join(traceback.format_exception(error))
    chained_error: BaseException | None = error
    while chained_error is not None:
        text += (
            repr(chained_error)
            + repr(chained_error.args)
            + repr(vars(chained_error))
            + str(chained_error)
        )
        chained_error = chained_error.__context__ or chained_error.__cause__
    return text


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
def test_no_error_of_a_form_holds_the_planted_key(
    active_key: MakeKey, organisation: Organisation, actor: Actor, text: str
) -> None:
    active_key(PLANTED)
    with pytest.raises(PublicError) as error:
        api_key_create(
            organisation=organisation,
            actor=actor,
            details=KeyDetails(label="Main"),
            secret=text,
        )
    _expect_no_secret(_error_chain_text(error.value))
    _expect_no_secret(json.dumps(error.value.message))


@pytest.mark.parametrize(
    "damage",
    [
        lambda key: setattr(key, "version", 9),
        lambda key: setattr(key, "ciphertext", bytes(key.ciphertext)[:-1]),
        lambda key: setattr(key, "master_key_id", "00" * 8),
    ],
)
def test_no_error_of_opening_holds_the_planted_key(
    active_key: MakeKey, damage: Callable[[ApiKey], None]
) -> None:
    key = active_key(PLANTED)
    master_key_state()  # loads the canaries
    damage(key)
    with pytest.raises(KeyUnreadable) as error:
        stored_secret(key)
    _expect_no_secret(_error_chain_text(error.value))


def test_no_misfit_of_the_master_key_holds_the_planted_key(active_key: MakeKey) -> None:
    key = active_key(PLANTED)
    with override_keyring(FIRST), pytest.raises(MasterKeyMisfit) as error:
        stored_secret(key)
    _expect_no_secret(_error_chain_text(error.value))


def test_the_masked_form_is_all_that_is_stored_in_clear(active_key: MakeKey) -> None:
    key = active_key(PLANTED)
    assert (key.hint_start, key.hint_end) == (PLANTED[:13], PLANTED[-4:])
