"""The connectors the imitation offers; every key has some of them."""

import hashlib
from dataclasses import dataclass

_BY_CATEGORY: dict[str, str] = {
    "communication": "gmail outlook slack discord teams zoom telegram whatsapp twilio intercom",
    "crm": "hubspot salesforce pipedrive zoho attio close freshsales copper",
    "development": "github gitlab bitbucket jira linear sentry datadog vercel circleci figma",
    "documents": "notion dropbox box onedrive googledrive googledocs confluence coda evernote",
    "finance": "stripe quickbooks xero paypal square freshbooks brex ramp",
    "marketing": "mailchimp sendgrid klaviyo brevo semrush ahrefs buffer typeform",
    "planning": "asana trello clickup monday todoist basecamp googlecalendar calendly airtable",
    "support": "zendesk freshdesk gorgias helpscout front servicenow",
}


@dataclass(frozen=True, slots=True)
class Tool:
    """One connector of the catalogue."""

    tool_key: str
    category: str

    @property
    def display_name(self) -> str:
        return self.tool_key.capitalize()


_TOOLS = tuple(
    Tool(name, category) for category, names in _BY_CATEGORY.items() for name in names.split()
)
NAMES = tuple(tool.tool_key for tool in _TOOLS)


def tools_of(seed: str, total: int) -> tuple[Tool, ...]:
    """The ``total`` tools of this seed, always the same; more than there are gives them all."""

    def rank(tool: Tool) -> bytes:
        return hashlib.sha256(f"{seed}:{tool.tool_key}".encode()).digest()

    return tuple(sorted(_TOOLS, key=rank)[:total])
