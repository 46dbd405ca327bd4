"""A pytest fixture: ``testnet``, a whole market of real processes, with faults on demand.

::

    @pytest.mark.testnet(nodes=3)
    def test_the_others_go_on_without_n2(testnet):
        testnet.kill("n2")
        assert testnet.node("n3").state == "running"

Tests that ask for the same testnet share it: it is started once a session, and its faults are mended after each
test. A test that destroys more than that, or needs an untouched chain, says ``@pytest.mark.testnet(fresh=True)``.
``testnet_factory`` makes more of them. What the fixture gives is a :class:`node.testnet.handle.Testnet`.

Everything is imported when the fixture is first used; a test run that never asks for it pays nothing. The testnets
end with the test run, however that ends.
"""

import itertools
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from node.testnet.handle import Testnet

__all__ = ["testnet", "testnet_factory"]

_MARKER = (
    "testnet(nodes=3, seed=None, backend='embedded', windows=None, fresh=False): what the testnet fixture"
    " starts"
)
NODES = 3


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture(scope="session")
def testnet_factory(
    tmp_path_factory: pytest.TempPathFactory,
) -> "Iterator[Callable[..., Testnet]]":
    """Give a function that starts a testnet; all are stopped at the end.

    It takes ``nodes``, ``seed``, ``backend`` and ``windows``, the blocks that the phases of auctions take at most.
    """
    from node.testnet import control
    from node.testnet.errors import NotRunningError
    from node.testnet.handle import Testnet
    from node.testnet.home import folder_of

    numbers = itertools.count(1)
    started: list[Testnet] = []

    def start(
        nodes: int = NODES,
        seed: str | None = None,
        backend: str | None = None,
        windows: tuple[int, int, int] | None = None,
    ) -> Testnet:
        folder = folder_of(f"test-{next(numbers)}", tmp_path_factory.mktemp("testnet") / "t")
        wanted = control.Wanted(
            nodes=nodes, seed=seed, backend=backend, owner=os.getpid(), windows=windows
        )
        control.up(folder, wanted)
        found = Testnet(folder)
        started.append(found)
        return found

    yield start
    for each in started:
        try:
            each.down()
        except NotRunningError:  # the test has done so itself
            continue


@pytest.fixture(scope="session")
def _shared_testnets() -> "dict[str, Testnet]":
    return {}


@pytest.fixture
def testnet(
    request: pytest.FixtureRequest,
    testnet_factory: "Callable[..., Testnet]",
    _shared_testnets: "dict[str, Testnet]",
) -> "Iterator[Testnet]":
    """Yield a running testnet; the marker ``testnet`` says which."""
    from node.testnet.errors import NotRunningError

    marker = request.node.get_closest_marker("testnet")
    options: dict[str, Any] = dict(marker.kwargs) if marker is not None else {}
    if options.pop("fresh", False):
        own = testnet_factory(**options)
        yield own
        try:
            own.down()
        except NotRunningError:
            return
        return
    key = repr(sorted(options.items()))
    if key not in _shared_testnets:
        _shared_testnets[key] = testnet_factory(**options)
    yield _shared_testnets[key]
    _shared_testnets[key].mend()
