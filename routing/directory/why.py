"""Why an agent is not among the matches: a diagnosis for every one that is missing."""

import difflib
from collections.abc import Iterator
from typing import Final

from market.errors import UsageError as MarketUsageError
from market.identity import AccountId, PeerId, key_from_peer_id
from routing.directory.book import Directory
from routing.directory.entry import Entry
from routing.directory.query import ByName, ByPrefix, ByText, Query
from routing.directory.traces import Absence
from routing.moment import Moment

__all__ = ["why_not_found"]

TOLD: Final = 100
"""Absences named in one answer."""


def why_not_found(
    directory: Directory, query: Query, now: Moment, agent: AccountId | PeerId | None = None
) -> list[Absence]:
    """Say why agents are missing from a query's matches.

    Args:
        directory: that was asked.
        query: what was asked.
        now: our time.
        agent: the one that is missed, by account or by peer; all that are missing if None.

    Returns:
        One diagnosis or more: for an agent that is not missing ``found``, and ``unknown`` where nothing was
        ever heard.
    """
    found = {(m.entry.account, m.capability.name) for m in directory.find(query, now)}
    if agent is None:
        missing = [*_listed(directory, query, now, found), *_traced(directory, query)]
        missing = missing[:TOLD]
        return (
            missing or [] if found or missing else [Absence("unknown", _nobody(directory, query))]
        )
    accounts = [agent] if isinstance(agent, bytes) else _accounts_at(directory, agent, now)
    told: list[Absence] = []
    for account in accounts:
        entry = directory.get(AccountId(account), now)
        if entry is not None:
            told.append(_diagnose(directory, query, entry, found))
        told += [
            Absence(trace.reason, trace.detail, AccountId(account), trace.peer)
            for trace in directory.traces.of(AccountId(account))
            if entry is None or trace.reason == "refused"
        ]
    if told:
        return told
    detail = (
        "no announcement of it was ever heard here: is it running, and connected to this network?"
    )
    if isinstance(agent, bytes):
        return [Absence("unknown", detail, AccountId(agent))]
    return [Absence("unknown", detail, peer=agent)]


def _accounts_at(directory: Directory, peer: PeerId, now: Moment) -> list[AccountId]:
    try:
        key = key_from_peer_id(peer)
    except MarketUsageError:
        return []
    listed = [entry.account for entry in directory.at_peer(key, now)]
    left = [account for account, trace in directory.traces.all() if trace.peer == peer]
    # By default an account is its own transport key, also in what was refused.
    return list(dict.fromkeys([*listed, *left, AccountId(key)]))


def _listed(
    directory: Directory, query: Query, now: Moment, found: set[tuple[AccountId, str]]
) -> Iterator[Absence]:
    for entry in directory.entries(now):
        absence = _diagnose(directory, query, entry, found)
        if absence.reason not in ("found", "other-capability", "dissimilar"):
            yield absence


def _traced(directory: Directory, query: Query) -> Iterator[Absence]:
    for account, trace in directory.traces.all():
        names = trace.capabilities
        if isinstance(query, ByText) or not names or any(_is_asked(query, name) for name in names):
            yield Absence(trace.reason, trace.detail, account, trace.peer)


def _diagnose(
    directory: Directory, query: Query, entry: Entry, found: set[tuple[AccountId, str]]
) -> Absence:
    account, peer = entry.account, entry.peer
    names = [each.name for each in entry.capabilities]
    if any((account, name) in found for name in names):
        return Absence("found", "it is among the matches", account, peer)
    asked = entry.capabilities
    if isinstance(query, ByText):
        near = max((directory.similarity(query.text, entry, name), name) for name in names)
        if near[0] < query.least:
            detail = (
                f"its nearest, {near[1]}, is {near[0]:.2f} like the text, below {query.least:.2f}"
            )
            return Absence("dissimilar", detail, account, peer)
    else:
        asked = tuple(each for each in asked if _is_asked(query, each.name))
        if not asked:
            return Absence("other-capability", f"it has {', '.join(names)}", account, peer)
    refusals = [query.filter.refusal(each) for each in asked]
    if all(refusal is not None for refusal in refusals):
        return Absence("filtered", str(refusals[0]), account, peer)
    detail = f"more than {query.limit} were found; ask for more with a higher limit"
    return Absence("beyond-limit", detail, account, peer)


def _is_asked(query: ByName | ByPrefix, name: str) -> bool:
    if isinstance(query, ByName):
        return name == query.name
    return name == query.prefix or name.startswith(f"{query.prefix}.")


def _nobody(directory: Directory, query: Query) -> str:
    known = directory.capabilities()
    if not known:
        return "no agent was ever heard of here: is the node connected to others?"
    if isinstance(query, ByText):
        return f"none of {len(known)} capabilities is near that text; `ainur agents` lists them"
    asked = query.name if isinstance(query, ByName) else query.prefix
    near = difflib.get_close_matches(asked, sorted(known), n=3, cutoff=0.6)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    return f"nobody has announced {asked}{hint}"
