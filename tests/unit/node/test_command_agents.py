"""Programs as agents: what a program does that ends at once."""

import asyncio

from node.agents.kinds.command import _exit_of


def test_a_program_that_has_ended_before_anybody_looks_has_ended() -> None:
    async def run() -> int:
        process = await asyncio.create_subprocess_exec("/bin/false")
        status = await process.wait()
        await asyncio.wait_for(_exit_of(process), 60)
        return status

    assert asyncio.run(run()) == 1
