"""Tasks over the local API, asked by the client that the commands use."""

import http.client
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
import trio

from node.api.client import Client, RefusedError
from node.api.serving import serve_api
from node.api.view import View
from tests.support.api_shapes import check_answer
from tests.support.markets import Node, identity_of, open_market
from tests.support.networks import eventually

pytestmark = [pytest.mark.integration, pytest.mark.chain]

TOKEN = "secret"
GOOD = {
    "capability": "text.nobody",
    "input": {"text": "a"},
    "budget": "1 AINU",
    "deadline_ms": 10_000,
}


@asynccontextmanager
async def served(node: Node | None) -> AsyncIterator[str]:
    """Serve a node's tasks; the other parts of the API are not asked."""
    nothing = cast("Any", None)
    trading = None if node is None else node.trading
    async with serve_api(
        View(nothing, nothing, nothing, nothing, "test", trading), TOKEN, 0
    ) as url:
        try:
            yield url
        finally:
            if trading is not None:
                trading.life.end_streams()


async def ask(url: str, method: str, *arguments: Any, **params: Any) -> Any:
    client = Client(url, TOKEN)
    found = await trio.to_thread.run_sync(lambda: getattr(client, method)(*arguments, **params))
    if method in ("get", "post"):
        status = 201 if arguments[0] == "/v1/tasks" and method == "post" else 200
        check_answer(method.upper(), arguments[0], status, found)
    return found


async def test_a_task_is_submitted_listed_shown_and_watched(tmp_path: Path) -> None:
    async with open_market(tmp_path) as market:
        await market.register(identity_of("Alice"))
        async with market.node("Alice") as alice, served(alice) as url:
            task = (await ask(url, "post", "/v1/tasks", GOOD))["task"]
            assert (task["capability"], task["budget"]) == ("text.nobody", str(10**12))
            told: list[dict[str, Any]] = []

            def watch() -> None:
                told.extend(Client(url, TOKEN).events("/v1/events", task=task["id"]))

            async with trio.open_nursery() as nursery:
                nursery.start_soon(trio.to_thread.run_sync, watch)
                name = bytes.fromhex(task["id"][2:])
                await eventually(lambda: len(alice.trading.life.past(name)) == 2)
                shown = await ask(url, "get", f"/v1/tasks/{task['id']}")
                assert shown["task"]["ended"].startswith("no-provider")
                assert [event["kind"] for event in shown["events"]] == ["submitted", "ended"]
                listed = await ask(url, "get", "/v1/tasks", limit=5)
                assert listed["tasks"] == [shown["task"]]
                with pytest.raises(RefusedError, match="has not been delivered"):
                    await ask(url, "bytes_of", f"/v1/tasks/{task['id']}/result")
                with pytest.raises(RefusedError, match="it has ended"):
                    await ask(url, "post", f"/v1/tasks/{task['id']}/cancel")
                alice.trading.life.end_streams()
            assert [event["kind"] for event in told] == ["submitted", "ended", "stream-ended"]
            assert told[-1]["id"] == told[-2]["id"]  # to go on after

            await refuses_what_is_no_task(url)
            await takes_an_array_whole_or_not_at_all(url)


async def takes_an_array_whole_or_not_at_all(url: str) -> None:
    before = (await ask(url, "get", "/v1/tasks"))["tasks"]
    for wrong in ([], [GOOD, {**GOOD, "budget": "much"}], [GOOD, {**GOOD, "deadline_ms": 10}]):
        with pytest.raises(RefusedError) as refused:
            await ask(url, "post", "/v1/tasks", wrong)
        assert refused.value.reason == "usage"
    assert (await ask(url, "get", "/v1/tasks"))["tasks"] == before
    taken = (await ask(url, "post", "/v1/tasks", [GOOD, {**GOOD, "budget": "2 AINU"}]))["tasks"]
    assert [each["budget"] for each in taken] == [str(10**12), str(2 * 10**12)]
    after = (await ask(url, "get", "/v1/tasks"))["tasks"]
    assert {each["id"] for each in after} == {each["id"] for each in [*before, *taken]}


async def refuses_what_is_no_task(url: str) -> None:
    for wrong, words in (
        ({**GOOD, "budget": "much"}, "not an amount"),
        ({**GOOD, "deadline_ms": 0}, "no task"),
        ({**GOOD, "deadline_ms": 10}, "at least"),
        ({**GOOD, "surprise": 1}, "unknown field"),
        ({**GOOD, "capability": "NO NAME"}, "no such task"),
        ({**GOOD, "check": "none"}, "no check"),
        ({**GOOD, "output_schema": {"type": 7}}, "schema"),
        ({}, "no task"),
    ):
        with pytest.raises(RefusedError, match=words) as refused:
            await ask(url, "post", "/v1/tasks", wrong)
        assert refused.value.reason == "usage"
    for path in ("/v1/tasks/0x12", f"/v1/tasks/{'ab' * 32}"):
        with pytest.raises(RefusedError) as refused:
            await ask(url, "get", path)
        assert refused.value.reason == "not-found"
    for path, params in (("/v1/tasks", {"limit": "0"}), ("/v1/events", {"after": "x"})):
        with pytest.raises(RefusedError) as refused:
            await ask(url, "get", path, **params)
        assert refused.value.reason == "usage"
    with pytest.raises(RefusedError, match="at this node"):
        await ask(url, "post", f"/v1/tasks/{'ab' * 32}/cancel")


async def test_without_a_chain_there_are_no_tasks_and_without_the_token_no_answer() -> None:
    async with served(None) as url:
        with pytest.raises(RefusedError, match="start it with --chain"):
            await ask(url, "get", "/v1/tasks")

        def bare() -> tuple[int, dict[str, Any]]:
            parts = urlsplit(url)
            connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)
            connection.request("POST", "/v1/tasks", json.dumps(GOOD))
            response = connection.getresponse()
            found = response.status, json.loads(response.read())
            connection.close()
            return found

        status, answer = await trio.to_thread.run_sync(bare)
        assert (status, answer["error"]["reason"]) == (401, "token")
