"""The networks: the files that came with this version, and no others."""

from __future__ import annotations

from common.errors import UserError
from edge.commands.doctor import models as doctor
from edge.commands.doctor.checks import Finding, green, red, what_and_fix
from edge.commands.privacy_audit.subject import Subject, cannot_tell
from edge.inference.manifest import Manifest, load_manifest, packaged_models


def models(subject: Subject) -> Finding:
    """Compare each file with the manifest that came with this version."""
    chosen = subject.settings.models.directory
    try:
        said = doctor.hashes(load_manifest(chosen or packaged_models()))
    except UserError as error:
        return red(*what_and_fix(error))
    if chosen is not None and _hashes(load_manifest(chosen)) != _hashes(load_manifest(packaged_models())):
        return cannot_tell(
            f"models.directory {chosen}: not the models that came with Footlight ({said.value})",
            "remove models.directory, or compare these hashes with those of your own training",
        )
    return green(said.value)


def _hashes(manifest: Manifest) -> dict[str, str]:
    return {name: getattr(manifest, name).sha256 for name in ("detector", "landmarks", "attributes")}
