"""The fixtures of the pages' tests, which hold for the JSON API as well."""

from tests.web.conftest import (  # noqa: F401
    make_key,
    organisation,
    other_organisation,
    platform_admin,
    signed_in,
)
