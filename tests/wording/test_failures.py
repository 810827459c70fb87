"""Every kind of failure says what happened, who can mend it and what to do."""

from datetime import UTC

import pytest

from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.sync.checks.results import LocalFailureKind
from freddy_admin.sync.status.rows import CheckError
from freddy_admin.wording.failures import (
    failure_sentences,
    failure_wording,
    quoted_message,
)
from freddy_admin.wording.sentences import EMPTY, render_html, render_text
from freddy_admin.wording.times import UserTime
from tests.wording.key_rows import NOW, check_error, key_row


@pytest.mark.parametrize("kind", [*FailureKind, *LocalFailureKind])
def test_every_kind_of_failure_has_sentences_of_its_own(kind: str) -> None:
    wording = failure_wording(check_error(kind))
    assert str(wording.brief) != str(failure_wording(check_error("something_new")).brief)
    assert render_text(wording.brief)
    assert not str(wording.brief).endswith(".")
    assert str(wording.words).endswith(".")
    assert str(wording.responsible_party)
    assert str(wording.advice).endswith(".")


@pytest.mark.parametrize(
    ("error", "brief"),
    [
        (check_error("server_error", http_status=502), "Aitronos error 502"),
        (check_error("unexpected_status", http_status=404), "Unexpected answer 404"),
        (check_error("unreadable_answer"), "Unreadable answer"),
        (check_error("rate_limited", http_status=429), "Limited by Aitronos"),
        (check_error("key_refused", code="API_KEY_EXPIRED"), "The key has expired"),
        (check_error("name_not_found"), "Not reachable: name not found"),
        (check_error("read_timeout"), "No answer in 0.5 s"),
        (check_error("something_new"), "No answer to rely on"),
    ],
)
def test_wording_covers_every_failure_of_the_list(error: CheckError, brief: str) -> None:
    assert str(failure_wording(error).brief) == brief


def test_a_failed_secure_connection_names_its_reason() -> None:
    words = failure_wording(check_error("tls", detail="certificate expired")).words
    assert str(words) == "Secure connection failed: certificate expired. The key was not sent."


def test_words_of_aitronos_are_quoted_once_and_escaped() -> None:
    error = check_error("rate_limited", message="<b>Later</b>")
    sentences = failure_sentences(error)
    assert render_text(sentences).count("Aitronos says: “<b>Later</b>”") == 1
    assert "“&lt;b&gt;Later&lt;/b&gt;”" in render_html(sentences, UserTime(NOW, UTC))
    assert quoted_message("") is EMPTY


def test_message_of_a_server_error_says_nothing_and_is_left_out() -> None:
    error = check_error("server_error", http_status=503, message="internal")
    text = "Aitronos had an error of its own (503) and gave no status."
    assert render_text(failure_sentences(error)) == text


def test_unknown_code_says_once_what_aitronos_said() -> None:
    error = check_error("key_not_permitted", code="NEW_CODE", message="Ask for approval first.")
    assert render_text(failure_sentences(error)) == (
        "Aitronos does not let this key read the sync status. It says: “Ask for approval first.”"
    )
    assert str(failure_wording(error).brief) == "Not permitted"


def test_unknown_code_without_a_message_claims_no_reason() -> None:
    wording = failure_wording(check_error("key_not_permitted", code="NEW_CODE"))
    assert str(wording.brief) == "Not permitted (NEW_CODE)"
    assert str(wording.words).endswith("and names nothing but NEW_CODE.")
    assert not wording.needs_new_key
    nothing = failure_wording(check_error("key_not_permitted"))
    assert str(nothing.words).endswith("and gives no reason.")


@pytest.mark.parametrize(("kind", "expected"), [("master_key_misfit", True), ("tls", False)])
def test_no_manager_can_mend_the_master_key(kind: str, expected: bool) -> None:
    assert key_row(error=check_error(kind)).has_master_key_failure is expected
    assert not key_row().has_master_key_failure
