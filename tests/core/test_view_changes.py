"""The database writes down what changes of what pages show, whoever changes it."""

from dataclasses import replace

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import transaction

from freddy_admin.core.models import ViewChange
from freddy_admin.core.view_changes import (
    ViewChangeTrigger,
    view_change_triggers,
    view_change_triggers_drop,
    view_change_triggers_missing,
    view_change_triggers_register,
    view_change_triggers_restore,
    view_changes_prune,
)
from freddy_admin.organisations.models import Organisation

_MODELS = {model._meta.db_table: model for model in apps.get_models(include_auto_created=True)}


@pytest.fixture
def no_changes(db: None) -> None:
    """None yet: emptying the tables after a test that commits is a change of them, too."""
    ViewChange.objects.all().delete()


def _whole_table_triggers() -> list[ViewChangeTrigger]:
    return [trigger for trigger in view_change_triggers() if trigger.ignored]


@pytest.mark.parametrize("trigger", _whole_table_triggers(), ids=lambda trigger: trigger.table)
def test_each_column_is_shown_or_ignored(trigger: ViewChangeTrigger) -> None:
    columns = {field.column for field in _MODELS[trigger.table]._meta.concrete_fields}
    assert set(trigger.columns) | set(trigger.ignored) == columns
    assert not set(trigger.columns) & set(trigger.ignored)


def test_no_trigger_is_missing(db: None) -> None:
    assert view_change_triggers_missing() == []


def test_dropped_triggers_are_missed_and_restored(no_changes: None) -> None:
    count = sum(len(trigger.events) for trigger in view_change_triggers())
    view_change_triggers_drop()
    assert len(view_change_triggers_missing()) == count
    Organisation.objects.create(name="Unseen", slug="unseen")
    assert not ViewChange.objects.exists()
    view_change_triggers_restore(using="default")
    assert view_change_triggers_missing() == []
    organisation = Organisation.objects.create(name="Seen", slug="seen")
    assert ViewChange.objects.get().organisation_id == organisation.pk


def test_a_change_that_is_rolled_back_is_none(no_changes: None) -> None:
    with transaction.atomic():
        Organisation.objects.create(name="Nobody", slug="nobody")
        transaction.set_rollback(True)
    assert not ViewChange.objects.exists()


def test_saving_what_is_there_already_is_no_change(organisation: Organisation) -> None:
    count = ViewChange.objects.count()
    organisation.save()
    assert ViewChange.objects.count() == count
    organisation.name = "Other"
    organisation.save()
    assert ViewChange.objects.filter(organisation_id=organisation.pk).exists()


def test_pruning_keeps_the_newest(db: None) -> None:
    numbers = range(1, 11)  # of transactions that are over on every server
    ViewChange.objects.all().delete()
    for number in numbers:
        ViewChange.objects.create(organisation_id=7, number=number)
    assert view_changes_prune(kept=3) == 6
    assert set(ViewChange.objects.values_list("number", flat=True)) == {7, 8, 9, 10}
    assert view_changes_prune(kept=3) == 0


def test_a_migration_finds_no_trigger_and_leaves_all(transactional_db: None) -> None:
    view_change_triggers_drop()
    call_command("migrate", verbosity=0)
    assert view_change_triggers_missing() == []


def test_a_trigger_that_is_defined_otherwise_replaces_the_former(
    organisation: Organisation,
) -> None:
    tables = {trigger.table: trigger for trigger in view_change_triggers()}
    former = tables["organisations_organisation"]
    view_change_triggers_register(replace(former, columns=("name",)))
    try:
        assert view_change_triggers_missing()
        view_change_triggers_restore(using="default")
        # On PostgreSQL a transaction writes one row, which the test's own has written.
        ViewChange.objects.all().delete()
        Organisation.objects.update(slug="another")
        assert not ViewChange.objects.exists()
        Organisation.objects.update(name="Another")
        assert ViewChange.objects.exists()
    finally:
        view_change_triggers_register(former)
