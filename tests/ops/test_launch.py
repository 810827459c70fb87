"""What a launch says before anything is started."""

import socket
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import CommandError

from freddy_admin.crypto.keyring import public_key_text
from freddy_admin.ops.launch import Launch, launch, sealing_only


def test_a_taken_port_is_one_sentence_and_starts_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "started"
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        plan = Launch(port=port, env={}, steps=[("step", ["touch", str(mark)])])
        with pytest.raises(CommandError, match=f"Port {port} cannot be used.*PORT=8001"):
            launch(plan)
    assert not mark.exists()


def test_a_step_that_fails_stops_everything_and_is_named() -> None:
    plan = Launch(port=0, env={}, steps=[("preparing the data", ["false"])])
    with pytest.raises(CommandError, match="preparing the data ended with code 1"):
        launch(plan)


def test_the_web_server_is_started_with_the_public_half_of_the_master_key_alone(
    settings: LazySettings,
) -> None:
    (private,) = settings.ENCRYPTION_KEYS
    env = sealing_only({"ENCRYPTION_KEYS": private, "ENCRYPTION_KEYS_FILE": "/key", "A": "b"})
    assert env["ENCRYPTION_PUBLIC_KEY"] == public_key_text(private)
    assert env["A"] == "b"
    # Set and empty, so that a `.env` file beside does not fill them in.
    assert {env[name] for name in env if name.startswith("ENCRYPTION_KEYS")} == {""}
