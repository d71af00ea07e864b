"""Pieces of the OpenAPI schema, for plain views: drf-spectacular sees DRF's views only."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]
"""A part of the OpenAPI document: JSON as drf-spectacular takes it."""

UUID = {"type": "string", "format": "uuid"}
TIME = {"type": "string", "format": "date-time"}
COUNT = {"type": "integer"}
SECURITY: list[dict[str, list[str]]] = [{"jwtAuth": []}, {"cookieAuth": []}]


def ref(name: str) -> dict[str, str]:
    """A schema among the components."""
    return {"$ref": f"#/components/schemas/{name}"}


def nullable(name: str) -> Schema:
    return {"allOf": [ref(name)], "nullable": True}


def object_of(**properties: Schema) -> Schema:
    """An object that has all of these."""
    return {"type": "object", "required": list(properties), "properties": properties}


def json_answer(description: str, schema: Schema) -> Schema:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def path_id(name: str) -> Schema:
    return {"in": "path", "name": name, "required": True, "schema": UUID}


def header(name: str, description: str, schema: Schema) -> Schema:
    return {"in": "header", "name": name, "description": description, "schema": schema}
