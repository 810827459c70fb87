"""The connectors the sandbox offers; every key has some of them."""

import hashlib
from dataclasses import dataclass

_TOOL_KEYS_BY_CATEGORY: dict[str, str] = {
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
class SandboxTool:
    """One connector of the catalog."""

    tool_key: str
    category: str

    @property
    def display_name(self) -> str:
        return self.tool_key.capitalize()


_TOOLS = tuple(
    SandboxTool(name, category)
    for category, names in _TOOL_KEYS_BY_CATEGORY.items()
    for name in names.split()
)
TOOL_KEYS = tuple(tool.tool_key for tool in _TOOLS)


def tools_for_seed(seed: str, total: int) -> tuple[SandboxTool, ...]:
    """The ``total`` tools of this seed, always the same; more than there are gives them all."""

    def rank(tool: SandboxTool) -> bytes:
        return hashlib.sha256(f"{seed}:{tool.tool_key}".encode()).digest()

    return tuple(sorted(_TOOLS, key=rank)[:total])
