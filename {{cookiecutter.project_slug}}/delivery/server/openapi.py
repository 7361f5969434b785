"""The description of this model's server, as OpenAPI 3.1, made from its signature.

See: https://spec.openapis.org/oas/v3.1.0
"""

from __future__ import annotations

from typing import Any

import msgspec

from .folder import ModelFolder, Signature
from .pages import model_paths
from .protocol import Answer, request_type

Spec = dict[str, Any]
ERRORS = {
    400: "the request is not as described; the message names the field",
    408: "the body did not end in time",
    413: "the body is too large",
    415: "the body is compressed",
    431: "too many headers",
    500: "the model failed",
    503: "the model is not loaded, or too many requests wait: try again",
}
REF = "#/components/schemas/{name}"
ERROR = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}


def description(folder: ModelFolder) -> Spec:
    """Return the whole description."""
    who, signature = folder.identity, folder.signature
    types = [request_type(folder), Answer]
    (asked, answer), schemas = msgspec.json.schema_components(types, ref_template=REF)
    infer = {
        "summary": f"Answer rows: {signature.task}",
        "description": _columns(signature),
        "requestBody": {"required": True, "content": _json(asked, _example(signature))},
        "responses": {"200": _answers(answer), **_errors(*ERRORS)},
    }
    paths: Spec = {
        "/v2": _page("The server and its extensions"),
        "/v2/health/live": _page("The process answers"),
        "/v2/health/startup": _page("The model was loaded", 503),
        "/v2/health/ready": _page("Requests are welcome", 503),
        "/openapi.json": _page("This description"),
    }
    for model in model_paths(folder):
        paths[model] = _page("The model, its inputs and outputs")
        paths[f"{model}/ready"] = _page("Requests are welcome", 503)
        paths[f"{model}/infer"] = {"post": infer}
    return {
        "openapi": "3.1.0",
        "info": {"title": who.name, "version": who.version},
        "paths": paths,
        "components": {"schemas": {**schemas, "Error": ERROR}},
    }


def _page(summary: str, *errors: int) -> Spec:
    found = _response("as said", {"type": "object"})
    return {"get": {"summary": summary, "responses": {"200": found, **_errors(400, 431, *errors)}}}


def _errors(*codes: int) -> Spec:
    schema = {"$ref": REF.format(name="Error")}
    return {str(code): _response(ERRORS[code], schema) for code in codes}


def _response(text: str, schema: Spec) -> Spec:
    return {"description": text, "content": _json(schema)}


def _answers(schema: Spec) -> Spec:
    """Return the answer to a request: numbers as JSON or, where asked for, as bytes behind it."""
    found = _response("the model's answers", schema)
    return {**found, "content": {**found["content"], "application/octet-stream": {}}}


def _json(schema: Spec, example: Spec | None = None) -> Spec:
    return {"application/json": {"schema": schema, **({"example": example} if example else {})}}


def _columns(signature: Signature) -> str:
    """Return the columns of a row as a list in Markdown: units, and what training saw."""
    return "A row has, in this order:\n\n" + "\n".join(
        f"- {one.name}, in {one.unit}, {one.low:g} to {one.high:g}"
        for one in signature.inputs[0].columns
    )


def _example(signature: Signature) -> Spec:
    """Return a request of one row, in the middle of what training saw."""
    given = signature.inputs[0]
    row = [(one.low + one.high) / 2 for one in given.columns]
    tensor = {"name": given.name, "datatype": given.datatype, "shape": [1, len(row)], "data": row}
    return {"inputs": [tensor]}
