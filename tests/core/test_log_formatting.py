"""Each log record is one line, whatever text it holds."""

import logging

import pytest
from django.test import Client

from freddy_admin.core.log_formatting import OneLineFormatter


def format_log_line(message: str, *args: object, error: BaseException | None = None) -> str:
    exc_info = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord("probe", logging.INFO, "x.py", 1, message, args, exc_info)
    return OneLineFormatter().format(record)


def raise_error(text: str) -> None:
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
def test_no_character_forges_a_log_line_or_a_colour(planted: str) -> None:
    text = format_log_line("name %s end", f"a{planted}INFO forged")

    assert len(text.splitlines()) == 1
    assert planted not in text
    assert text.endswith("INFO forged end")


def test_ordinary_text_is_logged_unchanged() -> None:
    assert format_log_line("Zürich\t%d €", 3).endswith(" INFO probe Zürich\t3 €")


def test_a_traceback_cannot_forge_a_log_line() -> None:
    with pytest.raises(ValueError, match="one") as raised:
        raise_error("one\n2026-01-01 00:00:00,000 INFO forged\x1b[0m")
    text = format_log_line("it broke", error=raised.value)

    first_line, *lines = text.split("\n")
    assert first_line.endswith("it broke")
    assert all(line.startswith("    | ") for line in lines)
    assert "\x1b" not in text


@pytest.mark.django_db
@pytest.mark.parametrize("planted", ["%0d%0aINFO%20forged", "%1b[31m", "%e2%80%a8INFO", "%c2%85x"])
def test_a_requested_path_is_logged_as_one_line(planted: str, client: Client) -> None:
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(OneLineFormatter().format(record))  # type: ignore[method-assign]
    logger = logging.getLogger("django.request")
    logger.addHandler(handler)
    try:
        assert client.get(f"/nowhere/{planted}/").status_code == 404
    finally:
        logger.removeHandler(handler)
    assert len(lines) == 1
    assert len(lines[0].splitlines()) == 1
    assert "\x1b" not in lines[0]
