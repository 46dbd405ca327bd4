"""Why the API refuses: each reason is one word, stable, with what it means and what to do."""

from typing import Final, Literal

__all__ = ["REASONS", "Reason"]

Reason = Literal[
    "disk", "host", "http", "internal", "method", "no-chain", "no-result", "no-transcript",
    "not-found", "origin", "stopping", "token", "too-large", "usage",
]  # fmt: skip

REASONS: Final[dict[str, tuple[str, str]]] = {
    "disk": ("The node's disk has failed or is full: what was asked has not been done.", "make room, then start the node again: it goes on where it was."),
    "host": ("The request names the node otherwise than 127.0.0.1 or localhost.", "ask by the address that the node prints, without a proxy."),
    "http": ("The request is no HTTP that the node takes.", "ask as the description at /v1/openapi.json says."),
    "internal": ("The node has failed to answer, which is a defect of it.", "report it with the lines of the node's log."),
    "method": ("The path is there, and not by this method.", "ask by the method that /v1/openapi.json says."),
    "no-chain": ("The node is on no chain, so that it can neither buy nor sell.", "start it with --chain URL."),
    "no-result": ("The task has no result here: it was not delivered, or nobody keeps it any more.", "`ainur task show` says how the task stands."),
    "no-transcript": ("The task's auction has no transcript: it is not over, never was, or the chain does not say its facts.", "`ainur auction show` says how far it is."),
    "not-found": ("There is no such thing at this node.", "check the id (`ainur task list`), and that the right node was asked."),
    "origin": ("A web page of somebody else has asked, which no page may.", "use pages that the node itself serves."),
    "stopping": ("The node is being stopped.", "ask again when it runs."),
    "token": ("The token of the node was not shown, or is of an earlier run.", "read it anew from the file `token` in the node's folder."),
    "too-large": ("What was sent is larger than the node takes.", "send less; inputs have at most 32 MiB."),
    "usage": ("What was sent is not what the node takes.", "write it as the message says."),
}  # fmt: skip
"""Meaning and next action, by reason; a test holds both lists together."""
