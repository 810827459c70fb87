"""Builds the bill of materials from the lock files; equal files give equal bytes."""

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

from tools.security.sbom.library_licences import library_licence
from tools.security.sbom.lock_files import (
    LOCK_FILES,
    PinnedLibrary,
    VendoredFile,
    parse_vendored_files,
    read_lock_file,
)

ROOT = Path(__file__).resolve().parents[3]
# Libraries that run the panel; that run it with master keys in AWS; for tests alone.
COMPONENT_SCOPES = (ComponentScope.REQUIRED, ComponentScope.OPTIONAL, ComponentScope.EXCLUDED)
_licences = LicenseFactory()


def build_bill_of_materials(root: Path = ROOT) -> str:
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
    _add_libraries(bom, panel, root)
    for vendored_file in parse_vendored_files((root / "static/vendor/CHECKSUMS").read_text()):
        component = _vendored_file_component(vendored_file)
        bom.components.add(component)
        bom.register_dependency(panel, [component])
    return _reproducible_json(bom)


def _add_libraries(bom: Bom, panel: Component, root: Path) -> None:
    components: dict[str, Component] = {}
    libraries: dict[str, PinnedLibrary] = {}
    for scope, name in zip(COMPONENT_SCOPES, LOCK_FILES, strict=True):
        for library in read_lock_file(root, name).values():
            libraries[library.name] = library  # the larger file names more of its dependents
            components.setdefault(library.name, _library_component(library, scope))
    bom.components.update(components.values())
    bom.register_dependency(panel)
    for library in libraries.values():
        for dependent in library.required_by:
            dependent_component = panel if dependent.startswith("-r ") else components[dependent]
            bom.register_dependency(dependent_component, [components[library.name]])


def _library_component(library: PinnedLibrary, scope: ComponentScope) -> Component:
    package_url = PackageURL("pypi", None, library.name, library.version)
    licence = library_licence(library.name)
    return Component(
        name=library.name,
        version=library.version,
        type=ComponentType.LIBRARY,
        bom_ref=package_url.to_string(),
        purl=package_url,
        scope=scope,
        licenses=[_licences.make_from_string(licence)] if licence else (),
        # A library is one of several files; the lock files hold their hashes and no URLs.
        external_references=[
            ExternalReference(
                type=ExternalReferenceType.DISTRIBUTION,
                url=XsUri(package_url.to_string()),
                hashes=[
                    HashType(alg=HashAlgorithm.SHA_256, content=digest) for digest in library.hashes
                ],
            )
        ],
        properties=[Property(name="freddy-admin:only-where", value=library.marker)]
        if library.marker
        else (),
    )


def _vendored_file_component(vendored_file: VendoredFile) -> Component:
    group, _, name = vendored_file.name.rpartition("/")
    package_url = PackageURL("npm", group or None, name, vendored_file.version)
    return Component(
        name=name,
        group=group or None,
        version=vendored_file.version,
        type=ComponentType.LIBRARY,
        bom_ref=package_url.to_string(),
        purl=package_url,
        scope=ComponentScope.REQUIRED,
        licenses=[_licences.make_from_string(vendored_file.licence)],
        components=[
            Component(
                name=f"static/{path}",
                type=ComponentType.FILE,
                bom_ref=f"static/{path}",
                hashes=[_sha256_hash_type(digest)],
            )
            for path, digest in vendored_file.files
        ],
    )


def _sha256_hash_type(digest: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=digest)


def _reproducible_json(bom: Bom) -> str:
    """The bill as JSON, without a time; its serial number is derived from its content."""
    bill = json.loads(JsonV1Dot6(bom).output_as_string())
    del bill["metadata"]["timestamp"], bill["serialNumber"]
    serial_number = uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(bill, sort_keys=True))
    return json.dumps(
        {"serialNumber": f"urn:uuid:{serial_number}", **bill}, indent=1, sort_keys=True
    )
