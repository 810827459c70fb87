"""Makes the bill out of what is pinned; the same files make the same bytes."""

import json
import tomllib
import uuid
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import (
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    Property,
    XsUri,
)
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from tools.security.sbom.licences import licence_of
from tools.security.sbom.locks import LOCKS, Pinned, Vendored, lock, vendored

ROOT = Path(__file__).resolve().parents[3]
# Runs the panel; runs it with master keys in AWS; is there for tests alone.
SCOPES = (ComponentScope.REQUIRED, ComponentScope.OPTIONAL, ComponentScope.EXCLUDED)
_licences = LicenseFactory()


def bill(root: Path = ROOT) -> str:
    """The bill of materials as CycloneDX JSON."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    panel = Component(
        name=project["name"],
        version=project["version"],
        type=ComponentType.APPLICATION,
        bom_ref=project["name"],
        description=project["description"],
    )
    bom = Bom()
    bom.metadata.component = panel
    _put_libraries(bom, panel, root)
    for one in vendored((root / "static/vendor/CHECKSUMS").read_text()):
        component = _of_the_pages(one)
        bom.components.add(component)
        bom.register_dependency(panel, [component])
    return _steady(bom)


def _put_libraries(bom: Bom, panel: Component, root: Path) -> None:
    known: dict[str, Component] = {}
    pins: dict[str, Pinned] = {}
    for scope, name in zip(SCOPES, LOCKS, strict=True):
        for one in lock(root, name).values():
            pins[one.name] = one  # the larger file knows more of who wants it
            known.setdefault(one.name, _library(one, scope))
    bom.components.update(known.values())
    bom.register_dependency(panel)
    for one in pins.values():
        for asker in one.wanted_by:
            wants = panel if asker.startswith("-r ") else known[asker]
            bom.register_dependency(wants, [known[one.name]])


def _library(one: Pinned, scope: ComponentScope) -> Component:
    address = PackageURL("pypi", None, one.name, one.version)
    licence = licence_of(one.name)
    return Component(
        name=one.name,
        version=one.version,
        type=ComponentType.LIBRARY,
        bom_ref=address.to_string(),
        purl=address,
        scope=scope,
        licenses=[_licences.make_from_string(licence)] if licence else (),
        # It comes as one of several files; `make lock` knows them by hash and not by address.
        external_references=[
            ExternalReference(
                type=ExternalReferenceType.DISTRIBUTION,
                url=XsUri(address.to_string()),
                hashes=[
                    HashType(alg=HashAlgorithm.SHA_256, content=digest) for digest in one.hashes
                ],
            )
        ],
        properties=[Property(name="freddy-admin:only-where", value=one.marker)]
        if one.marker
        else (),
    )


def _of_the_pages(one: Vendored) -> Component:
    group, _, name = one.name.rpartition("/")
    address = PackageURL("npm", group or None, name, one.version)
    return Component(
        name=name,
        group=group or None,
        version=one.version,
        type=ComponentType.LIBRARY,
        bom_ref=address.to_string(),
        purl=address,
        scope=ComponentScope.REQUIRED,
        licenses=[_licences.make_from_string(one.licence)],
        components=[
            Component(
                name=f"static/{path}",
                type=ComponentType.FILE,
                bom_ref=f"static/{path}",
                hashes=[_sha256(digest)],
            )
            for path, digest in one.files
        ],
    )


def _sha256(digest: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=digest)


def _steady(bom: Bom) -> str:
    """Without the moment it was made; its number is made of what is in it."""
    told = json.loads(JsonV1Dot6(bom).output_as_string())
    del told["metadata"]["timestamp"], told["serialNumber"]
    number = uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(told, sort_keys=True))
    return json.dumps({"serialNumber": f"urn:uuid:{number}", **told}, indent=1, sort_keys=True)
