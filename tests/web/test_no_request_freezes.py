"""Bodies, addresses and heads made to use up time: refused or ignored, in half a second of CPU."""

import json
from itertools import product
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from freddy_admin.organisations.models import Organisation
from tests.drills import drill_some
from tests.vault.pasting import HEADER
from tests.web.conftest import MakeKey, People, SignIn
from tests.web.fuzzing import names_read
from tests.web.long_texts import BYTES, PIECES, SECONDS, TEXTS, TRIES, some_texts, timed, watched
from tests.web.machines import Program
from tests.web.test_access_table import MACHINES, TABLE, _address
from tests.web.undone import let_go, undone

pytestmark = pytest.mark.drill
LINE = 8_000  # what the server takes as an address, and as a line of the head
FORM = "application/x-www-form-urlencoded"
PARTS = "multipart/form-data; boundary=x"
PAGES = sorted(name for name, rows in TABLE.items() if rows not in MACHINES)
HEADERS = [
    *("Accept", "Accept-Encoding", "Accept-Language", "Content-Type", "Cookie", "HX-Current-URL"),
    *("If-Modified-Since", "If-None-Match", "Origin", "Range", "Referer", "User-Agent"),
    *("X-CSRFToken", "X-Forwarded-For", "X-Forwarded-Proto", "X-Request-Id", "X-Seen"),
]


def _ask(client: Client, method: str, path: str, *body: Any, **more: Any) -> int:
    """The status; within the time, and nothing too long worked on."""
    for _ in range(TRIES):
        with watched() as watch, undone():
            answer, seconds = timed(client, method, path, *body, **more)
            let_go(answer)
        if seconds <= SECONDS:
            break
    assert answer.status_code < 500
    assert seconds <= SECONDS
    assert not watch.worked_on
    return int(answer.status_code)


def _part(name: str, value: str, more: str = "", head: str = "") -> str:
    return f'--x\r\nContent-Disposition: form-data; name="{name}"{more}\r\n{head}\r\n{value}\r\n'


FILE = '; filename="keys.csv"'
BASE64 = "Content-Transfer-Encoding: base64\r\n"
BODIES = {
    "a hundred thousand fields": (FORM, "a&" * 100_000),
    "a hundred thousand equals signs": (FORM, "name=" + "=" * BYTES),
    "fields without a name": (FORM, "=" + "&=" * (BYTES // 2)),
    "percent signs": (FORM, "name=" + "%" * BYTES),
    "percent signs that are none": (FORM, "name=" + "%F" * (BYTES // 2)),
    "a field with a long name": (FORM, "n" * BYTES + "=1"),
    "many values of one name": (FORM, "key=1&" * 199),
    "many parts": (PARTS, _part("key", "1") * 9_000 + "--x--"),
    "many files": (PARTS, _part("file", "1", FILE) * 9_000 + "--x--"),
    "beginnings of a boundary": (PARTS, _part("name", "\r\n--" * (BYTES // 4)) + "--x--"),
    "line feeds before a boundary": (PARTS, _part("name", "\r\n" * (BYTES // 2)) + "--x--"),
    "a part that never ends": (PARTS, _part("name", "\r" * BYTES)),
    "a long name of a part": (PARTS, _part("n" * BYTES, "1") + "--x--"),
    "a long name of a file": (PARTS, _part("file", "1", f'; filename="{"&" * BYTES}"') + "--x--"),
    "white space as base64": (PARTS, _part("file", " \n" * (BYTES // 2), FILE, BASE64) + "--x--"),
    "signs as base64": (PARTS, _part("name", "A=" * (BYTES // 2), "", BASE64) + "--x--"),
    "parameters of a part": (PARTS, _part("name", "1", ";a=1" * (BYTES // 4)) + "--x--"),
    "a head of a part": (PARTS, _part("name", "1", "", "X: y\r\n" * (BYTES // 6)) + "--x--"),
    "a long boundary": (f"multipart/form-data; boundary={'x' * LINE}", "x" * BYTES),
    "another alphabet": (FORM + "; charset=utf-7", "name=" + "+AAA-" * (BYTES // 5)),
    "another name for one": (FORM + "; charset=idna", "name=" + "\u0301" * (BYTES // 2)),
}


@pytest.mark.parametrize(
    ("path", "name"), drill_some(product(["/accounts/login/", "/profile/", "/import/"], BODIES))
)
def test_a_body_freezes_no_page(name: str, path: str, people: People, signed_in: SignIn) -> None:
    kind, body = BODIES[name]
    client = Client() if path.startswith("/accounts") else signed_in(people.manager)
    assert _ask(client, "POST", path, body.encode(), kind) in {200, 302, 400, 403, 413}


CELLS = {
    "cells of 130,000 letters": ",".join(["a" * 130_000] * 5) + "\n",
    "keys where names belong": f"{'a1' * 2_000},{'b' * 4_000},c,,\n",
    "marks": ",".join(["a" + "\u0327\u0301" * 1_000] * 5) + "\n",
    "bars": f"Alder,Main,oak_live_1234567890,,{'|' * 4_000}\n",
    "tags": f"Alder,Main,oak_live_1234567890,,{'a|' * 2_000}\n",
    "long tags": f"Alder,Main,oak_live_1234567890,,{'|'.join(f'{n:040}' for n in range(20))}\n",
    "commas": ",",
    "semicolons": ";",
    "quotes": '"',
    "pairs of quotes": '""\n',
    "closed cells": '"",',
    "empty lines": "\n",
    "all ends of a line": "\r\n\n\r",
    "nothing at all": "\0",
    "blank cells": " , , , , \n",
    "one long line": "a",
    "short rows": "a,b,c,d,e\n",
    "no UTF-8": "\udc80",
}
HEADS = {"with the header": HEADER + "\n", "without": "", "that names a separator": "sep=;\n"}


@pytest.mark.parametrize(("head", "name"), drill_some(product(HEADS, CELLS)))
def test_pasted_rows_freeze_nobody(name: str, head: str, people: People, signed_in: SignIn) -> None:
    row = CELLS[name].encode("utf-8", "surrogateescape")
    rows = (HEADS[head].encode() + row * (BYTES // len(row) + 1))[:BYTES]
    client = signed_in(people.manager)
    pasted = _part("rows", "%s").encode().replace(b"%s", rows) + b"--x--"
    _ask(client, "POST", "/import/", pasted, PARTS)
    _ask(client, "POST", "/import/", pasted.replace(b'"rows"', f'"file"{FILE}'.encode()), PARTS)


def test_no_query_freezes_a_page(
    people: People, signed_in: SignIn, organisation: Organisation, make_key: MakeKey
) -> None:
    clients = [signed_in(people.manager), signed_in(people.admin)]
    for name in drill_some(PAGES):
        with undone():
            path = _address(name, organisation, make_key, people).partition("?")[0]
            for kind in some_texts(path):
                if _ask(clients[0], "GET", f"{path}?{_query(path, kind)}") in {403, 404}:
                    _ask(clients[1], "GET", f"{path}?{_query(path, kind)}")


def _query(path: str, kind: str) -> str:
    """Every name that views ask for, and one of them with as much as an address holds."""
    names, piece = names_read(), quote(PIECES[kind])
    each = LINE // 2 // len(names) // len(piece)
    one = names[(len(path) + len(kind)) % len(names)]
    rest = [f"{name}={piece * each}" for name in names if name != one]
    return "&".join([f"{one}=a{piece * (LINE // 2 // len(piece))}", *rest])


WORDS = ["%a" * 50, "_" * 100, "\\" * 100, "a%_" * 33, "'" * 100]
SEARCHES = [
    "/?q=",
    "/audit/?q=",
    "/audit/?who=",
    "/people/?q=",
    "/organisations/alder/connectors/?q=",
]


@pytest.mark.parametrize(("path", "words"), drill_some(product(SEARCHES, WORDS)))
def test_no_search_is_a_pattern_of_its_own(
    path: str, words: str, people: People, organisation: Organisation, signed_in: SignIn
) -> None:
    Organisation.objects.filter(pk=organisation.pk).update(name="a" * 120)
    people.viewer.name = "a" * 120
    people.viewer.save()
    assert _ask(signed_in(people.admin), "GET", path + quote(words)) == 200


@pytest.mark.parametrize("header", drill_some(HEADERS))
def test_no_header_freezes_a_page(header: str, people: People, signed_in: SignIn) -> None:
    clients = [Client(), signed_in(people.manager)]
    for kind in some_texts(header):
        piece = PIECES[kind].encode().decode("latin-1")
        text = "a" + piece * (LINE // len(piece)) + "a"
        for client in clients:
            for method, path in (("GET", "/"), ("POST", "/profile/")):
                sent = {} if header in {"Content-Type", "Cookie"} else {header: text}
                more = {"HTTP_COOKIE": text} if header == "Cookie" else {}
                kind_sent = f"text/{text}" if header == "Content-Type" else FORM
                _ask(client, method, path, b"name=Ada", kind_sent, headers=sent, **more)


API = {
    **{f"a text of {kind}": json.dumps({"full": text}) for kind, text in TEXTS.items()},
    **{f"a name of {kind}": json.dumps({text: True}) for kind, text in TEXTS.items()},
    "deep lists": "[" * 16_000,
    "deeper lists": "[" * 100_000,
    "deep objects": '{"full":' * 2_000,
    "a long number": "9" * 16_000,
    "a longer number": '{"full":' + "9" * BYTES + "}",
    "a long fraction": '{"full":0.' + "9" * 16_000 + "}",
    "a large exponent": '{"full":1e999999999}',
    "many names": json.dumps({str(n): n for n in range(1_200)}),
    "escapes": '{"full":"' + "\\u0301" * 2_600 + '"}',
    "blanks": " " * 16_000,
}


@pytest.mark.parametrize("name", drill_some(API))
def test_a_body_freezes_no_address_of_the_api(name: str, people: People, make_key: MakeKey) -> None:
    path, program = f"/api/v1/keys/{make_key().pk}/sync", Program(people.manager, "act")
    head = {"authorization": f"Bearer {program.token}"}
    client, body = Client(), API[name].encode("utf-8", "surrogatepass")
    assert _ask(client, "POST", path, body, "application/json", headers=head) in {400, 413, 422}


@pytest.mark.parametrize("field", ["cursor", "limit", "key", "show"])
def test_no_field_of_the_api_is_worked_on(field: str, people: People) -> None:
    head = {"authorization": f"Bearer {Program(people.manager).token}"}
    for kind in some_texts("api", field):
        text = "1" + quote(PIECES[kind]) * (LINE // len(quote(PIECES[kind])))
        path = f"/api/v1/organisations/alder/events?{field}={text}"
        # A number with nothing but blanks behind it is one.
        blank = field in {"limit", "key"} and not PIECES[kind].strip()
        assert _ask(Client(), "GET", path, headers=head) == (200 if blank else 422)
