"""``text.summarize``: the sentences that say most, in their order.

Three ways, each better and slower than the one before: the first sentences; sentences full of the text's
frequent words; and TextRank, which asks which sentences the others agree with.
"""

import math
from collections import Counter
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from node.agents.declaration import Task, agent

__all__ = ["lead", "luhn", "textrank"]

_MAX_SENTENCES: Final = 400
"""TextRank compares each with each; of a longer text it takes the first so many."""
_SHORT_WORD: Final = 3
_HEADING: Final = 6
"""Fewer words than this say nothing by themselves."""
_LAST: Final = 1e9
"""Puts a score behind all others."""
_DAMPING: Final = 0.85

Sentences = Annotated[int, Meta(ge=1, le=50)]


class Text(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be summarised."""

    text: Annotated[str, Meta(min_length=1, max_length=4_000_000)]
    sentences: Sentences = 3


class Summary(msgspec.Struct):
    """The sentences chosen, in their order."""

    summary: str
    sentences: int
    of: int


def _load_sentences() -> None:
    import simplemma  # noqa: F401


def _load_ranking() -> None:
    import networkx as nx
    import scipy.sparse  # noqa: F401  (what PageRank computes with)

    _load_sentences()
    nx.pagerank(nx.path_graph(2))  # what it imports on its first call


def _sentences(text: str) -> list[str]:
    from simplemma import split_sentences

    # A blank line ends a sentence, and the full stop may be missing from a heading.
    return [
        " ".join(sentence.split())
        for paragraph in text.replace("\r\n", "\n").split("\n\n")
        for sentence in split_sentences(paragraph)
        if sentence.strip()
    ]


def _words(sentence: str) -> set[str]:
    from simplemma import simple_tokenizer

    return {w.casefold() for w in simple_tokenizer(sentence) if len(w) > _SHORT_WORD}


def _summary(sentences: list[str], scores: list[float], wanted: int) -> Summary:
    """Choose the sentences with the best scores; headings and the like only where too little else is there."""
    scores = [
        score if len(sentence.split()) >= _HEADING else score - _LAST
        for sentence, score in zip(sentences, scores, strict=True)
    ]
    best = sorted(range(len(scores)), key=lambda i: (-scores[i], i))[:wanted]
    chosen = [sentences[i] for i in sorted(best)]
    return Summary(" ".join(chosen), len(chosen), len(sentences))


@agent(
    capability="text.summarize",
    price="0.001 AINU",
    description="Summarise a text by its first sentences",
    setup=_load_sentences,
)
async def lead(task: Task[Text]) -> Summary:
    """Take the first sentences: right for news, and free."""
    sentences = _sentences(task.input.text)
    return _summary(sentences, [0.0] * len(sentences), task.input.sentences)


@agent(
    capability="text.summarize",
    price="0.003 AINU",
    description="Summarise a text by the sentences that hold its frequent words",
    setup=_load_sentences,
)
async def luhn(task: Task[Text]) -> Summary:
    """Weigh sentences by the frequent words in them.

    Source: H. P. Luhn, The Automatic Creation of Literature Abstracts (1958); the mean over a sentence's
    words is Nenkova and Vanderwende's SumBasic (2005).
    """
    sentences = _sentences(task.input.text)
    words = [_words(sentence) for sentence in sentences]
    counts = Counter(word for each in words for word in each)
    frequent = {word: count for word, count in counts.items() if count > 1}
    scores = [sum(frequent.get(word, 0) for word in each) / (len(each) or 1) for each in words]
    return _summary(sentences, scores, task.input.sentences)


@agent(
    capability="text.summarize",
    price="0.008 AINU",
    description="Summarise a text by TextRank: the sentences that the others agree with",
    setup=_load_ranking,
)
async def textrank(task: Task[Text]) -> Summary:
    """Rank sentences by PageRank over what they have in common.

    Source: R. Mihalcea and P. Tarau, TextRank: Bringing Order into Texts (2004), section 4.
    """
    import networkx as nx

    sentences = _sentences(task.input.text)
    words = [_words(sentence) for sentence in sentences[:_MAX_SENTENCES]]
    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(range(len(words)))
    for i, mine in enumerate(words):
        for j in range(i):
            common = len(mine & words[j])
            if common:
                # log(1 + n): the paper's log(n) is zero for a sentence of one word.
                weight = common / (math.log1p(len(mine)) + math.log1p(len(words[j])))
                graph.add_edge(i, j, weight=weight)
        if i % 50 == 49:
            await task.progress(0.8 * i / len(words), "comparing sentences")
    ranks = nx.pagerank(graph, alpha=_DAMPING) if words else {}
    scores = [ranks.get(i, 0.0) for i in range(len(sentences))]
    return _summary(sentences, scores, task.input.sentences)
