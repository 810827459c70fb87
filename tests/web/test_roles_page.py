"""The page that explains roles says what the gate does: both are drawn from one table."""

import re

import pytest
from django.urls import get_resolver

from freddy_admin.organisations.roles import (
    ADMIN_PERMISSIONS,
    PERMISSIONS,
    Permission,
    PlatformPermission,
    Role,
)
from freddy_admin.web.presenters.roles import permission_sentence, roles_view
from tests.web.conftest import People, SignIn
from tests.web.membership import text
from tests.web.test_access_table import TABLE, _patterns

COLUMNS = {"viewer": 2, "operator": 3, "manager": 4}
RULES = {
    pattern.name: getattr(pattern.callback, "access_rule", "")
    for _, pattern in _patterns(get_resolver())
}


@pytest.mark.parametrize("permission", [*Permission, *PlatformPermission])
def test_a_row_says_in_words_who_may(
    permission: Permission | PlatformPermission, people: People, signed_in: SignIn
) -> None:
    page = text(signed_in(people.stranger), "/roles/")
    row = page[page.index(f">{permission_sentence(permission).replace(chr(39), '&#x27;')}<") :]
    said = re.findall(r"<span>(yes|no)</span>", row.partition("</tr>")[0])
    tables = [*PERMISSIONS.values(), ADMIN_PERMISSIONS]

    assert said == ["yes" if permission in allowed else "no" for allowed in tables]


def test_the_columns_are_the_roles_and_the_platform_admin() -> None:
    assert roles_view().columns == ["Viewer", "Operator", "Manager", "Platform admin"]


@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if name in TABLE and rule])
def test_the_access_table_agrees_with_the_page(name: str) -> None:
    rule = RULES[name]
    if rule not in set(Permission):
        return
    answers = TABLE[name][0] if TABLE[name][0][5] != 405 else TABLE[name][1]
    refused = {role for role, column in COLUMNS.items() if answers[column] == 403}

    assert refused == {role.value for role in Role if Permission(rule) not in PERMISSIONS[role]}
