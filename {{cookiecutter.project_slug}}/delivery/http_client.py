"""The HTTP client of servers that are asked with a token: Git hosts, and Argo CD."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

CONNECT_S = 5


def client(url: str, token: str, answer_s: float, headers: Mapping[str, str]) -> httpx.Client:
    """Return a client for what is below a URL; it takes no answer for none after some seconds.

    httpx is imported here: it takes 0.1 s, and most verbs ask no server.
    """
    import httpx

    return httpx.Client(
        base_url=f"{url}/",
        headers={"Authorization": f"Bearer {token}", **headers},
        timeout=httpx.Timeout(answer_s, connect=CONNECT_S),
        verify=ssl.create_default_context(),  # the system's authorities, or SSL_CERT_FILE
        follow_redirects=False,  # whoever it sends on to would get the token
    )
