"""What no client should send: answers below 500, and the model still answers."""

from __future__ import annotations

import json

import pytest
from sklearn.datasets import load_breast_cancer

from bench.server.fuzz import described, send
from bench.server.malformed import OFTEN, RARELY, bodies
from tests.server.model_server import Server, request_of

ROW = load_breast_cancer().data[:1]
VALID = json.loads(request_of(ROW))


def test_bodies_of_a_seed_are_drawn_again() -> None:
    assert list(bodies(200, 3, VALID)) == list(bodies(200, 3, VALID))
    assert {body.kind for body in bodies(3000, 3, VALID)} == {*OFTEN, *RARELY}


def test_malformed_bodies_are_answered_below_500(server: Server) -> None:
    before = server.infer(request_of(ROW)).json()["outputs"]
    port = int(server.url.rpartition(":")[2])
    statuses = send(port, "/v2/models/tumour-classifier/infer", VALID, 2000, seed=1)
    assert max(statuses) < 500
    assert statuses[400] > 1500
    assert server.infer(request_of(ROW)).json()["outputs"] == before


@pytest.mark.slow
def test_description_is_what_the_server_does(server: Server) -> None:
    statuses = described(server.url, examples=20)
    assert max(statuses) < 500
    assert min(statuses[200], statuses[400]) > 0
