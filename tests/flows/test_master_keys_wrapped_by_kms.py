"""A panel whose master keys lie in no file: the worker asks KMS once, when it starts."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from freddy_admin.sandbox.scenarios import Scenario, key_for
from freddy_admin.sandbox.server import SandboxServer
from tests.flows.panel import EMAIL
from tests.flows.split_panel import SplitPanel, surroundings
from tests.flows.waiting import until
from tests.kms import CREDENTIALS, REGION, kms_key, kms_server

ALDER = "/organisations/alder/"


class WrappedPanel(SplitPanel):
    """No private key in any environment; the web process has no credentials for KMS either."""

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
            panel.end_all()


def _wrap(panel: WrappedPanel, endpoint: str) -> str:
    """As docs/operations.md says; the private key that is in no setting any more."""
    panel.env |= {**CREDENTIALS, "AWS_REGION": REGION, "AWS_KMS_ENDPOINT": endpoint}
    printed = panel.manage("wrap_master_key", "--kms-key", kms_key(endpoint))
    assert printed.returncode == 0, printed.stderr
    panel.env |= dict(re.findall(r"^(ENCRYPTION_\w+)=(\S+)$", printed.stdout, re.MULTILINE))
    return panel.env.pop("ENCRYPTION_KEYS")


def _added(panel: WrappedPanel, browser: requests.Session, label: str) -> str:
    secret = key_for(Scenario.HEALTHY, label)
    answer = panel.send(browser, f"{ALDER}keys/add/", label=label, api_key=secret)
    found = re.search(r"/organisations/alder/keys/\d+/", answer.url)
    assert found, answer.url
    return found.group()


def test_kms_is_needed_at_the_start_of_the_worker_and_not_after(panel: WrappedPanel) -> None:
    with kms_server() as endpoint:
        private = _wrap(panel, endpoint)
        panel.set_up()
        panel.start_web()
        panel.start_worker()
        browser = panel.signed_in()
        panel.send(browser, "/add-organisation/", name="Alder")
        first = _added(panel, browser, "before")
        assert until(lambda: "Up to date" in panel.page(browser, first)), panel.logs[1].read_text()
    # KMS is gone: what was unwrapped at the start goes on opening keys.
    second = _added(panel, browser, "after")
    assert until(lambda: "Up to date" in panel.page(browser, second)), panel.logs[1].read_text()
    assert "KMS" in panel.page(browser, "/system/")

    assert panel.web is not None
    assert panel.worker is not None
    raw = base64.urlsafe_b64decode(private)
    for process in (panel.web, panel.worker):
        told = surroundings(process.pid)
        assert [way for way in (private.encode(), base64.b64encode(raw), raw) if way in told] == []
    assert CREDENTIALS["AWS_SECRET_ACCESS_KEY"].encode() not in surroundings(panel.web.pid)

    # A worker that starts while KMS is away says so in a sentence and touches nothing.
    panel.end(panel.worker)
    sealed = panel.rows("SELECT id, ciphertext FROM vault_apikey ORDER BY id")
    refused = panel.manage("run_worker")
    assert refused.returncode == 1
    assert "The master key cannot be used" in refused.stderr
    assert "KMS cannot be reached" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert panel.rows("SELECT id, ciphertext FROM vault_apikey ORDER BY id") == sealed
    assert panel.manage("create_api_token", EMAIL, "--name", "x").returncode == 0
