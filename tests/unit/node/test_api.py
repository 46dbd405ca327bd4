"""The local API: who may ask, what is answered, and what nonsense gets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from market.identity import ss58_from_account
from node.api.app import make_app
from node.api.view import View
from node.p2p.network import ConnectedPeer
from tests.support.announced import AGENTS, announce, at, directory

A, B = AGENTS[:2]
TOKEN = "t" * 43
AUTHORITY = "127.0.0.1:4321"
BEARER = {"authorization": f"Bearer {TOKEN}"}


def view(*, current: bool = True) -> View:
    book = directory()
    book.admit(announce(A), at())
    book.admit(announce(B, ["image.resize"]), at())
    head = SimpleNamespace(
        now=at, genesis=bytes(32), chain_url=None, is_dev_chain=False, is_current=lambda: current
    )
    peer = ConnectedPeer(
        peer=B.peer, addresses=("/ip4/127.0.0.1/tcp/1",), inbound=True, round_trip_ms=1.5, score=0.0
    )
    network = SimpleNamespace(
        peer_id=A.peer, multiaddrs=("/ip4/127.0.0.1/tcp/2/p2p/x",), peers=lambda: [peer]
    )
    announcer = SimpleNamespace(capabilities=(), pace=SimpleNamespace(ttl=60))
    service = SimpleNamespace(directory=book, counts={"new": 2}, announcer=announcer)
    return View(network, service, head, A.account, "test")  # type: ignore[arg-type]


@asynccontextmanager
async def client(**options: Any) -> AsyncIterator[httpx.AsyncClient]:
    app = make_app(view(**options), TOKEN, lambda: AUTHORITY)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{AUTHORITY}") as made:
        yield made


async def get(path: str, **headers: str) -> httpx.Response:
    async with client() as asker:
        return await asker.get(path, headers={**BEARER, **headers})


@pytest.mark.parametrize(
    "path", ["/v1/status", "/v1/agents", "/v1/find?capability=a", "/v1/peers", "/nothing"]
)
@pytest.mark.parametrize(
    "shown", ["", "Bearer ", "Bearer wrong", f"bearer {TOKEN}", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN} ", "Bearer \xff"]
)  # fmt: skip
async def test_without_the_token_nothing_is_told(path: str, shown: str) -> None:
    async with client() as asker:
        refused = await asker.get(path, headers={"authorization": shown.encode("latin-1")})
    assert refused.status_code == 401
    assert refused.json()["error"]["reason"] == "token"


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
async def test_health_and_metrics_need_no_token(path: str) -> None:
    async with client() as asker:
        assert (await asker.get(path)).status_code == 200


@pytest.mark.parametrize("path", ["/livez", "/metrics", "/v1/agents"])
@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:4321", "127.0.0.1", "127.0.0.1:1", "", "127.0.0.1:4321.evil.example"]
)  # fmt: skip
async def test_another_name_of_this_machine_is_refused(path: str, host: str) -> None:
    refused = await get(path, host=host)
    assert refused.status_code == 403
    assert refused.json()["error"]["reason"] == "host"


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1:4321", "http://127.0.0.1:1"]
)
async def test_a_page_of_another_origin_is_refused(origin: str) -> None:
    refused = await get("/v1/agents", origin=origin)
    assert refused.status_code == 403
    assert refused.json()["error"]["reason"] == "origin"


@pytest.mark.parametrize("name", [AUTHORITY, "localhost:4321", "LOCALHOST:4321"])
async def test_our_own_names_and_pages_are_let_in(name: str) -> None:
    answer = await get("/v1/agents", host=name, origin=f"http://{name}")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "access-control-allow-origin" not in answer.headers


async def test_agents_are_listed_with_who_we_are() -> None:
    answer = (await get("/v1/agents")).json()
    assert answer["version"] == 1
    assert answer["known"] == 2
    assert {each["peer_id"]: each["self"] for each in answer["agents"]} == {
        A.peer: True,
        B.peer: False,
    }
    assert (await get("/v1/agents?limit=1")).json()["known"] == 2


async def test_agents_are_found_by_name_prefix_and_text() -> None:
    for query in (
        "capability=image.resize",
        "prefix=image",
        "text=resize+images",
        "capability=image.resize&max_price=1+AINU&free_slot=true&version=1",
    ):
        [match] = (await get(f"/v1/find?{query}")).json()["matches"]
        assert match["agent"]["account"] == ss58_from_account(B.account)
        assert match["capability"]["typical_price"] == "1000"
    assert (await get("/v1/find?capability=image.resize&version=2")).json()["matches"] == []


async def test_absences_are_told_by_account_and_by_peer() -> None:
    for who in (B.peer, ss58_from_account(B.account)):
        [told] = (await get(f"/v1/why-not-found?capability=text.summarize&agent={who}")).json()[
            "absences"
        ]
        assert (told["reason"], told["peer_id"]) == ("other-capability", B.peer)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/find", "/v1/find?capability=", "/v1/find?capability=A", "/v1/find?capability=a&text=b",
        "/v1/find?capability=a&capability=b", "/v1/find?capability=a&limit=0", "/v1/find?capability=a&limit=-1",
        "/v1/find?capability=a&limit=99999", "/v1/find?capability=a&limit=%D9%A1", "/v1/find?text=+",
        "/v1/find?text=a&least=nan", "/v1/find?text=a&least=2", "/v1/find?capability=a&max_price=free",
        "/v1/find?capability=a&nonsense=1", "/v1/agents?limit=x", "/v1/agents?capability=a",
        "/v1/why-not-found?capability=a&agent=me", "/v1/why-not-found?capability=a&agent=12D3KooWxyz",
        "/v1/why-not-found", f"/v1/find?text={'a' * 1025}", "/v1/find?prefix=a..b",
    ],
)  # fmt: skip
async def test_nonsense_is_refused_with_what_is_wrong(path: str) -> None:
    refused = await get(path)
    assert refused.status_code == 400
    assert refused.json()["error"]["reason"] == "usage"
    assert len(refused.json()["error"]["message"]) > 10


async def test_unknown_paths_and_methods_are_told_in_json() -> None:
    assert (await get("/v1/nothing")).json()["error"]["reason"] == "not-found"
    async with client() as asker:
        posted = await asker.post("/v1/agents", headers=BEARER)
    assert posted.status_code == 405
    assert posted.json()["error"]["reason"] == "method"


async def test_a_fault_of_ours_tells_nothing_of_the_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = view()
    monkeypatch.setattr(broken.directory.directory, "entries", lambda _now: 1 / 0)
    app = make_app(broken, TOKEN, lambda: AUTHORITY)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{AUTHORITY}") as asker:
        answer = await asker.get("/v1/agents", headers=BEARER)
    assert answer.status_code == 500
    assert "ZeroDivision" not in answer.text
    assert answer.json()["error"]["reason"] == "internal"


async def test_a_node_whose_chain_is_away_is_not_ready() -> None:
    async with client(current=False) as asker:
        answer = await asker.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"listening": True, "chain": False}


async def test_metrics_have_no_label_by_peer() -> None:
    text = (await get("/metrics")).text
    assert "ainur_agents 2.0" in text
    assert 'ainur_announcements_heard_total{outcome="new"} 2.0' in text
    assert A.peer not in text
    assert B.peer not in text
