"""A PostgreSQL that answers and refuses is told apart from one that does not answer."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseError
from django.db.backends.postgresql.base import DatabaseWrapper

from freddy_admin.conf.django_settings import build_database_settings
from freddy_admin.core import database_errors
from freddy_admin.core.database_errors import database_error_message
from tests.conf.test_database_settings import DEFAULTS
from tests.conf.test_setting_parsers import EnvironmentFromValues
from tests.flows.wait import wait_until
from tests.free_ports import find_free_port
from tests.servers import postgres_missing_reason, postgres_server

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(
        bool(postgres_missing_reason()) and os.environ.get("CI") != "true",
        reason=postgres_missing_reason() or "PostgreSQL is installed",
    ),
]
PASSWORD = "hush-do-not-say-this"
SETUP = f"""
    CREATE ROLE sleeper NOLOGIN PASSWORD '{PASSWORD}';
    CREATE ROLE limited LOGIN PASSWORD '{PASSWORD}' CONNECTION LIMIT 0;
    CREATE ROLE plain LOGIN PASSWORD '{PASSWORD}';
    CREATE DATABASE closed ALLOW_CONNECTIONS false;
    CREATE DATABASE private; REVOKE CONNECT ON DATABASE private FROM PUBLIC;
    CREATE DATABASE filled CONNECTION LIMIT 0;
"""
Explain = Callable[[str], str]


@dataclass
class RefusingServer:
    """A PostgreSQL of its own, whose superuser comes in whatever its rules say."""

    superuser: "psycopg.Connection[tuple[object, ...]]"
    port: int
    password: str

    def url(self, *, user: str = "plain", password: str = PASSWORD, database: str = "postgres",
            options: str = "") -> str:  # fmt: skip
        """The DATABASE_URL of a panel."""
        return f"postgres://{user}:{password}@127.0.0.1:{self.port}/{database}{options}"

    def set_rules(self, *rules: str) -> None:
        """Write these lines into pg_hba.conf and have them read."""
        file = self._ask("SHOW hba_file")
        Path(file).write_text("\n".join(["local all all trust", *rules, ""]))
        loaded_at = self._ask("SELECT pg_conf_load_time()")
        self.superuser.execute("SELECT pg_reload_conf()")
        assert wait_until(lambda: self._ask("SELECT pg_conf_load_time()") != loaded_at)

    def _ask(self, statement: str) -> str:
        row = self.superuser.execute(statement).fetchone()  # type: ignore[arg-type]
        assert row is not None
        return str(row[0])


@pytest.fixture(scope="module")
def server() -> Iterator[RefusingServer]:
    with postgres_server() as url:
        parts = urlsplit(url)
        superuser_url = urlunsplit(parts._replace(path="/postgres"))
        connections: list[psycopg.Connection[tuple[object, ...]]] = []

        def connect() -> bool:
            try:
                connections.append(psycopg.connect(superuser_url, autocommit=True))
            except psycopg.OperationalError:  # it is starting up
                return False
            return True

        assert wait_until(connect)
        with connections[0] as superuser:
            for statement in filter(str.strip, SETUP.split(";")):
                superuser.execute(statement)  # type: ignore[arg-type]
            yield RefusingServer(superuser, int(parts.port or 0), str(parts.password))


@pytest.fixture
def explain(monkeypatch: pytest.MonkeyPatch, django_db_blocker: pytest.FixtureRequest) -> Explain:
    """What the panel says where it cannot open this database; empty where it can."""

    def open_and_explain(url: str) -> str:
        config = build_database_settings(EnvironmentFromValues(DATABASE_URL=url), default="")
        wrapper = DatabaseWrapper(DEFAULTS | config, alias="probe")
        monkeypatch.setattr(database_errors, "connection", wrapper)
        with django_db_blocker.unblock():
            try:
                wrapper.ensure_connection()
                wrapper.close()
            except DatabaseError as error:
                sentence = database_error_message(error)
                assert PASSWORD not in sentence
                return sentence
        return ""

    return open_and_explain


def test_each_refusal_of_a_server_has_a_sentence_of_its_own(
    server: RefusingServer, explain: Explain
) -> None:
    server.set_rules("host all all 127.0.0.1/32 scram-sha-256")
    assert explain(server.url()) == ""
    sentences = {
        "Correct user and password": explain(server.url(password=f"{PASSWORD}-wrong")),
        "may not sign in (ALTER ROLE": explain(server.url(user="sleeper")),
        "takes no more connections, at least not of the user limited": explain(
            server.url(user="limited")
        ),
        "takes no more connections, at least not of the user plain": explain(
            server.url(database="filled")
        ),
        "has no database nowhere": explain(server.url(database="nowhere")),
        "is closed to connections": explain(server.url(database="closed")),
        "lacks a right in the database private": explain(server.url(database="private")),
        "speaks no TLS, which sslmode": explain(server.url(options="?sslmode=require")),
        "options behind its ? which": explain(server.url(options="?sslmode=nonsense")),
        "of the kind that target_session_attrs": explain(
            server.url(options="?target_session_attrs=standby")
        ),
    }
    for words, sentence in sentences.items():
        assert words in sentence
        assert "No database server answers" not in sentence


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("hostssl all all 127.0.0.1/32 scram-sha-256", "?sslmode=require"),
        ("host all all 10.0.0.0/8 scram-sha-256", "add a line to its pg_hba.conf"),
        ("host all all 127.0.0.1/32 reject", "add a line to its pg_hba.conf"),
        ("host all all 127.0.0.1/32 ident", "in the way that its pg_hba.conf demands"),
    ],
)
def test_rule_of_pg_hba_that_keeps_us_out_is_named(
    rule: str, words: str, server: RefusingServer, explain: Explain
) -> None:
    server.set_rules(rule)
    sentence = explain(server.url())
    assert words in sentence
    assert "No database server answers" not in sentence


@pytest.mark.parametrize(
    ("reply", "words"),
    [(b"HTTP/1.1 400 Bad Request\r\n\r\n", "is no PostgreSQL server"), (b"", "hung up")],
)
def test_another_server_on_the_port_is_told_as_such(
    reply: bytes, words: str, explain: Explain
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            for _attempt in range(2):  # with TLS and without
                try:
                    wire, _ = listener.accept()
                except OSError:
                    return
                with wire:
                    wire.recv(100)
                    wire.sendall(reply)

        threading.Thread(target=answer, daemon=True).start()
        port = listener.getsockname()[1]
        assert words in explain(f"postgres://plain:{PASSWORD}@127.0.0.1:{port}/x")


def test_only_a_server_that_does_not_answer_is_said_not_to(
    explain: Explain, tmp_path: Path
) -> None:
    for place in (f"127.0.0.1:{find_free_port()}/x", f"/x?host={tmp_path}"):
        url = f"postgres://plain:{PASSWORD}@{place}"
        assert explain(url).startswith("No database server answers at ")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("FATAL:  SSL required", "without TLS"),
        (
            (
                'failed: FATAL:  no pg_hba.conf entry for host "::1", user "x", database "y", '
                "SSL encryption"
            ),
            "from this machine. Add a line to its pg_hba.conf",
        ),
        ("FATAL:  no such user: plain", "Correct user and password"),
        ("FATAL:  no such database: x", "has no database"),
        (
            'FATAL:  server login failed: FATAL password authentication failed for user "x"',
            "The connection pooler at",
        ),
        ("SSL error: certificate verify failed", "its certificate, or ours, does not fit"),
        ('root certificate file "/x" does not exist', "its certificate, or ours, does not fit"),
        ("FATAL:  Rolle darf sich nicht anmelden", "Its log says why"),
        ("PostgreSQL 14 or later is required (found 12.3).", "is too old for this version"),
        (
            (
                'failed: FATAL:  password authentication failed for user "x"\nconnection to server '
                'failed: FATAL:  no pg_hba.conf entry for host "::1", user "x", no encryption'
            ),
            "Correct user and password",
        ),
    ],
)
def test_words_of_poolers_and_other_languages_are_told_apart(text: str, words: str) -> None:
    error = DatabaseError(f'connection failed: connection to server at "x" {text}')
    sentence = database_error_message(error)
    assert words in sentence
    assert "No database server answers" not in sentence


def test_address_with_an_unescaped_password_is_refused_before_any_connection() -> None:
    env = EnvironmentFromValues(DATABASE_URL=f"postgres://plain:12?{PASSWORD}@db/x")
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL"):
        build_database_settings(env, default="")
