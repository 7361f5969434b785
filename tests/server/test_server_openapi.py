from __future__ import annotations

from typing import Any

import httpx
import jsonschema_rs
import msgspec
import pytest

from tests.server.model_server import Server, request_of

INFER = "/v2/models/tumour-classifier/infer"


@pytest.fixture(scope="module")
def described(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{server.url}/openapi.json").json()
    return found


def test_every_page_of_the_description_answers(server: Server, described: dict[str, Any]) -> None:
    pages = [path for path, about in described["paths"].items() if "get" in about]
    assert [httpx.get(server.url + path).status_code for path in pages] == [200] * len(pages)
    assert "/v2/health/startup" in pages


def test_example_of_the_description_is_answered(server: Server, described: dict[str, Any]) -> None:
    example = described["paths"][INFER]["post"]["requestBody"]["content"]["application/json"]
    answer = server.infer(msgspec.json.encode(example["example"]))
    assert answer.status_code == 200
    assert "- c29, in 1, 0 to 1" in described["paths"][INFER]["post"]["description"]


@pytest.mark.parametrize(
    ("body", "fits"),
    [
        (request_of([[1.0] * 30]), True),
        (request_of([[1.0] * 30], data=[[1.0] * 30]), True),
        (request_of([[1.0] * 29]), False),
        (request_of([[1.0] * 30], datatype="FP32"), False),
        (request_of([[1.0] * 30], dtype="FP64"), False),
        (b'{"inputs": []}', False),
    ],
)
def test_schema_and_server_agree_on_a_request(
    server: Server, described: dict[str, Any], body: bytes, fits: bool
) -> None:
    schema = {"$ref": "#/components/schemas/Request", "components": described["components"]}
    validator = jsonschema_rs.Draft202012Validator(schema)
    assert validator.is_valid(msgspec.json.decode(body)) is fits
    assert (server.infer(body).status_code == 200) is fits
