"""Alert rules of organisations and of the whole panel: read, made, changed, removed."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from freddy_admin.accounts.auth.reauthentication import reauthentication_required
from freddy_admin.alerts.models import AlertRule
from freddy_admin.alerts.rules.selectors import (
    organisations_with_rules,
    rule_channels_available,
    rule_get,
    rules_list,
)
from freddy_admin.alerts.rules.services import rule_create, rule_delete, rule_update
from freddy_admin.audit.services import actor_from_request
from freddy_admin.organisations.access import (
    Access,
    has_platform_permission,
    organisations_visible,
)
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.roles import Permission, PlatformPermission
from freddy_admin.web.access import (
    FORM_METHODS,
    READ_METHODS,
    WRITE_METHODS,
    organisation_permission_required,
    platform_admin_required,
    signed_in_user,
    signed_in_user_required,
)
from freddy_admin.web.forms import add_form_errors, render_form_page
from freddy_admin.web.pages.alert_rule.forms import RuleForm, rule_initial
from freddy_admin.web.pages.alert_rule.presenter import rule_rows
from freddy_admin.wording.alert_rules import (
    DEFAULT_RULE_EXPLAINED,
    FLEET_RULES_EXPLAINED,
    NOBODY_TOLD,
    OTHERS_HAVE_DEFAULT,
    RULES_EXPLAINED,
)

MANAGE = Permission.MANAGE_ALERTS
ORGANISATION_OPTIONS_LIMIT = 200


@signed_in_user_required()
def alert_rule_list_view(request: HttpRequest) -> HttpResponse:
    """The rules of the person's organisations, and for platform admins those of the panel."""
    user = signed_in_user(request)
    organisations = organisations_visible(user=user)
    may_manage_fleet = has_platform_permission(
        user=user, permission=PlatformPermission.MANAGE_FLEET_ALERTS
    )
    fleet_rules = rules_list(organisation=None) if may_manage_fleet else []
    context = {
        "groups": [
            (organisation, rule_rows(rules, organisation=organisation))
            for organisation, rules in organisations_with_rules(organisations=organisations)
        ],
        "may_manage_fleet": may_manage_fleet,
        "fleet_rows": rule_rows(fleet_rules, organisation=None) if may_manage_fleet else [],
        "options": list(organisations.values_list("slug", "name")[:ORGANISATION_OPTIONS_LIMIT]),
        **_explanations(fleet_rules),
    }
    return render(request, "alert_rule/list.html", context)


def _explanations(rules: list[AlertRule]) -> dict[str, object]:
    return {
        "rule_text": RULES_EXPLAINED,
        "default_text": DEFAULT_RULE_EXPLAINED if not rules else "",
        "nobody_text": NOBODY_TOLD if rules and not any(rule.enabled for rule in rules) else "",
        "others_text": OTHERS_HAVE_DEFAULT,
        "fleet_text": FLEET_RULES_EXPLAINED,
    }


@signed_in_user_required()
def alert_rule_choose_view(request: HttpRequest) -> HttpResponse:
    """Lead to the rules of the organisation that was chosen in the list."""
    organisations = organisations_visible(user=signed_in_user(request))
    organisation = organisations.filter(slug=request.GET.get("organisation", "")[:140]).first()
    if organisation is None:
        messages.warning(request, _("Choose one of your organisations."))
        return redirect("alert_rules")
    return redirect("organisation_alert_rules", organisation.slug)


@organisation_permission_required(Permission.VIEW, READ_METHODS)
def organisation_alert_rule_list_view(request: HttpRequest, access: Access) -> HttpResponse:
    """Who is told of this organisation's incidents."""
    rules = rules_list(organisation=access.organisation)
    context = {
        "organisation": access.organisation,
        "rows": rule_rows(rules, organisation=access.organisation),
        "may_manage": access.allows(MANAGE),
        **_explanations(rules),
    }
    return render(request, "alert_rule/organisation.html", context)


@organisation_permission_required(MANAGE, FORM_METHODS)
@reauthentication_required()
def alert_rule_create_view(request: HttpRequest, access: Access) -> HttpResponse:
    """Make a rule of one organisation."""
    return _form_response(request, access.organisation, None)


@organisation_permission_required(MANAGE, FORM_METHODS)
@reauthentication_required()
def alert_rule_update_view(request: HttpRequest, access: Access, rule_id: int) -> HttpResponse:
    """Change a rule of one organisation."""
    rule = rule_get(organisation=access.organisation, rule_id=rule_id)
    return _form_response(request, access.organisation, rule)


@organisation_permission_required(MANAGE, WRITE_METHODS)
@reauthentication_required(return_view="alert_rule_update")
def alert_rule_delete_view(request: HttpRequest, access: Access, rule_id: int) -> HttpResponse:
    """Remove a rule of one organisation."""
    return _delete_response(request, access.organisation, rule_id)


@platform_admin_required(FORM_METHODS)
@reauthentication_required()
def fleet_rule_create_view(request: HttpRequest) -> HttpResponse:
    """Make a rule of the whole panel."""
    return _form_response(request, None, None)


@platform_admin_required(FORM_METHODS)
@reauthentication_required()
def fleet_rule_update_view(request: HttpRequest, rule_id: int) -> HttpResponse:
    """Change a rule of the whole panel."""
    return _form_response(request, None, rule_get(organisation=None, rule_id=rule_id))


@platform_admin_required(WRITE_METHODS)
@reauthentication_required(return_view="fleet_rule_update")
def fleet_rule_delete_view(request: HttpRequest, rule_id: int) -> HttpResponse:
    """Remove a rule of the whole panel."""
    return _delete_response(request, None, rule_id)


def _form_response(
    request: HttpRequest, organisation: Organisation | None, rule: AlertRule | None
) -> HttpResponse:
    """The form of a new rule, or of this one; once it is stored, the list."""
    form = RuleForm(
        request.POST or None,
        initial=rule_initial(rule, zone=timezone.get_current_timezone_name()),
        available_channels=rule_channels_available(
            organisation_id=None if organisation is None else organisation.pk
        ),
        is_fleet=organisation is None,
    )
    if request.method == "POST" and form.is_valid():
        with add_form_errors(form):
            _rule_store(request, organisation, rule, form)
            return _list_redirect(organisation)
    context = {"form": form, "organisation": organisation, "rule": rule}
    return render_form_page(request, "alert_rule/form.html", context)


def _rule_store(
    request: HttpRequest,
    organisation: Organisation | None,
    rule: AlertRule | None,
    form: RuleForm,
) -> None:
    actor, values = actor_from_request(request), form.to_rule_values()
    if rule is None:
        rule_create(organisation=organisation, actor=actor, values=values)
        messages.success(
            request, _("The rule “%(name)s” counts from now on.") % {"name": values.name}
        )
    else:
        rule_update(organisation=organisation, actor=actor, rule_id=rule.pk, values=values)
        messages.success(request, _("The rule “%(name)s” was changed.") % {"name": values.name})


def _delete_response(
    request: HttpRequest, organisation: Organisation | None, rule_id: int
) -> HttpResponse:
    name = rule_delete(
        organisation=organisation, actor=actor_from_request(request), rule_id=rule_id
    )
    messages.success(request, _("The rule “%(name)s” was removed.") % {"name": name})
    return _list_redirect(organisation)


def _list_redirect(organisation: Organisation | None) -> HttpResponse:
    if organisation is None:
        return redirect("alert_rules")
    return redirect("organisation_alert_rules", organisation.slug)
