"""``/metrics``: numbers for Prometheus. Never a label by peer or task: those have no end."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0, generate_latest
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from node.api.view import View
from node.trading import Trading

__all__ = ["registry_of", "routes", "trading_metrics"]


class NodeCollector(Collector):
    """Asks the node's parts when it is asked."""

    def __init__(self, view: View) -> None:
        self._view = view

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics of the node."""
        view = self._view
        gauges: Final = {
            "ainur_peers": ("Connected peers.", len(view.network.peers())),
            "ainur_agents": ("Agents in the directory.", len(view.directory.directory)),
            "ainur_capabilities": ("Different capabilities in it.", len(view.directory.directory.capabilities())),
            "ainur_chain_head": ("Finalised block that was seen last.", view.head.now().block),
            "ainur_chain_current": ("1 while the chain answers.", int(view.head.is_current())),
        }  # fmt: skip
        for name, (text, value) in gauges.items():
            yield GaugeMetricFamily(name, text, value=value)
        heard = CounterMetricFamily(
            "ainur_announcements_heard",
            "Announcements, by what became of them.",
            labels=["outcome"],
        )
        for outcome, count in sorted(view.directory.counts.items()):
            heard.add_metric([outcome], count)
        yield heard
        if view.trading is not None:
            yield from trading_metrics(view.trading)


def trading_metrics(trading: Trading) -> Iterator[Metric]:
    """Yield what a node buys and sells, in numbers."""
    cases = GaugeMetricFamily(
        "ainur_cases",
        "Auctions held, bids made, tasks bought and served, by how far they are.",
        labels=["kind", "phase"],
    )
    held = Counter((key.kind, state.phase.value) for key, state in trading.runner.cases.items())
    for (kind, phase), count in sorted(held.items()):
        cases.add_metric([kind, phase], count)
    yield cases
    yield CounterMetricFamily(
        "ainur_messages_dropped",
        "Messages to other accounts that could not be delivered.",
        value=trading.runner.post.dropped,
    )


def registry_of(view: View) -> CollectorRegistry:
    """Return the node's metrics and its process's."""
    registry = CollectorRegistry()
    registry.register(NodeCollector(view))
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return registry


async def metrics(request: Request) -> Response:
    """Return all metrics as text."""
    body = generate_latest(request.app.state.registry)
    return Response(body, headers={"content-type": CONTENT_TYPE_PLAIN_1_0_0})


routes = [Route("/metrics", metrics)]
