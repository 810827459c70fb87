"""A panel whose master keys are in no file: the worker asks KMS once, when it starts."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from freddy_admin.sandbox.key_scenarios import Scenario, sandbox_key
from freddy_admin.sandbox.sandbox_server import SandboxServer
from tests.flows.panel_process import EMAIL
from tests.flows.split_key_panel import SplitPanel, read_process_environment
from tests.flows.wait import wait_until
from tests.kms_server import CREDENTIALS, REGION, kms_key_create, kms_server

ALDER = "/organisations/alder/"


class WrappedPanel(SplitPanel):
    """A panel with no private key in any environment; its web process cannot ask KMS."""

    @property
    def web_env(self) -> dict[str, str]:
        return {name: value for name, value in self.env.items() if name not in CREDENTIALS}


@pytest.fixture
def panel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WrappedPanel]:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with SandboxServer() as sandbox:
        panel = WrappedPanel(tmp_path, api=sandbox.base_url)
        try:
            yield panel
        finally:
            panel.stop_all()


def _wrap_master_key(panel: WrappedPanel, endpoint: str) -> str:
    """Wrap the master key as docs/operations.md says; returns the private key."""
    panel.env |= {**CREDENTIALS, "AWS_REGION": REGION, "AWS_KMS_ENDPOINT": endpoint}
    result = panel.manage("wrap_master_key", "--kms-key", kms_key_create(endpoint))
    assert result.returncode == 0, result.stderr
    panel.env |= dict(re.findall(r"^(ENCRYPTION_\w+)=(\S+)$", result.stdout, re.MULTILINE))
    return panel.env.pop("ENCRYPTION_KEYS")


def _add_key(panel: WrappedPanel, browser: requests.Session, label: str) -> str:
    secret = sandbox_key(Scenario.HEALTHY, label)
    answer = panel.submit_form(browser, f"{ALDER}keys/add/", label=label, api_key=secret)
    match = re.search(r"/organisations/alder/keys/\d+/", answer.url)
    assert match, answer.url
    return match.group()


def test_kms_is_needed_at_the_start_of_the_worker_and_not_after(panel: WrappedPanel) -> None:
    with kms_server() as endpoint:
        private = _wrap_master_key(panel, endpoint)
        panel.migrate_and_create_admin()
        panel.start_web()
        panel.start_worker()
        browser = panel.sign_in()
        panel.submit_form(browser, "/add-organisation/", name="Alder")
        first_url = _add_key(panel, browser, "before")
        assert wait_until(lambda: "Up to date" in panel.get_page(browser, first_url)), panel.logs[
            1
        ].read_text()
    # KMS is gone: the key unwrapped at the start goes on opening API keys.
    second_url = _add_key(panel, browser, "after")
    assert wait_until(lambda: "Up to date" in panel.get_page(browser, second_url)), panel.logs[
        1
    ].read_text()
    assert "KMS" in panel.get_page(browser, "/system/")

    assert panel.web is not None
    assert panel.worker is not None
    raw = base64.urlsafe_b64decode(private)
    for process in (panel.web, panel.worker):
        environment = read_process_environment(process.pid)
        assert [
            secret_form
            for secret_form in (private.encode(), base64.b64encode(raw), raw)
            if secret_form in environment
        ] == []
    assert CREDENTIALS["AWS_SECRET_ACCESS_KEY"].encode() not in read_process_environment(
        panel.web.pid
    )

    # A worker that starts while KMS is away says so in a sentence and touches nothing.
    panel.stop_process(panel.worker)
    sealed_rows = panel.query_rows("SELECT id, ciphertext FROM vault_apikey ORDER BY id")
    result = panel.manage("run_worker")
    assert result.returncode == 1
    assert "The master key cannot be used" in result.stderr
    assert "KMS cannot be reached" in result.stderr
    assert "Traceback" not in result.stderr
    assert panel.query_rows("SELECT id, ciphertext FROM vault_apikey ORDER BY id") == sealed_rows
    assert panel.manage("create_api_token", EMAIL, "--name", "x").returncode == 0
