"""The roles page agrees with the permission checks: both read one table."""

import re

import pytest
from django.urls import get_resolver

from freddy_admin.organisations.roles import (
    ADMIN_PERMISSIONS,
    ROLE_PERMISSIONS,
    Permission,
    PlatformPermission,
    Role,
)
from freddy_admin.web.pages.role.views import role_permissions_context
from freddy_admin.wording.roles import permission_sentence
from tests.web.conftest import People, SignIn
from tests.web.member_factories import get_page_text
from tests.web.test_access_table import ACCESS_TABLE, list_url_patterns

COLUMNS = {"viewer": 2, "operator": 3, "manager": 4}
RULES = {
    pattern.name: getattr(pattern.callback, "access_rule", "")
    for _, pattern in list_url_patterns(get_resolver())
}


@pytest.mark.parametrize("permission", [*Permission, *PlatformPermission])
def test_a_row_says_in_words_who_may(
    permission: Permission | PlatformPermission, people: People, signed_in: SignIn
) -> None:
    page = get_page_text(signed_in(people.stranger), "/roles/")
    row = page[page.index(f">{permission_sentence(permission).replace(chr(39), '&#x27;')}<") :]
    words = re.findall(r"<span>(yes|no)</span>", row.partition("</tr>")[0])
    tables = [*ROLE_PERMISSIONS.values(), ADMIN_PERMISSIONS]

    assert words == ["yes" if permission in allowed else "no" for allowed in tables]


def test_the_columns_are_the_roles_and_the_platform_admin() -> None:
    assert role_permissions_context()["columns"] == [
        "Viewer",
        "Operator",
        "Manager",
        "Platform admin",
    ]


@pytest.mark.parametrize(
    "name", [name for name, rule in RULES.items() if name in ACCESS_TABLE and rule]
)
def test_the_access_table_agrees_with_the_page(name: str) -> None:
    rule = RULES[name]
    if rule not in set(Permission):
        return
    answers = ACCESS_TABLE[name][0] if ACCESS_TABLE[name][0][5] != 405 else ACCESS_TABLE[name][1]
    refused_roles = {role for role, column in COLUMNS.items() if answers[column] == 403}

    assert refused_roles == {
        role.value for role in Role if Permission(rule) not in ROLE_PERMISSIONS[role]
    }
