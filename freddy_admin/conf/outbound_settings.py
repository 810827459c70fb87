"""Reads the settings of the way out; refuses a bad one by its name, without what it holds."""

from django.core.exceptions import ImproperlyConfigured

from freddy_admin.outbound.guard import AllowedHosts, parse_allowed_hosts
from freddy_admin.outbound.proxy import Proxy, parse_proxy
from freddy_admin.outbound.tls import count_certificates


def parse_ca_file(value: str) -> str:
    """`OUTBOUND_CA_FILE`: a file with certificates, one behind the other, in PEM."""
    path = value.strip()
    if not path:
        return ""
    try:
        count_certificates(path)
    except FileNotFoundError:
        problem = "does not exist"
    except PermissionError:
        problem = "cannot be read by this user"
    except (OSError, ValueError):
        problem = "holds no certificate"
    else:
        return path
    raise ImproperlyConfigured(
        f"OUTBOUND_CA_FILE names a file that {problem}: give the path of one with the certificates "
        "of your authority, each between BEGIN CERTIFICATE and END CERTIFICATE."
    )


def parse_outbound_proxy(value: str) -> Proxy | None:
    """`OUTBOUND_PROXY`: what connects us with everybody over HTTP, by CONNECT."""
    if not value.strip():
        return None
    try:
        return parse_proxy(value.strip())
    except ValueError:
        pass  # what it says may not hold the password, and what follows it would
    raise ImproperlyConfigured(
        "OUTBOUND_PROXY must be the address of a proxy with its port, such as "
        "http://proxy.example.org:3128 or http://user:password@proxy.example.org:3128 (signs in "
        "them such as @ and : are written %40 and %3A)."
    )


def parse_outbound_allowed_hosts(value: str) -> AllowedHosts:
    """`OUTBOUND_ALLOWED_HOSTS`: hosts that people may name although they lead inside."""
    try:
        return parse_allowed_hosts(value)
    except ValueError:
        pass
    raise ImproperlyConfigured(
        "OUTBOUND_ALLOWED_HOSTS must hold hosts, with a port or without, separated by commas: "
        "hooks.intranet.example, 127.0.0.1:8080."
    )
