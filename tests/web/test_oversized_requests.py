"""Bodies, URLs and headers made to use up time: refused or ignored, in half a CPU second."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from freddy_admin.organisations.models import Organisation
from tests.api.api_client import ApiClient
from tests.drill_scale import drill_pairs, drill_sample
from tests.vault.import_draft_data import HEADER
from tests.web.conftest import MakeKey, People, SignIn
from tests.web.form_fuzzing import list_field_names_read_by_views
from tests.web.fuzz_rollback_helpers import close_response, rollback_block
from tests.web.oversized_input import (
    MAX_SECONDS,
    MAX_TRIES,
    OVERSIZED_BYTES,
    OVERSIZED_TEXTS,
    REPEATED_PIECES,
    select_texts,
    time_request,
    watch_form_fields,
)
from tests.web.test_access_table import ACCESS_TABLE, MACHINES, url_for_name

pytestmark = pytest.mark.drill
LINE = 8_000  # the length that the server takes as a URL, and as a header
FORM = "application/x-www-form-urlencoded"
PARTS = "multipart/form-data; boundary=x"
PAGES = sorted(name for name, rows in ACCESS_TABLE.items() if rows not in MACHINES)
HEADERS = [
    *("Accept", "Accept-Encoding", "Accept-Language", "Content-Type", "Cookie", "HX-Current-URL"),
    *("If-Modified-Since", "If-None-Match", "Origin", "Range", "Referer", "User-Agent"),
    *("X-CSRFToken", "X-Forwarded-For", "X-Forwarded-Proto", "X-Request-Id", "X-Seen"),
]


def _send_within_limits(client: Client, method: str, path: str, *body: Any, **more: Any) -> int:
    """The status; asserts that it took MAX_SECONDS at most and processed nothing oversized."""
    for _ in range(MAX_TRIES):
        with watch_form_fields() as watch, rollback_block():
            answer, seconds = time_request(client, method, path, *body, **more)
            close_response(answer)
        if seconds <= MAX_SECONDS:
            break
    assert answer.status_code < 500
    assert seconds <= MAX_SECONDS
    assert not watch.processed_texts
    return int(answer.status_code)


def _form_part(name: str, value: str, disposition_extra: str = "", head: str = "") -> str:
    disposition = f'Content-Disposition: form-data; name="{name}"{disposition_extra}'
    return f"--x\r\n{disposition}\r\n{head}\r\n{value}\r\n"


FILE = '; filename="keys.csv"'
BASE64 = "Content-Transfer-Encoding: base64\r\n"
BODIES = {
    "a hundred thousand fields": (FORM, "a&" * 100_000),
    "a hundred thousand equals signs": (FORM, "name=" + "=" * OVERSIZED_BYTES),
    "fields without a name": (FORM, "=" + "&=" * (OVERSIZED_BYTES // 2)),
    "percent signs": (FORM, "name=" + "%" * OVERSIZED_BYTES),
    "percent signs that are none": (FORM, "name=" + "%F" * (OVERSIZED_BYTES // 2)),
    "a field with a long name": (FORM, "n" * OVERSIZED_BYTES + "=1"),
    "many values of one name": (FORM, "key=1&" * 199),
    "many parts": (PARTS, _form_part("key", "1") * 9_000 + "--x--"),
    "many files": (PARTS, _form_part("file", "1", FILE) * 9_000 + "--x--"),
    "beginnings of a boundary": (
        PARTS,
        _form_part("name", "\r\n--" * (OVERSIZED_BYTES // 4)) + "--x--",
    ),
    "line feeds before a boundary": (
        PARTS,
        _form_part("name", "\r\n" * (OVERSIZED_BYTES // 2)) + "--x--",
    ),
    "a part that never ends": (PARTS, _form_part("name", "\r" * OVERSIZED_BYTES)),
    "a long name of a part": (PARTS, _form_part("n" * OVERSIZED_BYTES, "1") + "--x--"),
    "a long name of a file": (
        PARTS,
        _form_part("file", "1", f'; filename="{"&" * OVERSIZED_BYTES}"') + "--x--",
    ),
    "white space as base64": (
        PARTS,
        _form_part("file", " \n" * (OVERSIZED_BYTES // 2), FILE, BASE64) + "--x--",
    ),
    "signs as base64": (
        PARTS,
        _form_part("name", "A=" * (OVERSIZED_BYTES // 2), "", BASE64) + "--x--",
    ),
    "parameters of a part": (
        PARTS,
        _form_part("name", "1", ";a=1" * (OVERSIZED_BYTES // 4)) + "--x--",
    ),
    "a head of a part": (
        PARTS,
        _form_part("name", "1", "", "X: y\r\n" * (OVERSIZED_BYTES // 6)) + "--x--",
    ),
    "a long boundary": (f"multipart/form-data; boundary={'x' * LINE}", "x" * OVERSIZED_BYTES),
    "another alphabet": (FORM + "; charset=utf-7", "name=" + "+AAA-" * (OVERSIZED_BYTES // 5)),
    "another name for one": (FORM + "; charset=idna", "name=" + "\u0301" * (OVERSIZED_BYTES // 2)),
}


@pytest.mark.parametrize(
    ("path", "name"), drill_pairs(["/accounts/login/", "/profile/", "/import/"], BODIES)
)
def test_a_body_freezes_no_page(name: str, path: str, people: People, signed_in: SignIn) -> None:
    kind, body = BODIES[name]
    client = Client() if path.startswith("/accounts") else signed_in(people.manager)
    assert _send_within_limits(client, "POST", path, body.encode(), kind) in {
        200,
        302,
        400,
        403,
        413,
    }


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


@pytest.mark.parametrize(("head", "name"), drill_pairs(HEADS, CELLS))
def test_pasted_rows_freeze_no_page(
    name: str, head: str, people: People, signed_in: SignIn
) -> None:
    row = CELLS[name].encode("utf-8", "surrogateescape")
    rows = (HEADS[head].encode() + row * (OVERSIZED_BYTES // len(row) + 1))[:OVERSIZED_BYTES]
    client = signed_in(people.manager)
    pasted = _form_part("rows", "%s").encode().replace(b"%s", rows) + b"--x--"
    _send_within_limits(client, "POST", "/import/", pasted, PARTS)
    _send_within_limits(
        client, "POST", "/import/", pasted.replace(b'"rows"', f'"file"{FILE}'.encode()), PARTS
    )


def test_no_query_freezes_a_page(
    people: People, signed_in: SignIn, organisation: Organisation, make_key: MakeKey
) -> None:
    clients = [signed_in(people.manager), signed_in(people.admin)]
    for name in drill_sample(PAGES):
        with rollback_block():
            path = url_for_name(name, organisation, make_key, people).partition("?")[0]
            for kind in select_texts(path):
                if _send_within_limits(
                    clients[0], "GET", f"{path}?{_oversized_query(path, kind)}"
                ) in {403, 404}:
                    _send_within_limits(clients[1], "GET", f"{path}?{_oversized_query(path, kind)}")


def _oversized_query(path: str, kind: str) -> str:
    """A query of every name that views read, one of them with as much as a URL holds."""
    names, piece = list_field_names_read_by_views(), quote(REPEATED_PIECES[kind])
    repetitions = LINE // 2 // len(names) // len(piece)
    last_name = names[(len(path) + len(kind)) % len(names)]
    pairs = [f"{name}={piece * repetitions}" for name in names if name != last_name]
    return "&".join([f"{last_name}=a{piece * (LINE // 2 // len(piece))}", *pairs])


WORDS = ["%a" * 50, "_" * 100, "\\" * 100, "a%_" * 33, "'" * 100]
SEARCHES = [
    "/?q=",
    "/audit/?q=",
    "/audit/?who=",
    "/people/?q=",
    "/organisations/alder/connectors/?q=",
]


@pytest.mark.parametrize(("path", "words"), drill_pairs(SEARCHES, WORDS))
def test_search_text_is_never_used_as_a_pattern(
    path: str, words: str, people: People, organisation: Organisation, signed_in: SignIn
) -> None:
    Organisation.objects.filter(pk=organisation.pk).update(name="a" * 120)
    people.viewer.name = "a" * 120
    people.viewer.save()
    assert _send_within_limits(signed_in(people.admin), "GET", path + quote(words)) == 200


@pytest.mark.parametrize("header", drill_sample(HEADERS))
def test_no_header_freezes_a_page(header: str, people: People, signed_in: SignIn) -> None:
    clients = [Client(), signed_in(people.manager)]
    for kind in select_texts(header):
        piece = REPEATED_PIECES[kind].encode().decode("latin-1")
        text = "a" + piece * (LINE // len(piece)) + "a"
        for client in clients:
            for method, path in (("GET", "/"), ("POST", "/profile/")):
                fields = {} if header in {"Content-Type", "Cookie"} else {header: text}
                extra = {"HTTP_COOKIE": text} if header == "Cookie" else {}
                content_type = f"text/{text}" if header == "Content-Type" else FORM
                _send_within_limits(
                    client, method, path, b"name=Ada", content_type, headers=fields, **extra
                )


API = {
    **{f"a text of {kind}": json.dumps({"full": text}) for kind, text in OVERSIZED_TEXTS.items()},
    **{f"a name of {kind}": json.dumps({text: True}) for kind, text in OVERSIZED_TEXTS.items()},
    "deep lists": "[" * 16_000,
    "deeper lists": "[" * 100_000,
    "deep objects": '{"full":' * 2_000,
    "a long number": "9" * 16_000,
    "a longer number": '{"full":' + "9" * OVERSIZED_BYTES + "}",
    "a long fraction": '{"full":0.' + "9" * 16_000 + "}",
    "a large exponent": '{"full":1e999999999}',
    "many names": json.dumps({str(n): n for n in range(1_200)}),
    "escapes": '{"full":"' + "\\u0301" * 2_600 + '"}',
    "blanks": " " * 16_000,
}


@pytest.mark.parametrize("name", drill_sample(API))
def test_body_freezes_no_url_of_the_api(name: str, people: People, make_key: MakeKey) -> None:
    path, program = f"/api/v1/keys/{make_key().pk}/sync", ApiClient(people.manager, "act")
    head = {"authorization": f"Bearer {program.token}"}
    client, body = Client(), API[name].encode("utf-8", "surrogatepass")
    assert _send_within_limits(client, "POST", path, body, "application/json", headers=head) in {
        400,
        413,
        422,
    }


@pytest.mark.parametrize("field", ["cursor", "limit", "key", "show"])
def test_oversized_field_of_the_api_is_not_processed(field: str, people: People) -> None:
    head = {"authorization": f"Bearer {ApiClient(people.manager).token}"}
    for kind in select_texts("api", field):
        text = "1" + quote(REPEATED_PIECES[kind]) * (LINE // len(quote(REPEATED_PIECES[kind])))
        path = f"/api/v1/organisations/alder/events?{field}={text}"
        # A number with nothing but blanks behind it is one.
        is_blank = field in {"limit", "key"} and not REPEATED_PIECES[kind].strip()
        assert _send_within_limits(Client(), "GET", path, headers=head) == (
            200 if is_blank else 422
        )
