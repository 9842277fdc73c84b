"""Reads what is in deploy/, so that the tests can be about what it says."""

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).resolve().parent.parent
REPOSITORY = DEPLOY.parent
KUSTOMIZATION = "kustomization.yaml"
# Study files lie beside the manifests, but are Norgay's own.
STUDY = "study.yaml"

Object = dict[str, Any]


@dataclass(frozen=True)
class Manifest:
    """An object of Kubernetes and the file that it is in."""

    path: Path
    content: Object

    def __str__(self) -> str:
        return f"{self.path.relative_to(DEPLOY)}: {self.kind} {self.name}"

    @property
    def kind(self) -> str:
        return self.content["kind"]

    @property
    def name(self) -> str:
        metadata = self.content["metadata"]
        return metadata.get("name") or metadata["generateName"]

    @property
    def is_argo(self) -> bool:
        return self.content["apiVersion"].startswith("argoproj.io/")


def kustomizations() -> list[Path]:
    """Files that say what belongs together."""
    return sorted(DEPLOY.rglob(KUSTOMIZATION))


def read(path: Path) -> Object:
    """The one document in a file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@functools.cache
def manifests() -> tuple[Manifest, ...]:
    """All objects in deploy/."""
    others = (KUSTOMIZATION, STUDY)
    files = [path for path in sorted(DEPLOY.rglob("*.yaml")) if path.name not in others]
    return tuple(
        Manifest(path, content)
        for path in files
        for content in yaml.safe_load_all(path.read_text(encoding="utf-8"))
    )


def of_kind(*kinds: str) -> list[Manifest]:
    """The objects of these kinds."""
    return [manifest for manifest in manifests() if manifest.kind in kinds]


def templates() -> list[Manifest]:
    """The workflow templates."""
    return of_kind("WorkflowTemplate")


def template(name: str) -> Object:
    """What the workflow template of this name says."""
    [found] = [manifest for manifest in templates() if manifest.name == name]
    return found.content["spec"]


def inner_template(workflow: str, name: str) -> Object:
    """The template of this name inside a workflow template."""
    [found] = [inner for inner in template(workflow)["templates"] if inner["name"] == name]
    return found


def values(content: Any) -> Iterator[str]:
    """All texts in a document."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        for value in content.values():
            yield from values(value)
    elif isinstance(content, list):
        for value in content:
            yield from values(value)


def references(content: Any) -> set[str]:
    """The names between double braces anywhere in a document."""
    return {name for text in values(content) for name in re.findall(r"{{(.*?)}}", text)}
