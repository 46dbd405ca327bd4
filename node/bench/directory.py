"""``ainur bench directory``: what a query of the local directory costs, by name, by prefix and by text."""

import time
from collections.abc import Callable
from random import Random

import numpy as np

from market.envelope import Opened
from market.hashing import Hash, MessageId, audience_of_topic
from market.identity import AccountId, PublicKey
from market.messages import Announcement, Blob, Capability
from market.units import BlockNumber, Planck, Ppm
from node.bench.report import Report, Table, goal, machine
from routing.directory.entry import Entry
from routing.directory.query import ByName, ByPrefix, ByText, Match, Query
from routing.directory.shelf import Shelf
from routing.directory.texts import Texts
from routing.moment import Millis, Moment
from routing.semantic.embedding import HashingEmbedder
from routing.semantic.nearest import Nearest

__all__ = ["run", "tables"]

SIZES = (1_000, 100_000)
QUERIES = 400
P95_LIMIT_MS = 1.0
RECALL_LIMIT = 0.95
NOW = Moment(BlockNumber(100), Millis(0))
# ruff: noqa: SIM905  # lists of words read better as text
_FIELDS = "text image audio video code data math law bio geo chem news game music web mail".split()
_DEEDS = (
    "summarize translate classify extract clean rank search resize compress transcribe review solve plan"
    " estimate compare merge split convert label detect forecast count sort render caption rewrite"
).split()
_THINGS = (
    "documents contracts pictures recordings tables equations reports invoices letters logs molecules maps"
    " articles photographs songs sentences functions orders receipts measurements portfolios genomes"
    " timetables menus patents transcripts emails spreadsheets slides websites chapters tickets"
).split()
_MANNERS = (
    "quickly carefully offline in German in French in Japanese for engineers for children with sources with"
    " charts within a minute at night in bulk under load without cloud from scans by hand for hospitals"
).split()


def capability_of(rng: Random) -> Capability:
    """Return a capability such as an agent could announce; names follow Zipf's law."""
    fields = [f"{field}.{deed}" for field in _FIELDS for deed in _DEEDS]
    place = min(int(rng.paretovariate(0.7)) - 1, len(fields) - 1)
    name = fields[place]
    words = [
        rng.choice(_DEEDS),
        *rng.sample(_THINGS, 3),
        *rng.sample(_MANNERS, 3),
        str(rng.randint(1, 10**6)),
    ]
    nothing = Blob(hash=Hash(bytes(32)), size=0, media_type="application/json")
    return Capability(
        name=name, version=1, description=" ".join(words), input_schema=nothing,
        output_schema=nothing, typical_price=Planck(rng.randint(1, 10**9)), free_slots=rng.randint(0, 4),
    )  # fmt: skip


def entry_of(rng: Random) -> Entry:
    """Return an agent; nobody looks at its signature here, which is not what is measured."""
    account = AccountId(rng.randbytes(32))
    body = Announcement(
        transport_key=PublicKey(rng.randbytes(32)), transport_proof=None, ttl=600, addresses=(),
        software="bench", load=Ppm(0), capabilities=(capability_of(rng),),
    )  # fmt: skip
    message = Opened(
        id=MessageId(account), sender=account, audience=audience_of_topic("bench"),
        key=PublicKey(account), sequence=1, issued_at=BlockNumber(100), expires_at=BlockNumber(200),
        body=body, raw=b"",
    )  # fmt: skip
    return Entry(message, Millis(0), rng.random(), rng.getrandbits(64))


def _times(work: Callable[[Query], list[Match]], queries: list[Query]) -> Report:
    for query in queries[:20]:
        work(query)
    times, worked, found = [], [], 0
    for query in queries:
        start, busy = time.perf_counter(), time.thread_time()
        found += len(work(query))
        worked.append((time.thread_time() - busy) * 1e3)
        times.append((time.perf_counter() - start) * 1e3)
    p50, p95, p99 = (round(float(np.percentile(times, p)), 4) for p in (50, 95, 99))
    return {
        "p50_ms": p50,
        "p95_ms": p95,
        "p99_ms": p99,
        "cpu_p95_ms": round(float(np.percentile(worked, 95)), 4),
        "found": round(found / len(queries), 1),
    }


def _recall(shelf: Shelf, graph: Nearest, texts: list[str]) -> float | None:
    """Return the share of the true ten nearest that a search through the graph returns."""
    if graph.is_exact:
        return None
    exact = Nearest(HashingEmbedder().dimensions, above=2**62)
    embed = HashingEmbedder().embed
    for entry in shelf:
        [capability] = entry.capabilities
        words = capability.name.replace(".", " ")
        exact.add(embed(f"{words} {words} {capability.description}"), entry.weight, entry.tie)
    hits = total = 0
    for text in texts:
        vector = embed(text)
        true = {round(each.score, 5) for each in exact.search(vector, 10, -1.0)}
        got = {round(each.score, 5) for each in graph.search(vector, 10, -1.0)}
        hits, total = hits + len(true & got), total + len(true)
    return round(hits / total, 4)


def _row(size: int, seed: int) -> list[Report]:
    from routing.directory.book import Directory

    rng = Random(seed)  # noqa: S311  # a benchmark's instance, not a secret
    graph = Nearest(HashingEmbedder().dimensions)
    directory = Directory.__new__(Directory)
    shelf = Shelf(Texts(HashingEmbedder(), graph))
    directory._shelf = shelf  # noqa: SLF001  # filled without a hundred thousand signatures
    start = time.perf_counter()
    for _ in range(size):
        shelf.put(entry_of(rng))
    filled = (time.perf_counter() - start) / size * 1e3
    names = [capability_of(rng).name for _ in range(QUERIES)]
    texts = [" ".join(capability_of(rng).description.split()[:4]) for _ in range(QUERIES)]
    kinds: dict[str, list[Query]] = {
        "name": [ByName(name) for name in names],
        "prefix": [ByPrefix(name.partition(".")[0]) for name in names],
        "text": [ByText(text) for text in texts],
    }
    rows = []
    for kind, queries in kinds.items():
        row = {"agents": size, "query": kind, "put_ms": round(filled, 4)}
        row |= _times(lambda query: directory.find(query, NOW), queries)
        row["exact"] = kind != "text" or graph.is_exact
        row["recall_10"] = _recall(shelf, graph, texts[:100]) if kind == "text" else None
        rows.append(row)
    return rows


def run(seed: int, *, quick: bool) -> Report:
    """Measure each kind of query at each size.

    Args:
        seed: of the agents.
        quick: the small size only.
    """
    rows = [row for size in SIZES[: 1 if quick else None] for row in _row(size, seed)]
    goals = [
        goal(f"query by {row['query']}, {row['agents']:,} agents, p95, ms", row["p95_ms"],
             P95_LIMIT_MS, met=row["p95_ms"] < P95_LIMIT_MS)
        for row in rows
    ]  # fmt: skip
    goals += [
        goal("recall of the ten nearest through the graph", row["recall_10"], RECALL_LIMIT,
             met=row["recall_10"] >= RECALL_LIMIT)
        for row in rows if row["recall_10"] is not None
    ]  # fmt: skip
    return {
        "schema": "ainur/bench/directory/1",
        "seed": seed,
        "machine": machine(),
        "rows": rows,
        "goals": goals,
    }


def tables(report: Report) -> list[Table]:
    """Lay a report out for people."""
    columns = list(report["rows"][0])
    cells = [["-" if row[c] is None else str(row[c]) for c in columns] for row in report["rows"]]
    return [("Queries of the local directory", columns, cells)]
