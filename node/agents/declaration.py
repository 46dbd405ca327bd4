"""The decorator: a function becomes an agent.

This is imported by users' files, so it stays light: no network, chain or event loop behind it.
"""

import inspect
import typing
from collections.abc import Callable, Generator
from typing import Any, Final, Generic, TypedDict, TypeVar, Unpack

import msgspec

from node.agents.errors import DeclarationError
from node.agents.specs import (
    A2AAgent,
    CommandAgent,
    HttpAgent,
    McpAgent,
    Offer,
    OpenAIAgent,
    Schema,
    WasmAgent,
    new_offer,
)

__all__ = ["Agent", "Task", "agent"]

Input = TypeVar("Input")
Function = TypeVar("Function", bound=Callable[..., Any])


class Terms(TypedDict, total=False):
    """What every kind of agent is offered by."""

    version: int
    description: str
    input_schema: Schema
    output_schema: Schema


class _Said:
    """What ``progress`` returns: it may be awaited, and need not be."""

    def __await__(self) -> Generator[None, None, None]:
        yield from ()


_SAID: Final = _Said()


class Task(Generic[Input]):
    """One task, as the agent sees it.

    Attributes:
        input: the input, of the type that the function's hint names; plain JSON data without one.
        seconds: until the deadline, when the task began.
    """

    def __init__(
        self,
        input: Input,  # noqa: A002  (the attribute's name, which is the glossary's)
        seconds: float = 60.0,
        report: Callable[[float, str], None] | None = None,
    ) -> None:
        self.input = input
        self.seconds = seconds
        self._report = report

    def progress(self, done: float, note: str = "") -> _Said:
        """Tell the requester how far the work is; the result may be awaited and need not be.

        Args:
            done: 0 to 1; what lies outside is moved inside.
        """
        if self._report is not None:
            self._report(min(1.0, max(0.0, done)), note)
        return _SAID


class Agent(Generic[Function]):
    """A function that is offered as an agent; calling it calls the function."""

    def __init__(
        self,
        function: Function,
        offer: Offer,
        *,
        network: bool = False,
        setup: Callable[[], object] | None = None,
    ) -> None:
        self.function = function
        self.setup = setup
        self.network = network
        self.input_type, output_type = _hinted_types(function)
        self.offer = msgspec.structs.replace(
            offer,
            input_schema=offer.input_schema or _schema_of(self.input_type, offer.capability),
            output_schema=offer.output_schema or _schema_of(output_type, offer.capability),
        )
        self.__doc__ = function.__doc__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function, so that a test can."""
        return self.function(*args, **kwargs)


def _hinted_types(function: Callable[..., Any]) -> tuple[Any, Any]:
    parameters = list(inspect.signature(function).parameters.values())
    if len(parameters) != 1 or parameters[0].kind is inspect.Parameter.KEYWORD_ONLY:
        raise DeclarationError(f"{function.__name__} is to take one argument, the task")
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except NameError as error:
        raise DeclarationError(
            f"{function.__name__}: {error}, which one of its hints names"
        ) from error
    task = hints.get(parameters[0].name)
    arguments = typing.get_args(task) if typing.get_origin(task) is Task else ()
    return (arguments[0] if arguments else Any), hints.get("return", Any)


def _schema_of(kind: Any, capability: str) -> Schema | None:
    if kind is Any or kind is None:
        return None
    try:
        return msgspec.json.schema(kind)
    except TypeError as error:
        raise DeclarationError(
            f"{capability}: no schema can be derived from the hint {kind!r} ({error});"
            " use types of JSON, or give input_schema= and output_schema="
        ) from error


class Declare:
    """``@agent(...)`` for a function; ``agent.http(...)`` and the others for what is no function."""

    def __call__(
        self,
        *,
        capability: str,
        price: str | int,
        network: bool = False,
        setup: Callable[[], object] | None = None,
        **terms: Unpack[Terms],
    ) -> Callable[[Function], Agent[Function]]:
        """Offer the function below as an agent.

        Args:
            capability: one to four dotted words (``text.wordcount``).
            price: ``"0.02 AINU"``, or planck.
            network: whether it needs the network, which its operator then has to allow.
            setup: called once in each worker before its first task: to load a model, say.
            terms: version, description (else the docstring's first line), and schemas where the
                function's type hints do not say it: ``async def f(task: Task[In]) -> Out``.

        Raises:
            DeclarationError: what is given cannot be offered.
        """

        def decorate(function: Function) -> Agent[Function]:
            first_line = (inspect.getdoc(function) or "").partition("\n")[0]
            offer = new_offer(capability, price, **{"description": first_line, **terms})  # type: ignore[arg-type]  # one TypedDict over another
            return Agent(function, offer, network=network, setup=setup)

        return decorate

    def command(
        self, *argv: str, capability: str, price: str | int, network: bool = False,
        **terms: Unpack[Terms],
    ) -> CommandAgent:  # fmt: skip
        """Offer a program: JSON on standard input, JSON on standard output, exit code 0."""
        return CommandAgent(offer=new_offer(capability, price, **terms), argv=argv, network=network)

    def wasm(
        self, file: str, *, capability: str, price: str | int, fuel: int | None = None,
        memory: int | None = None, **terms: Unpack[Terms],
    ) -> WasmAgent:  # fmt: skip
        """Offer a WebAssembly command; fuel in instructions, memory in bytes."""
        caps = {"fuel": fuel, "memory": memory}
        given = {name: cap for name, cap in caps.items() if cap is not None}
        return WasmAgent(offer=new_offer(capability, price, **terms), file=file, **given)

    def http(
        self, url: str, *, capability: str, price: str | int, key_env: str | None = None,
        **terms: Unpack[Terms],
    ) -> HttpAgent:  # fmt: skip
        """Offer an endpoint that takes JSON by POST and answers with JSON."""
        return HttpAgent(offer=new_offer(capability, price, **terms), url=url, key_env=key_env)

    def openai(
        self, model: str, *, prompt: str, capability: str, price: str | int, system: str = "",
        base_url: str | None = None, key_env: str | None = None, parses_json: bool = False,
        **terms: Unpack[Terms],
    ) -> OpenAIAgent:  # fmt: skip
        """Offer a chat model; ``$name`` in the prompt stands for a field of the input."""
        return OpenAIAgent(
            offer=new_offer(capability, price, **terms), model=model, prompt=prompt, system=system,
            base_url=base_url, key_env=key_env, parses_json=parses_json,
        )  # fmt: skip

    def mcp(
        self, tool: str, *argv: str, capability: str, price: str | int, url: str | None = None,
        key_env: str | None = None, network: bool = False, **terms: Unpack[Terms],
    ) -> McpAgent:  # fmt: skip
        """Offer a tool of an MCP server, at a URL or behind a command."""
        if (url is None) != bool(argv):
            raise DeclarationError(f"{capability}: an MCP server has either a url or a command")
        return McpAgent(
            offer=new_offer(capability, price, **terms), tool=tool, url=url, argv=argv,
            key_env=key_env, network=network,
        )  # fmt: skip

    def a2a(
        self, url: str, *, capability: str, price: str | int, text: str | None = None,
        key_env: str | None = None, **terms: Unpack[Terms],
    ) -> A2AAgent:  # fmt: skip
        """Offer an agent that speaks A2A; ``text`` is what to say to it, None sends the input as data."""
        return A2AAgent(
            offer=new_offer(capability, price, **terms), url=url, text=text, key_env=key_env
        )


agent: Final = Declare()
"""The decorator, and the declarations of agents that are no function."""
