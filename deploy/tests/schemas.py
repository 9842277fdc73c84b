"""Checks objects against the schemas that Kubernetes and Argo publish."""

import json
import typing
from typing import Any

import jsonschema
import kubernetes_validate
from hera.workflows import models
from pydantic import BaseModel, ValidationError

from tests.manifests import REPOSITORY, Object

KUBERNETES_VERSION = "1.33"


def problems_of(content: Object) -> list[str]:
    """What the schema of its kind says against an object."""
    if content["apiVersion"].startswith("argoproj.io/"):
        return argo_problems(content)
    return kubernetes_problems(content)


def kubernetes_problems(content: Object) -> list[str]:
    """What Kubernetes' schema says against an object, unknown fields included."""
    try:
        kubernetes_validate.validate(content, KUBERNETES_VERSION, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [str(error)]
    return []


def argo_problems(content: Object) -> list[str]:
    """What Argo's models say against an object, unknown fields included."""
    model = getattr(models, content["kind"])
    try:
        model.model_validate(content)
    except ValidationError as error:
        return [str(error)]
    return unknown_fields(content, model, content["kind"])


def study_problems(study: Object) -> list[str]:
    """What Norgay's own schema says against a study file."""
    schema = json.loads((REPOSITORY / "docs/reference/study.schema.json").read_text("utf-8"))
    checker = jsonschema.validators.validator_for(schema)(schema)
    return [error.message for error in checker.iter_errors(study)]


def unknown_fields(content: Any, kind: Any, place: str) -> list[str]:
    """Fields that a model lacks: the models themselves pass over them, and take other spellings."""
    model, inside = _model_in(kind), _item_of(kind)
    if isinstance(content, list):
        items = [unknown_fields(item, inside, f"{place}[{i}]") for i, item in enumerate(content)]
        return sum(items, [])
    if not isinstance(content, dict):
        return []
    if model is None:
        items = [unknown_fields(item, inside, f"{place}.{key}") for key, item in content.items()]
        return sum(items, [])
    known = {field.alias or name: field for name, field in model.model_fields.items()}
    problems = [f"{place} has no field {key}" for key in content if key not in known]
    for key in content.keys() & known.keys():
        problems += unknown_fields(content[key], known[key].annotation, f"{place}.{key}")
    return problems


def _parts(kind: Any) -> list[Any]:
    """The alternatives of an annotation."""
    origin = typing.get_origin(kind)
    if origin is typing.Annotated:
        return _parts(typing.get_args(kind)[0])
    if origin in (list, dict) or not typing.get_args(kind):
        return [kind]
    return [part for choice in typing.get_args(kind) for part in _parts(choice)]


def _model_in(kind: Any) -> type[BaseModel] | None:
    """The model among the alternatives of an annotation."""
    for part in _parts(kind):
        if isinstance(part, type) and issubclass(part, BaseModel):
            if "__root__" not in part.model_fields:
                return part
    return None


def _item_of(kind: Any) -> Any:
    """What a list or a map of an annotation holds."""
    for part in _parts(kind):
        if typing.get_origin(part) in (list, dict):
            return typing.get_args(part)[-1]
    return Any
