"""``code.format``: source text as its language's formatter writes it, by ruff."""

import asyncio
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from node.agents.declaration import Task, agent
from node.agents.errors import InputError

__all__ = ["formatted", "tidied"]

_RULES: Final = "F401,I,UP,C4,SIM,PIE,RSE,RET505"
"""Unused imports, their order, and older ways of writing: fixes that ruff calls safe."""


class Code(msgspec.Struct, forbid_unknown_fields=True):
    """Python source, and how it is to be laid out."""

    code: Annotated[str, Meta(max_length=2_000_000)]
    line_length: Annotated[int, Meta(ge=40, le=320)] = 88


class Formatted(msgspec.Struct):
    """The same program."""

    code: str
    changed: bool


@agent(
    capability="code.format",
    price="0.001 AINU",
    description="Lay out Python source as ruff format does",
)
async def formatted(task: Task[Code]) -> Formatted:
    """Lay it out."""
    code = await _format(task.input.code, task.input.line_length)
    return Formatted(code, code != task.input.code)


@agent(
    capability="code.format",
    price="0.003 AINU",
    description="Lay out Python source, sort its imports, drop unused ones, and modernise it safely",
)
async def tidied(task: Task[Code]) -> Formatted:
    """Mend what can be mended safely, then lay it out."""
    length = task.input.line_length
    mended = await _ruff(
        ["check", "--fix-only", "--quiet", "--exit-zero", "--select", _RULES],
        await _format(task.input.code, length),  # a syntax error is named before anything is mended
        length,
    )
    code = await _format(mended, length)
    return Formatted(code, code != task.input.code)


async def _format(code: str, length: int) -> str:
    return await _ruff(["format", "--quiet"], code, length)


async def _ruff(arguments: list[str], code: str, length: int) -> str:
    from ruff import find_ruff_bin

    process = await asyncio.create_subprocess_exec(
        *(find_ruff_bin(), *arguments, "--isolated", "--no-cache"),
        *("--line-length", str(length), "--stdin-filename", "code.py", "-"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await process.communicate(code.encode())
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode != 0:
        raise InputError(f"ruff cannot read this: {err.decode(errors='replace').strip()[:1000]}")
    return out.decode()
