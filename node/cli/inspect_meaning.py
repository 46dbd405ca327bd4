"""What our own pallets' entries mean, for ``ainur chain inspect``.

The inspector knows no pallet; this does, and is asked only where the runtime is ours.
"""

from collections.abc import Callable
from typing import Any

import attrs

from chain.inspect import describe_agent, describe_escrow
from chain.records.registry import Agent
from chain.values import decode, encode
from market.escrow.params import Params as EscrowParams
from market.escrow.record import Escrow
from market.identity import AccountId, ss58_from_account
from market.reputation.params import Params as ReputationParams
from market.reputation.record import Record
from market.standing import EscrowId
from market.units import BlockNumber

__all__ = ["read_meaning"]

Entries = Callable[[str, str, bool], dict[str, Any]]


def read_meaning(entries: Entries, newcomer: Any, number: int) -> dict[str, list[dict[str, Any]]]:
    """Return agents with bond and score, and escrows with their moves.

    Args:
        entries: reads pallet, item and whether it is a map, as the inspector's report has it.
        newcomer: the standing of an account that has no record.
        number: the block that is looked at.

    Raises:
        MismatchError: the runtime is another version of ours.
    """
    now = BlockNumber(number)
    params = decode(ReputationParams, _parameters(entries, "Reputation"))
    periods = decode(EscrowParams, _parameters(entries, "Escrow"))
    unknown = decode(Record, newcomer)
    standings = {
        each["keys"][0]: decode(Record, each["value"])
        for each in entries("Reputation", "Records", True)["shown"]
    }
    agents = [
        describe_agent(
            decode(AccountId, each["keys"][0]),
            decode(Agent, each["value"]),
            standings.get(each["keys"][0], unknown),
            params,
            now,
        )
        for each in entries("Registry", "Agents", True)["shown"]
    ]
    escrows = [
        describe_escrow(EscrowId(each["keys"][0]), decode(Escrow, each["value"]), periods, now)
        for each in entries("Escrow", "Escrows", True)["shown"]
    ]
    return {
        "agents": [_plain(each) for each in agents],
        "escrows": [_plain(each) for each in sorted(escrows, key=lambda each: each.escrow)],
    }


def _parameters(entries: Entries, pallet: str) -> Any:
    return entries(pallet, "Parameters", False)["shown"][0]["value"]


def _plain(view: Any) -> dict[str, Any]:
    return attrs.asdict(view, value_serializer=lambda _inst, _field, value: _value(value))


def _value(value: Any) -> Any:
    if isinstance(value, bytes):
        return ss58_from_account(AccountId(value))
    return value if isinstance(value, str | tuple | dict) else encode(value)
