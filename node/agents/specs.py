"""What an agent is, as data: its offer, and by which kind of program it is fulfilled.

Specs cross the border to an agent's worker process, so they hold nothing but plain values. Paths that
are not absolute start at the folder of the file that declares the agent. Secrets are never in a spec:
it names an environment variable, which the operator grants.
"""

import re
from typing import Annotated, Any, Final, TypeAlias

import msgspec
from msgspec import Meta

from market.errors import UsageError
from market.units import Planck, format_amount, parse_amount
from node.agents.errors import DeclarationError

__all__ = [
    "A2AAgent",
    "AgentSpec",
    "CommandAgent",
    "FunctionAgent",
    "HttpAgent",
    "McpAgent",
    "Offer",
    "OpenAIAgent",
    "Schema",
    "WasmAgent",
    "has_session",
    "is_reusable",
    "needs_sandbox",
    "new_offer",
    "wants_network",
]

Schema: TypeAlias = dict[str, Any]
"""A JSON-Schema."""

# The rule of the wire (market.messages.fields), without the weight of importing the messages.
_CAPABILITY: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}(\.[a-z][a-z0-9_-]{0,31}){0,3}")
_MAX_DESCRIPTION: Final = 512


class _Spec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fields by name, immutable."""


class Offer(_Spec, frozen=True, kw_only=True):
    """What an agent sells."""

    capability: str
    """One to four dotted words (``text.summarize``)."""
    price: Annotated[int, Meta(ge=0)]
    """What one task costs its operator to accept: the floor from which bids start, planck."""
    version: Annotated[int, Meta(ge=0, le=65_535)] = 1
    """Raised when input or output changes incompatibly."""
    description: str = ""
    """What it does, for people and for search."""
    input_schema: Schema | None = None
    """None: any JSON value."""
    output_schema: Schema | None = None

    @property
    def price_text(self) -> str:
        """The price as a person writes it."""
        return format_amount(self.price)


class FunctionAgent(_Spec, frozen=True, kw_only=True, tag="function"):
    """A Python function under the decorator."""

    offer: Offer
    name: str
    """Of the function in its module."""
    file: str | None = None
    """The file that declares it; None for a module of an installed package, which is trusted."""
    module: str | None = None
    network: bool = False
    """Whether it asks for the network."""


class CommandAgent(_Spec, frozen=True, kw_only=True, tag="command"):
    """A program: JSON on its standard input, JSON on its standard output, exit code 0."""

    offer: Offer
    argv: Annotated[tuple[str, ...], Meta(min_length=1)]
    folder: str | None = None
    """Where it starts; None: at the root."""
    network: bool = False


class WasmAgent(_Spec, frozen=True, kw_only=True, tag="wasm"):
    """A WebAssembly command (WASI preview 1): JSON on standard input and output."""

    offer: Offer
    file: str
    """Binary or text format."""
    fuel: Annotated[int, Meta(ge=1)] = 5_000_000_000
    """Instructions a task may take, about."""
    memory: Annotated[int, Meta(ge=65_536)] = 64 * 2**20
    """Bytes of linear memory a task may take."""


class HttpAgent(_Spec, frozen=True, kw_only=True, tag="http"):
    """An endpoint that takes the input as a JSON body by POST, and answers with the output."""

    offer: Offer
    url: str
    key_env: str | None = None
    """Name of the variable that holds a bearer token."""


class OpenAIAgent(_Spec, frozen=True, kw_only=True, tag="openai"):
    """A chat model behind an OpenAI-compatible endpoint."""

    offer: Offer
    model: str
    prompt: str
    """What the user's message says; ``$name`` stands for a field of the input."""
    system: str = ""
    base_url: str | None = None
    """None: OpenAI's own."""
    key_env: str | None = None
    parses_json: bool = False
    """Whether the answer is JSON and is the output; else the output is ``{"text": answer}``."""


class McpAgent(_Spec, frozen=True, kw_only=True, tag="mcp"):
    """A tool of an MCP server: at a URL, or a command that speaks over its standard streams."""

    offer: Offer
    tool: str
    url: str | None = None
    argv: tuple[str, ...] = ()
    folder: str | None = None
    """Where the command starts; None: at the root."""
    key_env: str | None = None
    network: bool = False
    """Whether the command asks for the network."""


class A2AAgent(_Spec, frozen=True, kw_only=True, tag="a2a"):
    """An agent that speaks the Agent2Agent protocol."""

    offer: Offer
    url: str
    """Where its card is found."""
    text: str | None = None
    """What to say to it, ``$name`` for a field of the input; None sends the input as data."""
    key_env: str | None = None


AgentSpec: TypeAlias = (
    FunctionAgent | CommandAgent | WasmAgent | HttpAgent | OpenAIAgent | McpAgent | A2AAgent
)


def wants_network(spec: AgentSpec) -> bool:
    """Return whether an agent can do nothing without the network."""
    match spec:
        case FunctionAgent() | CommandAgent():
            return spec.network
        case McpAgent():
            return spec.url is not None or spec.network
        case WasmAgent():
            return False
        case HttpAgent() | OpenAIAgent() | A2AAgent():
            return True


def needs_sandbox(spec: AgentSpec) -> bool:
    """Return whether foreign native code runs on this machine, which rlimits alone cannot contain."""
    match spec:
        case FunctionAgent():
            return spec.file is not None
        case CommandAgent():
            return True
        case McpAgent():
            return spec.url is None
        case WasmAgent() | HttpAgent() | OpenAIAgent() | A2AAgent():
            return False


def is_reusable(spec: AgentSpec) -> bool:
    """Return whether a worker may do a second task; a command's may have left processes behind."""
    return not isinstance(spec, CommandAgent)


def has_session(spec: AgentSpec) -> bool:
    """Return whether a worker holds a session with its service, which is lost when that goes away."""
    return isinstance(spec, McpAgent)


def new_offer(
    capability: str,
    price: str | int,
    *,
    version: int = 1,
    description: str = "",
    input_schema: Schema | None = None,
    output_schema: Schema | None = None,
) -> Offer:
    """Return an offer whose parts have been checked.

    Args:
        price: ``"0.02 AINU"``, or planck.

    Raises:
        DeclarationError: the capability is no name, or the price no amount.
    """
    if len(capability) > 96 or _CAPABILITY.fullmatch(capability) is None:
        raise DeclarationError(
            f"{capability!r} is no capability: one to four words of a-z, 0-9, _ and -, joined by dots"
        )
    try:
        amount = Planck(price) if isinstance(price, int) else parse_amount(price)
    except UsageError as error:
        raise DeclarationError(f"the price of {capability}: {error}") from error
    if amount < 0 or not 0 <= version <= 65_535:
        raise DeclarationError(f"{capability}: price and version are at least 0, version <= 65535")
    return Offer(
        capability=capability,
        price=amount,
        version=version,
        description=" ".join(description.split())[:_MAX_DESCRIPTION],
        input_schema=input_schema,
        output_schema=output_schema,
    )
