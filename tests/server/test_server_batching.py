from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
from delivery.server.app import App
from delivery.server.batching import MAX_BATCH, Batcher
from delivery.server.exchange import Message
from delivery.server.folder import ModelError, ModelFolder
from delivery.server.protocol import Floats
from delivery.server.settings import Settings

from tests.server.model_server import load, request_of


class Doubling:
    """A model that doubles its one column, keeps the sizes of its calls, and hates 13."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def predict(self, rows: Floats) -> Floats:
        self.calls.append(len(rows))
        if (rows == 13).any():
            raise ModelError("13")
        return rows[:, 0] * 2


def column(*numbers: float) -> Floats:
    return np.array(numbers).reshape(-1, 1)


async def answers(model: Doubling, *asked: Floats) -> list[Floats | BaseException]:
    batcher = Batcher(model.predict)
    return await asyncio.gather(*map(batcher.predict, asked), return_exceptions=True)


def test_requests_of_one_tick_are_one_call_and_keep_their_rows() -> None:
    model = Doubling()
    found = asyncio.run(answers(model, column(1), column(2, 3), column(4)))
    assert [np.asarray(one).tolist() for one in found] == [[2], [4, 6], [8]]
    assert model.calls == [4]


def test_lone_request_is_answered_in_its_own_tick() -> None:
    async def ticks() -> int:
        count, waiting = 0, asyncio.create_task(Batcher(Doubling().predict).predict(column(1)))
        while not waiting.done():
            await asyncio.sleep(0)
            count += 1
        return count

    assert asyncio.run(ticks()) <= 4


def test_failing_request_fails_alone() -> None:
    first, bad, last = asyncio.run(answers(Doubling(), column(1), column(13), column(4)))
    assert isinstance(bad, ModelError)
    assert [np.asarray(one).tolist() for one in (first, last)] == [[2], [8]]


@pytest.mark.parametrize(
    ("sizes", "calls"),
    [([MAX_BATCH, 1], [MAX_BATCH, 1]), ([1, MAX_BATCH * 2, 1], [1, MAX_BATCH * 2, 1])],
)
def test_batches_stay_within_their_limit(sizes: list[int], calls: list[int]) -> None:
    model = Doubling()
    found = asyncio.run(answers(model, *[np.ones((size, 1)) for size in sizes]))
    assert [len(np.asarray(one)) for one in found] == sizes
    assert model.calls == calls


def test_caller_that_is_gone_leaves_the_others_their_answers() -> None:
    async def one_leaves() -> Floats:
        batcher = Batcher(Doubling().predict)
        leaving, staying = (asyncio.create_task(batcher.predict(column(n))) for n in (1, 2))
        await asyncio.sleep(0)
        leaving.cancel()
        return await staying

    assert asyncio.run(one_leaves()).tolist() == [4]


def test_failure_of_any_kind_reaches_every_caller() -> None:
    def predict(rows: Floats) -> Floats:
        raise MemoryError(len(rows))

    async def ask() -> list[Floats | BaseException]:
        batcher = Batcher(predict)
        both = (batcher.predict(np.ones((1, 1))) for _ in range(2))
        return await asyncio.wait_for(asyncio.gather(*both, return_exceptions=True), 5)

    assert [type(one) for one in asyncio.run(ask())] == [MemoryError, MemoryError]


async def statuses(app: App, bodies: list[bytes]) -> list[int]:
    """Return how requests that come in one tick are answered."""
    found: list[int] = []

    async def ask(body: bytes) -> None:
        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            found.extend([message["status"]] if "status" in message else [])

        path = "/v2/models/tumour-classifier/infer"
        await app({"path": path, "method": "POST", "headers": []}, receive, send)

    await asyncio.gather(*map(ask, bodies))
    return found


def test_more_requests_than_may_wait_are_asked_to_come_again(
    classifier_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("delivery.server.app.MAX_WAITING", 2)
    app = App(ModelFolder.read(classifier_dir), Settings(), None)
    app.serve(load(classifier_dir))
    asked = [request_of([[1.0] * 30])] * 4
    assert sorted(asyncio.run(statuses(app, asked))) == [200, 200, 503, 503]
