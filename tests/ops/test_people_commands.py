"""`create_admin`, `add_member`, `create_api_token`."""

import pytest

from freddy_admin.accounts.models import ApiToken, User
from freddy_admin.accounts.tokens.panel_tokens import api_token_find
from freddy_admin.audit.models import AuditEvent
from freddy_admin.organisations.models import Membership, Organisation
from tests.ops.conftest import Run

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture
def acme() -> Organisation:
    return Organisation.objects.create(name="Acme", slug="acme")


def test_an_admin_is_made_with_the_piped_password(run: Run) -> None:
    ended = run("create_admin", "Ada@Example.org", "--password-stdin", stdin=PASSWORD + "\n")
    assert (ended.code, ended.out) == (0, "")
    ada = User.objects.get(email="ada@example.org")
    assert ada.is_platform_admin
    assert ada.check_password(PASSWORD)


def test_an_admin_is_asked_for_the_password_twice(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("freddy_admin.ops.passwords.at_terminal", lambda: True)
    monkeypatch.setattr("getpass.getpass", lambda prompt: PASSWORD)
    assert run("create_admin", "ada@example.org").code == 0
    assert User.objects.get().check_password(PASSWORD)


def test_two_different_passwords_are_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([PASSWORD, "something else"])
    monkeypatch.setattr("freddy_admin.ops.passwords.at_terminal", lambda: True)
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(answers))
    assert run("create_admin", "ada@example.org").code == 2
    assert not User.objects.exists()


def test_without_a_terminal_the_password_must_be_piped(run: Run) -> None:
    ended = run("create_admin", "ada@example.org")
    assert ended.code == 2
    assert "--password-stdin" in ended.err


@pytest.mark.parametrize("piped", ["", "\n"])
def test_an_empty_pipe_is_wrong_use(run: Run, piped: str) -> None:
    assert run("create_admin", "ada@example.org", "--password-stdin", stdin=piped).code == 2


@pytest.mark.parametrize(
    ("email", "password"), [("not an address", PASSWORD), ("ada@example.org", "short")]
)
def test_what_cannot_be_accepted_is_one_sentence(run: Run, email: str, password: str) -> None:
    ended = run("create_admin", email, "--password-stdin", stdin=password)
    assert ended.code == 1
    assert len(ended.err.splitlines()) == 1
    assert not User.objects.exists()


def test_a_password_is_never_printed(run: Run) -> None:
    for _ in range(2):
        ended = run("create_admin", "ada@example.org", "--password-stdin", stdin=PASSWORD)
        assert PASSWORD not in ended.out + ended.err


def test_a_member_is_made_with_a_verified_address(run: Run, acme: Organisation) -> None:
    arguments = ["vic@example.org", "--organisation", "acme", "--role", "viewer"]
    ended = run("add_member", *arguments, "--password-stdin", stdin=PASSWORD + "\n")
    assert ended.code == 0
    member = Membership.objects.get(organisation=acme)
    assert member.role == "viewer"
    assert member.user.check_password(PASSWORD)
    assert member.user.emailaddress_set.get().verified
    assert not member.user.is_platform_admin


def test_a_second_run_changes_the_role_and_keeps_the_password(run: Run, acme: Organisation) -> None:
    arguments = ["vic@example.org", "--organisation", "acme", "--role"]
    run("add_member", *arguments, "viewer", "--password-stdin", stdin=PASSWORD)
    ended = run("add_member", *arguments, "manager", "--password-stdin", stdin="another password")
    assert ended.code == 0
    member = Membership.objects.get(organisation=acme)
    assert member.role == "manager"
    assert member.user.check_password(PASSWORD)
    assert "keeps the password" in ended.err


def test_without_a_password_a_new_member_chooses_one_by_mail(run: Run, acme: Organisation) -> None:
    ended = run("add_member", "vic@example.org", "--organisation", "acme", "--role", "operator")
    assert ended.code == 0
    assert not User.objects.get().has_usable_password()


def test_a_member_of_an_unknown_organisation_is_not_made(run: Run) -> None:
    ended = run("add_member", "vic@example.org", "--organisation", "nope", "--role", "viewer")
    assert ended.code == 1
    assert "nope" in ended.err
    assert not User.objects.exists()


def test_an_unknown_role_is_refused(run: Run, acme: Organisation) -> None:
    ended = run("add_member", "vic@example.org", "--organisation", "acme", "--role", "king")
    assert ended.code != 0
    assert not User.objects.exists()


def test_a_token_stands_alone_on_stdout_and_works(run: Run) -> None:
    user = User.objects.create(email="ada@example.org")
    ended = run("create_api_token", "ADA@example.org", "--name", "status board")
    assert ended.code == 0
    assert len(ended.lines) == 1
    grant = api_token_find(token=ended.lines[0])
    assert grant is not None
    assert (grant.user, grant.scope, grant.organisation_ids) == (user, "read", None)
    assert ApiToken.objects.get().expires_at is None


def test_a_token_can_be_made_narrow(run: Run, acme: Organisation) -> None:
    run("add_member", "ada@example.org", "--organisation", "acme", "--role", "viewer")
    limits = ("--scope", "act", "--organisation", "acme", "--days", "30")
    ended = run("create_api_token", "ada@example.org", "--name", "x", *limits)
    grant = api_token_find(token=ended.lines[0])
    assert grant is not None
    assert (grant.scope, grant.organisation_ids) == ("act", frozenset({acme.pk}))
    row = ApiToken.objects.get()
    assert row.expires_at is not None
    assert (row.expires_at - row.created_at).days == 30


@pytest.mark.parametrize(
    "wrong",
    [("--organisation", "acme"), ("--organisation", "nope"), ("--scope", "king"), ("--days", "0"),
     ("--days", "x")],
)  # fmt: skip
def test_a_token_that_could_never_work_is_not_made(
    wrong: tuple[str, str], run: Run, acme: Organisation
) -> None:
    User.objects.create(email="ada@example.org")
    ended = run("create_api_token", "ada@example.org", "--name", "x", *wrong)
    assert ended.code != 0
    assert ended.out == ""
    assert not ApiToken.objects.exists()


def test_token_names_may_repeat(run: Run) -> None:
    User.objects.create(email="ada@example.org")
    tokens = {run("create_api_token", "ada@example.org", "--name", "x").out for _ in range(2)}
    assert len(tokens) == 2
    assert ApiToken.objects.count() == 2


def test_a_token_for_nobody_is_one_sentence(run: Run) -> None:
    ended = run("create_api_token", "nobody@example.org", "--name", "x")
    assert (ended.code, ended.out) == (1, "")
    assert "nobody@example.org" in ended.err


def test_the_log_says_that_the_operator_did_it(run: Run) -> None:
    run("create_admin", "ada@example.org", "--password-stdin", stdin=PASSWORD)
    assert AuditEvent.objects.get().actor_name == "operator (command line)"
