"""The OpenAPI document: the names it publishes stay, whatever the code behind them is called."""

from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

# Code's name → published name, in the document's order: clients generate code from these.
PUBLISHED_NAMES = {
    "ErrorDetailOut": "Refusal",
    "CheckErrorOut": "ErrorOut",
    "HealthState": "State",
    "StatusOut": "StatusOut",
    "StatusListOut": "StatusesOut",
    "StatusListQuery": "StatusesAsk",
    "EventListQuery": "EventsAsk",
    "EventGroup": "Group",
    "ValidationErrorOut": "Unprocessable",
    "InvalidFieldOut": "WrongField",
    "EventKind": "EventKind",
    "EventOut": "EventOut",
    "EventListOut": "EventsOut",
    "CheckRequestOutcome": "Answer",
    "CheckRequestOut": "CheckOut",
    "OperationKind": "OrderKind",
    "OperationOut": "OrderOut",
    "OperationState": "OrderState",
    "SyncRequestIn": "SyncIn",
    "Severity": "Severity",
    "IncidentStateChoice": "IncidentStateChoice",
    "IncidentState": "IncidentState",
    "IncidentListQuery": "IncidentListQuery",
    "CauseKind": "CauseKind",
    "IncidentCauseOut": "IncidentCauseOut",
    "IncidentKeyOut": "IncidentKeyOut",
    "IncidentOut": "IncidentOut",
    "IncidentListOut": "IncidentListOut",
    "IncidentEventKind": "IncidentEventKind",
    "IncidentEventOut": "IncidentEventOut",
    "IncidentDetailOut": "IncidentDetailOut",
    "ChannelKind": "ChannelKind",
    "DeliveryKind": "DeliveryKind",
    "DeliveryState": "DeliveryState",
    "DeliveryListQuery": "DeliveryListQuery",
    "DeliveryOut": "DeliveryOut",
    "DeliveryListOut": "DeliveryListOut",
}
# Descriptions of enums, whose docstrings in the code may change.
PUBLISHED_DESCRIPTIONS = {
    "State": "What the panel concludes of one key. Declared worst first: the order is the ranking.",
    "Group": "The words of `sync.history.timeline.GROUPS`; a test holds the two together.",
    "EventKind": "What an event tells; the value is stored and never changes its meaning.",
    "Answer": "What became of a person's wish for a check.",
    "OrderKind": "What is to be done.",
    "OrderState": "How far an order came. It only moves forwards; nothing leads back to `QUEUED`.",
}
PUBLISHED_SECURITY_SCHEMES = {"ApiTokenAuth": "PanelToken"}
_REF_PREFIX = "#/components/schemas/"


class PublishedNamesAPI(NinjaAPI):
    """An API whose document names schemas and security schemes by their published names."""

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        """The document, with each schema under its published name; KeyError for one without."""
        document = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        components = document["components"]
        schemas = {name: components["schemas"][name] for name in PUBLISHED_NAMES}
        schemas |= components["schemas"]
        components["schemas"] = {
            PUBLISHED_NAMES[name]: _schema_with_published_names(name, schema)
            for name, schema in schemas.items()
        }
        components["securitySchemes"] = _references_with_published_names(
            components["securitySchemes"]
        )
        document["paths"] = _references_with_published_names(document["paths"])
        return document


def _schema_with_published_names(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    published_name = PUBLISHED_NAMES[name]
    published: dict[str, Any] = _references_with_published_names(schema)
    # Assigned to members that are there: the order of the members stays.
    published["title"] = published_name
    if published_name in PUBLISHED_DESCRIPTIONS:
        published["description"] = PUBLISHED_DESCRIPTIONS[published_name]
    return published


def _references_with_published_names(value: Any) -> Any:
    """The value with the published name in every `$ref` and of every security scheme."""
    if isinstance(value, list):
        return [_references_with_published_names(item) for item in value]
    if not isinstance(value, dict):
        return value
    published = {
        PUBLISHED_SECURITY_SCHEMES.get(member, member): _references_with_published_names(item)
        for member, item in value.items()
    }
    reference = value.get("$ref")
    if isinstance(reference, str):
        name = reference.removeprefix(_REF_PREFIX)
        published["$ref"] = _REF_PREFIX + PUBLISHED_NAMES[name]
    return published
