"""Agents behind endpoints, against real servers of their kind."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
import trio

from ainur import agent
from node.executor.errors import (
    AgentRaisedError,
    FailedTaskError,
    InvalidInputError,
    KilledByLimitError,
    LoadError,
    RefusedAgentError,
    TimedOutError,
    UnavailableError,
)
from node.executor.limits import Grants, Limits
from node.executor.loading import load_agents
from node.executor.running import open_executor
from tests.support.agent_servers import KEY, ROOT, served
from tests.support.agents import needs_sandbox, perform, running_agent

pytestmark = pytest.mark.integration
TERMS: dict[str, Any] = {"capability": "text.wordcount", "price": "0.02 AINU"}


@pytest.fixture(scope="module")
def http_url() -> Iterator[str]:
    with served("http") as url:
        yield url


@pytest.fixture(scope="module")
def openai_url() -> Iterator[str]:
    with served("openai") as url:
        yield url + "/v1"


@pytest.fixture(scope="module")
def mcp_url() -> Iterator[str]:
    with served("mcp") as url:
        yield url + "/mcp"


@pytest.fixture(scope="module")
def a2a_url() -> Iterator[str]:
    with served("a2a") as url:
        yield url


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("THE_KEY", KEY)
    return "THE_KEY"


async def test_an_endpoint_is_refused_without_the_network() -> None:
    with pytest.raises(RefusedAgentError, match="--allow-network"):
        async with open_executor(agent.http("http://127.0.0.1:1/", **TERMS)):
            raise AssertionError("it was run")


# --- HTTP


async def test_an_http_endpoint_does_a_task_and_is_sent_the_key_that_was_granted(
    http_url: str, key: str
) -> None:
    spec = agent.http(http_url, key_env=key, **TERMS)
    async with running_agent(spec, network=True, environment=(key,)) as running:
        assert await perform(running, {"text": "a b c"}) == {"words": 3, "key": True}


async def test_a_key_that_was_not_granted_is_not_there(http_url: str, key: str) -> None:
    spec = agent.http(http_url, key_env=key, **TERMS)
    with pytest.raises(LoadError, match=f"--env {key}"):
        async with running_agent(spec, network=True):
            raise AssertionError("it was run")


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("busy", UnavailableError, "503"),
        ("bad", InvalidInputError, "422"),
        ("broken", AgentRaisedError, "no JSON"),
        ("huge", KilledByLimitError, "larger than"),
        ("elsewhere", AgentRaisedError, "307"),
        ("drops", UnavailableError, "127.0.0.1"),
    ],
)
async def test_what_goes_wrong_at_an_endpoint_has_its_name(
    http_url: str, text: str, error: type[Exception], says: str
) -> None:
    async with running_agent(agent.http(http_url, **TERMS), network=True) as running:
        with pytest.raises(error, match=says):
            await perform(running, {"text": text})
        assert await perform(running, {"text": "a b"}) == {"words": 2, "key": False}
        assert running.health().restarts == (error is KilledByLimitError)


async def test_a_slow_endpoint_is_left_at_the_deadline_and_its_worker_stays(http_url: str) -> None:
    async with running_agent(agent.http(http_url, **TERMS), network=True) as running:
        with pytest.raises(TimedOutError):
            await perform(running, {"text": "slow"}, seconds=0.5)
        assert await perform(running, {"text": "a b"}) == {"words": 2, "key": False}
        assert running.health().workers == 1
        assert running.health().restarts == 0


async def test_an_endpoint_where_nobody_listens_is_unavailable() -> None:
    async with running_agent(agent.http("http://127.0.0.1:9/", **TERMS), network=True) as running:
        with pytest.raises(UnavailableError):
            await perform(running, {})


# --- OpenAI


def test_the_official_client_accepts_the_server(openai_url: str) -> None:
    with openai.OpenAI(base_url=openai_url, api_key=KEY, max_retries=0) as client:
        said: Any = {"model": "m", "messages": [{"role": "user", "content": "hello there"}]}
        assert client.chat.completions.create(**said).choices[0].message.content == "HELLO THERE"
        parts = client.chat.completions.create(**said, stream=True)
        words = [part.choices[0].delta.content for part in parts]
    assert words == ["HELLO ", "THERE ", None]


async def test_a_model_does_a_task(openai_url: str, key: str) -> None:
    spec = agent.openai("m", prompt="say $text", base_url=openai_url, key_env=key, **TERMS)
    async with running_agent(spec, network=True, environment=(key,)) as running:
        assert await perform(running, {"text": "hello"}) == {"text": "SAY HELLO "}
        assert running.offer.output_schema is not None
        with pytest.raises(InvalidInputError, match="text"):
            await perform(running, {"other": "hello"})
        with pytest.raises(InvalidInputError, match="context length"):
            await perform(running, {"text": "too long"})
        with pytest.raises(TimedOutError):
            await perform(running, {"text": "slow"}, seconds=0.5)
        assert await perform(running, {"text": "$text"}) == {"text": "SAY $TEXT "}


async def test_a_models_json_is_the_output_and_other_words_are_its_fault(
    openai_url: str, key: str
) -> None:
    spec = agent.openai(
        "json", prompt="$text", parses_json=True, base_url=openai_url, key_env=key, **TERMS
    )
    async with running_agent(spec, network=True, environment=(key,)) as running:
        assert await perform(running, {"text": '{"a": [1]}'}) == {"a": [1]}
        with pytest.raises(AgentRaisedError, match="no JSON"):
            await perform(running, {"text": "no"})


async def test_a_wrong_key_makes_a_model_unavailable(
    openai_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAD_KEY", "bad")
    spec = agent.openai("m", prompt="$text", base_url=openai_url, key_env="BAD_KEY", **TERMS)
    async with running_agent(spec, network=True, environment=("BAD_KEY",)) as running:
        with pytest.raises(UnavailableError, match="wrong key"):
            await perform(running, {"text": "x"})


# --- MCP


async def _counts(running: Any) -> None:
    reports: list[tuple[float, str]] = []
    output = await running.perform(
        {"text": "a b c"}, trio.current_time() + 20, lambda done, note: reports.append((done, note))
    )
    assert output == {"words": 3}
    assert reports == [(0.5, "half")]


async def test_a_tool_over_http_does_a_task_and_tells_its_schemas(mcp_url: str) -> None:
    async with running_agent(agent.mcp("count", url=mcp_url, **TERMS), network=True) as running:
        await _counts(running)
        assert running.offer.input_schema is not None
        assert running.offer.input_schema["required"] == ["text"]
        assert running.offer.description == "Count the words of a text."
        with pytest.raises(InvalidInputError, match="required"):
            await perform(running, {})
        with pytest.raises(AgentRaisedError, match="not countable"):
            await perform(running, {"text": "bad"})
        with pytest.raises(TimedOutError):
            await perform(running, {"text": "slow"}, seconds=0.5)
        await _counts(running)


async def test_a_tool_that_answers_with_text_gives_text(mcp_url: str) -> None:
    async with running_agent(agent.mcp("shout", url=mcp_url, **TERMS), network=True) as running:
        assert await perform(running, {"text": "hey"}) == {"text": "HEY"}


async def test_a_tool_that_is_not_there_is_named_with_those_that_are(mcp_url: str) -> None:
    with pytest.raises(LoadError, match="no tool 'nothing'; it has count, shout"):
        async with running_agent(agent.mcp("nothing", url=mcp_url, **TERMS), network=True):
            raise AssertionError("it was run")


@needs_sandbox
async def test_a_tool_behind_a_command_runs_in_the_sandbox_without_the_network() -> None:
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import tests.support.agent_servers as s; s.main('mcp-stdio')"
    spec = agent.mcp("count", sys.executable, "-c", script, **TERMS)
    files = (ROOT / "tests",)
    async with running_agent(spec, files=files) as running:
        await _counts(running)


async def test_an_mcp_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises((UnavailableError, LoadError)):
        async with running_agent(
            agent.mcp("count", url="http://127.0.0.1:9/mcp", **TERMS), network=True
        ):
            raise AssertionError("it was run")


# --- A2A


async def test_an_unmodified_a2a_agent_does_a_task_said_in_words(a2a_url: str) -> None:
    spec = agent.a2a(a2a_url, text="$text", **TERMS)
    async with running_agent(spec, network=True) as running:
        assert await perform(running, {"text": "a b c"}) == {"text": "3 words"}
        with pytest.raises(AgentRaisedError, match="failed: that cannot be done"):
            await perform(running, {"text": "fail"})
        with pytest.raises(AgentRaisedError, match=r"asks for more input.*which one"):
            await perform(running, {"text": "ask"})
        with pytest.raises(TimedOutError):
            await perform(running, {"text": "slow"}, seconds=0.5)
        assert await perform(running, {"text": "a b"}) == {"text": "2 words"}
        assert running.health().restarts == 0


async def test_an_a2a_agent_is_sent_data_where_no_words_are_given(a2a_url: str) -> None:
    async with running_agent(agent.a2a(a2a_url, **TERMS), network=True) as running:
        assert await perform(running, {"any": [1, None]}) == {"fields": 1, "ok": True}


async def test_an_a2a_agent_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(UnavailableError):
        async with running_agent(agent.a2a("http://127.0.0.1:9", **TERMS), network=True):
            raise AssertionError("it was run")


# --- declared in a file


@needs_sandbox
async def test_a_file_may_declare_endpoints_and_their_grants_stay_the_operators(
    tmp_path: Path, http_url: str
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "from ainur import agent\n"
        f"count = agent.http({http_url!r}, capability='text.wordcount', price='1 planck')\n"
    )
    (spec,) = await load_agents(file, Limits(), Grants())
    with pytest.raises(RefusedAgentError):
        async with running_agent(spec):
            raise AssertionError("it was run")
    async with running_agent(spec, network=True) as running:
        assert (await perform(running, {"text": "a"}))["words"] == 1


async def test_a_failed_task_is_one_of_the_agents_faults() -> None:
    assert issubclass(TimedOutError, FailedTaskError)
    assert not issubclass(UnavailableError, FailedTaskError)
    assert not issubclass(InvalidInputError, FailedTaskError)
