"""A Redis that answers and refuses is told apart from one that does not answer."""

import socket
import threading
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
import redis
from django.conf import LazySettings
from django.core.cache import caches

from freddy_admin.conf.django_settings import build_cache_settings
from freddy_admin.core.cache import cache_problem
from tests.free_ports import find_free_port
from tests.servers import redis_server

pytestmark = pytest.mark.redis
PASSWORD = "hush-do-not-say-this"
Explain = Callable[[str], str]


@pytest.fixture(scope="module")
def own_redis() -> Iterator[str]:
    """The address of a Redis that this file may set up as it likes."""
    with redis_server() as url:
        yield url


@pytest.fixture
def explain(settings: LazySettings) -> Explain:
    """What the panel says where this Redis cannot be used; empty where it can."""

    def use_and_explain(url: str) -> str:
        settings.REDIS_URL, settings.CACHES = url, build_cache_settings(url)
        sentence = cache_problem()
        caches["fast"].close()
        assert PASSWORD not in sentence
        return sentence

    return use_and_explain


def _url(url: str, *, user: str = "", password: str = PASSWORD) -> str:
    return url.replace("redis://", f"redis://{user}:{password}@")


def test_each_refusal_of_redis_has_a_sentence_of_its_own(own_redis: str, explain: Explain) -> None:
    admin = redis.Redis.from_url(own_redis)
    place = urlsplit(own_redis).netloc
    assert explain(own_redis) == ""
    admin.execute_command("ACL", "SETUSER", "small", "on", f">{PASSWORD}", "~*", "+get")
    sentences = {
        "refuses user and password": explain(_url(own_redis, user="nobody")),
        "lacks a right": explain(_url(own_redis, user="small")),
        "no database of the number": explain(f"{own_redis}/999"),
    }
    admin.config_set("maxmemory", "1")
    sentences["has no memory left"] = explain(own_redis)
    admin.config_set("maxmemory", "0")
    admin.replicaof("127.0.0.1", "1")
    sentences["takes no writes"] = explain(own_redis)
    admin.replicaof("no", "one")
    admin.config_set("maxclients", "1")
    sentences["takes no more connections"] = explain(own_redis)
    admin.config_set("maxclients", "100")
    admin.close()
    for words, sentence in sentences.items():
        assert words in sentence
        assert place in sentence
        assert "No Redis answers" not in sentence


@pytest.mark.parametrize(
    ("scheme", "reply", "words"),
    [
        ("redis", b"HTTP/1.1 400 Bad Request\r\n\r\n", "is no Redis"),
        ("rediss", b"HTTP/1.1 400 Bad Request\r\n\r\n", "TLS with Redis"),
        ("redis", b"", "hung up"),
    ],
)
def test_another_server_on_the_port_is_told_as_such(
    scheme: str, reply: bytes, words: str, explain: Explain
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            while True:
                try:
                    wire, _ = listener.accept()
                except OSError:
                    return
                with wire:
                    wire.recv(100)
                    wire.sendall(reply)

        threading.Thread(target=answer, daemon=True).start()
        port = listener.getsockname()[1]
        assert words in explain(f"{scheme}://:{PASSWORD}@127.0.0.1:{port}/0")


def test_only_a_redis_that_does_not_answer_is_said_not_to(explain: Explain) -> None:
    port = find_free_port()
    sentence = explain(f"redis://:{PASSWORD}@127.0.0.1:{port}/0")
    assert sentence.startswith(f"No Redis answers at 127.0.0.1:{port}")
