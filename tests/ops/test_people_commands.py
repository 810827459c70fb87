"""`create_admin`, `add_member`, `create_api_token`."""

import pytest

from freddy_admin.accounts.api_tokens import api_token_verify
from freddy_admin.accounts.models import ApiToken, User
from freddy_admin.audit.models import AuditEvent
from freddy_admin.organisations.models import Membership, Organisation
from tests.ops.conftest import RunCommand

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture
def acme() -> Organisation:
    return Organisation.objects.create(name="Acme", slug="acme")


def test_create_admin_takes_the_piped_password(run_command: RunCommand) -> None:
    result = run_command(
        "create_admin", "Ada@Example.org", "--password-stdin", stdin=PASSWORD + "\n"
    )
    assert (result.code, result.out) == (0, "")
    ada = User.objects.get(email="ada@example.org")
    assert ada.is_platform_admin
    assert ada.check_password(PASSWORD)


def test_create_admin_prompts_for_the_password_twice(
    run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("freddy_admin.ops.operator_command.is_at_terminal", lambda: True)
    monkeypatch.setattr("getpass.getpass", lambda prompt: PASSWORD)
    assert run_command("create_admin", "ada@example.org").code == 0
    assert User.objects.get().check_password(PASSWORD)


def test_create_admin_refuses_two_different_passwords(
    run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    passwords = iter([PASSWORD, "something else"])
    monkeypatch.setattr("freddy_admin.ops.operator_command.is_at_terminal", lambda: True)
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(passwords))
    assert run_command("create_admin", "ada@example.org").code == 2
    assert not User.objects.exists()


def test_create_admin_without_a_terminal_needs_a_piped_password(run_command: RunCommand) -> None:
    result = run_command("create_admin", "ada@example.org")
    assert result.code == 2
    assert "--password-stdin" in result.err


@pytest.mark.parametrize("piped", ["", "\n"])
def test_empty_pipe_is_a_usage_error(run_command: RunCommand, piped: str) -> None:
    assert run_command("create_admin", "ada@example.org", "--password-stdin", stdin=piped).code == 2


@pytest.mark.parametrize(
    ("email", "password"), [("not an address", PASSWORD), ("ada@example.org", "short")]
)
def test_unacceptable_email_or_password_is_one_sentence(
    run_command: RunCommand, email: str, password: str
) -> None:
    result = run_command("create_admin", email, "--password-stdin", stdin=password)
    assert result.code == 1
    assert len(result.err.splitlines()) == 1
    assert not User.objects.exists()


def test_create_admin_prints_no_password(run_command: RunCommand) -> None:
    for _ in range(2):
        result = run_command("create_admin", "ada@example.org", "--password-stdin", stdin=PASSWORD)
        assert PASSWORD not in result.out + result.err


def test_add_member_creates_a_person_with_a_verified_address(
    run_command: RunCommand, acme: Organisation
) -> None:
    arguments = ["vic@example.org", "--organisation", "acme", "--role", "viewer"]
    result = run_command("add_member", *arguments, "--password-stdin", stdin=PASSWORD + "\n")
    assert result.code == 0
    member = Membership.objects.get(organisation=acme)
    assert member.role == "viewer"
    assert member.user.check_password(PASSWORD)
    assert member.user.emailaddress_set.get().verified
    assert not member.user.is_platform_admin


def test_second_add_member_changes_the_role_and_keeps_the_password(
    run_command: RunCommand, acme: Organisation
) -> None:
    arguments = ["vic@example.org", "--organisation", "acme", "--role"]
    run_command("add_member", *arguments, "viewer", "--password-stdin", stdin=PASSWORD)
    result = run_command(
        "add_member", *arguments, "manager", "--password-stdin", stdin="another password"
    )
    assert result.code == 0
    member = Membership.objects.get(organisation=acme)
    assert member.role == "manager"
    assert member.user.check_password(PASSWORD)
    assert "keeps the password" in result.err


def test_new_member_without_a_password_chooses_one_by_mail(
    run_command: RunCommand, acme: Organisation
) -> None:
    result = run_command(
        "add_member", "vic@example.org", "--organisation", "acme", "--role", "operator"
    )
    assert result.code == 0
    assert not User.objects.get().has_usable_password()


def test_member_of_an_unknown_organisation_is_not_created(run_command: RunCommand) -> None:
    result = run_command(
        "add_member", "vic@example.org", "--organisation", "nope", "--role", "viewer"
    )
    assert result.code == 1
    assert "nope" in result.err
    assert not User.objects.exists()


def test_unknown_role_is_refused(run_command: RunCommand, acme: Organisation) -> None:
    result = run_command(
        "add_member", "vic@example.org", "--organisation", "acme", "--role", "king"
    )
    assert result.code != 0
    assert not User.objects.exists()


def test_token_stands_alone_on_stdout_and_works(run_command: RunCommand) -> None:
    user = User.objects.create(email="ada@example.org")
    result = run_command("create_api_token", "ADA@example.org", "--name", "status board")
    assert result.code == 0
    assert len(result.lines) == 1
    grant = api_token_verify(token=result.lines[0])
    assert grant is not None
    assert (grant.user, grant.scope, grant.organisation_ids) == (user, "read", None)
    assert ApiToken.objects.get().expires_at is None


def test_token_can_be_limited(run_command: RunCommand, acme: Organisation) -> None:
    run_command("add_member", "ada@example.org", "--organisation", "acme", "--role", "viewer")
    limits = ("--scope", "act", "--organisation", "acme", "--days", "30")
    result = run_command("create_api_token", "ada@example.org", "--name", "x", *limits)
    grant = api_token_verify(token=result.lines[0])
    assert grant is not None
    assert (grant.scope, grant.organisation_ids) == ("act", frozenset({acme.pk}))
    row = ApiToken.objects.get()
    assert row.expires_at is not None
    assert (row.expires_at - row.created_at).days == 30


@pytest.mark.parametrize(
    "wrong_option",
    [("--organisation", "acme"), ("--organisation", "nope"), ("--scope", "king"), ("--days", "0"),
     ("--days", "x")],
)  # fmt: skip
def test_token_that_could_never_work_is_not_created(
    wrong_option: tuple[str, str], run_command: RunCommand, acme: Organisation
) -> None:
    User.objects.create(email="ada@example.org")
    result = run_command("create_api_token", "ada@example.org", "--name", "x", *wrong_option)
    assert result.code != 0
    assert result.out == ""
    assert not ApiToken.objects.exists()


def test_token_names_may_repeat(run_command: RunCommand) -> None:
    User.objects.create(email="ada@example.org")
    tokens = {
        run_command("create_api_token", "ada@example.org", "--name", "x").out for _ in range(2)
    }
    assert len(tokens) == 2
    assert ApiToken.objects.count() == 2


def test_token_for_an_unknown_person_is_one_sentence(run_command: RunCommand) -> None:
    result = run_command("create_api_token", "nobody@example.org", "--name", "x")
    assert (result.code, result.out) == (1, "")
    assert "nobody@example.org" in result.err


def test_audit_log_names_the_operator(run_command: RunCommand) -> None:
    run_command("create_admin", "ada@example.org", "--password-stdin", stdin=PASSWORD)
    assert AuditEvent.objects.get().actor_name == "operator (command line)"
