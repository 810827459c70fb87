"""A database that was copied: what its worker and its pages do not do, and who ends that."""

from django.conf import settings
from django.utils.translation import gettext as _

from freddy_admin.audit.services import Actor, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core.errors import Conflict
from freddy_admin.core.panel_address import panel_address_replace, panel_copied_from


def panel_confirm(*, actor: Actor) -> None:
    """A person says that this is the panel and no copy: syncs, switches and mails go out again."""
    former_url = panel_copied_from()
    panel_address_replace()
    audit_event_record(
        tag=AuditTag.PANEL_CONFIRMED,
        actor=actor,
        subject=settings.PANEL_URL,
        old=former_url or settings.PANEL_URL,
        new=settings.PANEL_URL,
    )


def calls_validate_on() -> None:
    """Raise Conflict where AITRONOS_CALLS is off: nothing is asked of Aitronos."""
    if not settings.AITRONOS_CALLS:
        raise Conflict(
            _(
                "Calls to Aitronos are switched off in this panel (AITRONOS_CALLS=off). Nothing "
                "was asked for."
            )
        )


def operations_validate_allowed() -> None:
    """Raise Conflict where nothing may be changed at Aitronos: calls are off, or this is a copy."""
    calls_validate_on()
    if former_url := panel_copied_from():
        raise Conflict(
            _(
                "This database was at work at %(url)s before, so it may be a copy. Nothing is "
                "started or switched until a platform admin says on the page System that this is "
                "the panel."
            )
            % {"url": former_url}
        )
