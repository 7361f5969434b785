"""Ask a server by KServe's client: `python kserve_rest.py URL MODEL < rows.json`, prints JSON."""

from __future__ import annotations

import asyncio
import json
import sys

import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

URL, MODEL = sys.argv[1:]
ROWS = np.array(json.load(sys.stdin))


async def main() -> None:
    """Print what each question was answered."""
    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    probabilities = {}
    for name, is_binary in (("binary", True), ("json", False)):
        tensor = InferInput("features", list(ROWS.shape), "FP64")
        tensor.set_data_from_numpy(ROWS, binary_data=is_binary)
        answer = await client.infer(URL, InferRequest(MODEL, [tensor], request_id="a"), MODEL)
        probabilities[name] = answer.outputs[0].as_numpy().tolist()
    said = {
        "live": await client.is_server_live(URL),
        "ready": await client.is_server_ready(URL),
        "model_ready": await client.is_model_ready(URL, MODEL),
        "other_ready": await client.is_model_ready(URL, "other"),
        "answered": answer.model_name,
        "version": answer.model_version,
        "id": answer.id,
        "probabilities": probabilities,
    }
    await client.close()
    json.dump(said, sys.stdout)


asyncio.run(main())
