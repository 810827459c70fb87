"""The fixtures of the pages' tests, which hold for the JSON API as well."""

from tests.web.conftest import (  # noqa: F401
    hand_clock,
    make_key,
    organisation,
    other_organisation,
    people,
    signed_in,
)
