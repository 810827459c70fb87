"""Which certificates are trusted: the public authorities, and those of the operator."""

import ssl
from functools import lru_cache

import certifi


@lru_cache(maxsize=4)
def create_tls_context(ca_file: str = "") -> ssl.SSLContext:
    """A context that trusts certifi's list and the authorities in `ca_file`; shared by all calls.

    Certificates are always checked, and no environment changes that. Raises OSError (ssl.SSLError
    is one) for a file that cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(certifi.where())
    if ca_file:
        context.load_verify_locations(ca_file)
    return context


def count_certificates(ca_file: str) -> int:
    """How many certificates this file holds, at least one; raises OSError for one without."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(ca_file)
    return context.cert_store_stats()["x509"]
