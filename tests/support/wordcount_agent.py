"""An agent that counts words, and takes as long as it is told."""

import asyncio
from typing import Any

from ainur import agent


@agent(
    capability="text.wordcount",
    price="0.02 AINU",
    input_schema={"type": "object", "required": ["text"]},
)
async def wordcount(task: Any) -> dict[str, int]:
    """Count the words of a text."""
    await task.progress(0.5)
    await asyncio.sleep(task.input.get("seconds", 0))
    return {"words": len(task.input["text"].split())}
