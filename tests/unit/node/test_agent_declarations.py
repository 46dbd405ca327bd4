"""What the decorator makes of a function, what schemas follow from hints, and how inputs are given."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import attrs
import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from ainur import InputError, Task, agent
from node.agents.declaration import Agent
from node.agents.errors import DeclarationError
from node.agents.inputs import build_input
from node.agents.kinds.handler import fill
from node.agents.schemas import Judge
from node.agents.specs import new_offer

HEAVY = ("trio", "asyncio", "libp2p", "substrateinterface", "numpy", "wasmtime", "jsonschema_rs")


class Words(msgspec.Struct):
    """Words."""

    text: Annotated[str, Meta(max_length=10)]
    limit: int = 3


@attrs.frozen
class Count:
    """A count."""

    words: int


@agent(capability="text.wordcount", price="0.02 AINU", version=2)
async def counted(task: Task[Words]) -> Count:
    """Count the words.

    And more than that.
    """
    return Count(len(task.input.text.split()))


def test_importing_the_decorator_imports_nothing_heavy() -> None:
    code = f"import sys; from ainur import agent; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n"


def test_schemas_description_and_price_follow_from_the_function() -> None:
    offer = counted.offer
    assert (offer.capability, offer.version, offer.price) == ("text.wordcount", 2, 20_000_000_000)
    assert offer.description == "Count the words."
    jsonschema.validate({"text": "a b"}, offer.input_schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"text": 1}, offer.input_schema)
    jsonschema.validate({"words": 1}, offer.output_schema)


async def test_a_declared_function_can_still_be_called() -> None:
    assert await counted(Task(Words("a b c"))) == Count(3)


def test_without_hints_anything_goes() -> None:
    @agent(capability="a.b", price=1)
    async def plain(task):  # type: ignore[no-untyped-def]
        return task.input

    assert plain.offer.input_schema is None
    assert plain.offer.output_schema is None


def test_given_schemas_are_kept_as_they_are() -> None:
    given_schema = {"type": "object", "required": ["x"]}

    @agent(capability="a.b", price=1, input_schema=given_schema)
    async def plain(task: Task[Any]) -> dict[str, int]:
        return {}

    assert plain.offer.input_schema is given_schema
    assert plain.offer.output_schema == msgspec.json.schema(dict[str, int])


@pytest.mark.parametrize("capability", ["", "A.b", "a..b", "a.b.c.d.e", ".a", "a ", "a.b\n", "é"])
def test_what_is_no_capability_is_refused(capability: str) -> None:
    with pytest.raises(DeclarationError, match="no capability"):
        new_offer(capability, 1)


@pytest.mark.parametrize("price", ["2", "-1 AINU", "1.0000000000001 AINU", "x AINU", -1])
def test_what_is_no_price_is_refused(price: str | int) -> None:
    with pytest.raises(DeclarationError, match="price"):
        new_offer("a.b", price)


def test_a_capability_that_the_wire_takes_is_one_that_may_be_declared() -> None:
    from market.messages.fields import CapabilityName

    for name in ("a", "a.b", "a-1.b_2.c.d", "a" * 32, ".".join(["a" * 32] * 4)[:96]):
        try:
            msgspec.convert(name, CapabilityName)
        except msgspec.ValidationError:
            with pytest.raises(DeclarationError):
                new_offer(name, 1)
        else:
            assert new_offer(name, 1).capability == name


def test_a_function_that_takes_no_task_is_refused() -> None:
    for function in (divmod, lambda: None):
        with pytest.raises(DeclarationError, match="one argument"):
            agent(capability="a.b", price=1)(function)


def test_a_hint_that_json_cannot_carry_is_refused_with_a_way_out() -> None:
    async def odd(task: Task[complex]) -> None: ...

    with pytest.raises(DeclarationError, match="input_schema="):
        agent(capability="a.b", price=1)(odd)


def test_an_mcp_server_has_a_url_or_a_command() -> None:
    for given_argv, url in (((), None), (("a",), "http://x")):
        with pytest.raises(DeclarationError, match="either"):
            agent.mcp("tool", *given_argv, capability="a.b", price=1, url=url)


async def test_progress_is_clamped_and_may_be_awaited_or_not() -> None:
    told: list[tuple[float, str]] = []
    task = Task({}, report=lambda done, note: told.append((done, note)))
    await task.progress(2.0, "a")
    task.progress(-1)
    Task({}).progress(0.5)
    assert told == [(1.0, "a"), (0.0, "")]


# --- schemas


@given(st.recursive(st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b"]), inner)))  # fmt: skip
def test_the_judge_agrees_with_the_reference_implementation(value: Any) -> None:
    schema = {
        "anyOf": [
            {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer", "minimum": 1}}},
            {"type": "array", "items": {"type": ["string", "null"]}, "maxItems": 2},
            {"const": True},
        ]
    }  # fmt: skip
    fault = Judge(schema, "x").fault(value)
    assert (fault is None) == jsonschema.Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": 1},
        {"$ref": "http://127.0.0.1:9/schema.json"},
        {"$ref": "file:///etc/passwd"},
        {"pattern": "("},
        {"pattern": "(?=a)b"},
    ],
)
def test_a_schema_that_is_none_or_reaches_out_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(DeclarationError, match="bad schema"):
        Judge(schema, "x")


def test_a_fault_is_named_with_its_place_and_is_short() -> None:
    schema = {
        "type": "array",
        "items": {"type": "object", "properties": {"n": {"type": "integer"}}},
    }
    fault = Judge(schema, "x").fault([{"n": 1}] + [{"n": "x" * 10_000}] * 1_000)
    assert fault is not None
    assert fault.startswith("at 1/n: ")
    assert len(fault) < 1_000


# --- templates and inputs


def test_a_template_takes_fields_and_nothing_of_python() -> None:
    assert fill("$a, ${b} $$", {"a": "x$b", "b": [1]}) == "x$b, [1] $"
    for template in ("{a.__class__}", "%(a)s"):
        assert fill(template, {"a": 1}) == template
    with pytest.raises(InputError, match="missing"):
        fill("$missing", {})
    with pytest.raises(InputError, match="object"):
        fill("$a", [1])


def nothing(where: str) -> bytes:
    raise AssertionError(f"read {where}")


@pytest.mark.parametrize(
    ("text", "fields", "value"),
    [
        ('{"a": 1}', [], {"a": 1}),
        ("7", [], 7),
        (None, [], {}),
        (None, ["a=1", "b=x", "c=[2]"], {"a": 1, "b": "x", "c": [2]}),
        ('{"a": 1}', ["a=2"], {"a": 2}),
        (None, ["text=1", "limit=2"], {"text": "1", "limit": 2}),
        (None, ["text=a=b"], {"text": "a=b"}),
    ],
)
def test_an_input_is_json_or_fields(text: str | None, fields: list[str], value: Any) -> None:
    assert build_input(text, fields, counted.offer.input_schema, nothing) == value


def test_a_file_becomes_text_or_base64_as_the_schema_wants(tmp_path: Path) -> None:
    class Picture(msgspec.Struct):
        image: bytes
        title: str

    files = {"p.png": b"\x89\xff", "t.txt": b"12", "in.json": b'{"title": "t"}', "-": b"[1]"}
    schema = msgspec.json.schema(Picture)
    built = build_input("@in.json", ["image=@p.png", "title=@t.txt"], schema, files.__getitem__)
    assert built == {"title": "12", "image": "if8="}
    assert msgspec.convert(built, Picture) == Picture(b"\x89\xff", "12")
    assert build_input("-", [], None, files.__getitem__) == [1]
    with pytest.raises(InputError, match="no text"):
        build_input(None, ["title=@p.png"], schema, files.__getitem__)


@pytest.mark.parametrize(
    ("text", "fields"), [("{", []), ("hello", []), ("[1]", ["a=1"]), (None, ["a"]), (None, ["=1"])]
)
def test_what_is_no_input_is_refused(text: str | None, fields: list[str]) -> None:
    with pytest.raises(InputError):
        build_input(text, fields, None, nothing)


def test_the_decorator_keeps_the_functions_type() -> None:
    assert isinstance(counted, Agent)
    assert counted.__doc__ is not None
