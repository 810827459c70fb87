"""As many lines as events, whatever text came in."""

import logging

import pytest
from django.test import Client

from freddy_admin.core.logs import OneLineFormatter


def line(message: str, *args: object, error: BaseException | None = None) -> str:
    about = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord("probe", logging.INFO, "x.py", 1, message, args, about)
    return OneLineFormatter().format(record)


def broken(text: str) -> None:
    raise ValueError(text)


@pytest.mark.parametrize(
    "planted",
    [
        "\n",
        "\r\n",
        "\x1b[31m",
        "\u2028",
        "\u2029",
        "\x85",
        "\x00",
        "\u202e",
        "\x0b",
        "\x9b",
        "\x7f",
    ],
)
def test_no_character_forges_a_line_or_a_colour(planted: str) -> None:
    text = line("name %s end", f"a{planted}INFO forged")

    assert len(text.splitlines()) == 1
    assert planted not in text
    assert text.endswith("INFO forged end")


def test_ordinary_text_stays_as_it_is() -> None:
    assert line("Zürich\t%d €", 3).endswith(" INFO probe Zürich\t3 €")


def test_a_traceback_cannot_forge_an_event() -> None:
    with pytest.raises(ValueError, match="one") as raised:
        broken("one\n2026-01-01 00:00:00,000 INFO forged\x1b[0m")
    text = line("it broke", error=raised.value)

    head, *rest = text.split("\n")
    assert head.endswith("it broke")
    assert all(each.startswith("    | ") for each in rest)
    assert "\x1b" not in text


@pytest.mark.django_db
@pytest.mark.parametrize("planted", ["%0d%0aINFO%20forged", "%1b[31m", "%e2%80%a8INFO", "%c2%85x"])
def test_an_address_that_was_asked_for_is_one_line(planted: str, client: Client) -> None:
    kept: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: kept.append(OneLineFormatter().format(record))  # type: ignore[method-assign]
    logger = logging.getLogger("django.request")
    logger.addHandler(handler)
    try:
        assert client.get(f"/nowhere/{planted}/").status_code == 404
    finally:
        logger.removeHandler(handler)
    assert len(kept) == 1
    assert len(kept[0].splitlines()) == 1
    assert "\x1b" not in kept[0]
