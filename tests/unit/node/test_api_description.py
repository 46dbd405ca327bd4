"""The description of the local API is that of its routes, and real answers have the shapes that it says."""

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from starlette.routing import Route

from market.units import AINU
from node.api.access import OPEN
from node.api.app import ROUTES
from node.api.description import OPERATIONS, describe
from node.api.schemas import SCHEMAS
from tests.support.api_shapes import check_answer, check_shape
from tests.unit.node.test_api import BEARER, A, client, get

TASK = {
    "id": "0x" + "ab" * 32, "capability": "a.b", "capability_version": 1, "budget": str(AINU),
    "deadline_ms": 1, "submitted_ms": 1, "auction": None, "is_cancelled": False, "phase": "waiting",
    "provider": None, "price": None, "escrow": None, "ended": None,
}  # fmt: skip


def test_every_route_is_described_and_nothing_else() -> None:
    routed = {
        (method, route.path)
        for route in ROUTES
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert len(ROUTES) == len(routed)
    assert set(OPERATIONS) == routed


def test_every_shape_is_a_schema_and_every_reference_leads_to_one() -> None:
    described = describe("test")
    for schema in SCHEMAS.values():
        Draft202012Validator.check_schema(schema)
    referred = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(described)))
    assert referred == set(SCHEMAS)


def test_every_operation_says_what_it_takes_and_how_it_answers() -> None:
    for path, methods in describe("test")["paths"].items():
        for operation in methods.values():
            assert operation["summary"]
            named = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
            assert named == set(re.findall(r"{(\w+)}", path))
            assert any(int(status) < 300 for status in operation["responses"])
            needs_token = "401" in operation["responses"]
            assert needs_token == (path not in OPEN) == ("security" not in operation)


async def test_it_is_served_to_whoever_shows_the_token() -> None:
    served = (await get("/v1/openapi.json")).json()
    assert served["openapi"].startswith("3.1")
    assert served == json.loads(json.dumps(describe("test")))
    async with client() as asker:
        assert (await asker.get("/v1/openapi.json")).status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "/livez", "/readyz", "/v1/status", "/v1/peers", "/v1/agents", "/v1/agents?limit=1",
        "/v1/find?capability=image.resize", "/v1/find?text=resize+images", "/v1/agents?limit=x",
        "/v1/find", f"/v1/why-not-found?capability=text.summarize&agent={A.peer}",
        "/v1/why-not-found?capability=no.such", "/v1/tasks", "/v1/events",
    ],
)  # fmt: skip
async def test_real_answers_have_the_shapes_that_are_described(path: str) -> None:
    answer = await get(path)
    check_answer("GET", path, answer.status_code, answer.json())


async def test_what_the_guard_answers_is_described_too() -> None:
    async with client(current=False) as asker:
        for headers in ({}, {**BEARER, "host": "evil.example"}, {**BEARER, "origin": "null"}):
            answer = await asker.get("/v1/agents", headers=headers)
            check_answer("GET", "/v1/agents", answer.status_code, answer.json())
        ready = await asker.get("/readyz")
        check_answer("GET", "/readyz", ready.status_code, ready.json())


@pytest.mark.parametrize(
    "change",
    [{"budget": 5}, {"id": "ab"}, {"escrow": -1}, {"surprise": 1}, {"price": "1 AINU"}],
)
def test_a_shape_refuses_what_it_does_not_have(change: dict[str, Any]) -> None:
    check_shape("Task", TASK)
    with pytest.raises(ValidationError):
        check_shape("Task", {**TASK, **change})
    for missing in TASK:
        with pytest.raises(ValidationError):
            check_shape("Task", {k: v for k, v in TASK.items() if k != missing})


def test_one_task_or_several_are_taken() -> None:
    one = {"capability": "a.b", "input": {"x": 1}, "budget": "1 AINU", "deadline_ms": 10}
    check_shape("Submission", one)
    check_shape("Submission", [one, one])
    for wrong in ([], {}, {**one, "surprise": 1}, {**one, "deadline_ms": 0}):
        with pytest.raises(ValidationError):
            check_shape("Submission", wrong)
