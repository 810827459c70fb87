"""Sealing, opening, parsing, importing."""

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks.measuring import line, per_call
from benchmarks.slow_api import FIGURES
from freddy_admin.aitronos.parsing import body_object, sync_status
from freddy_admin.crypto.keyring import keyring
from freddy_admin.ops.key_import import keys_file_import

SECRET = b"oak_live_" + b"0123456789abcdef" * 3 + b"012345"
CONTEXT = b"bench"
HEADERS = {"Content-Type": "application/json"}


def sealing_and_parsing() -> None:
    """What one check costs beside the call."""
    ring = keyring()
    sealed = ring.seal(SECRET, context=CONTEXT)
    micro = 1e6
    seal = per_call(lambda: ring.seal(SECRET, context=CONTEXT), times=300) * micro
    opened = per_call(lambda: ring.open(sealed, context=CONTEXT), times=300) * micro
    parse = per_call(lambda: sync_status(body_object(HEADERS, FIGURES)), times=1000) * micro
    bare, nonce = AESGCM(bytes(32)), bytes(12)
    box = bare.encrypt(nonce, SECRET, CONTEXT)
    floor = per_call(lambda: bare.decrypt(nonce, box, CONTEXT), times=3_000) * micro
    line("sealing a key", f"{seal:.0f} µs")
    line("opening a key", f"{opened:.0f} µs ({opened / floor:.0f} x AES-GCM alone)", "goal 120 µs")
    line("parsing and checking an answer", f"{parse:.0f} µs", "goal 30 µs")


def keys_import(*, up_to: int) -> None:
    """Import keys until there are so many; what is there already is skipped."""
    rows = [
        f"Organisation {number // 2},Key {number},oak_live_bench_{number:08d}_0123456789abcdef,,"
        f"tag{number % 7}"
        for number in range(up_to)
    ]
    header = "organisation,label,api_key,organization_id,tags"
    report = keys_file_import("\n".join([header, *rows]).encode(), dry_run=False)
    assert not report.malformed, report.lines[:3]


def report_import(seconds: float) -> None:
    """The time of the last, largest import."""
    line("import of a file of 10,000 rows", f"{seconds:.1f} s", "goal 25 s")
