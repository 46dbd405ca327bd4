"""A pytest fixture for tests of your own pallets: ``devchain``.

::

    def test_a_transfer_arrives(devchain):
        devchain.submit(signed_transfer)
        devchain.build()
        assert devchain.query("Balances", "Account", bob)["free"] == ...

Which runtime it runs is said by the first of: the fixture ``devchain_runtime`` (override it in your
``conftest.py``), the option ``--devchain-runtime``, the setting ``devchain_runtime`` in pytest's
configuration, and, where this distribution brings a runtime, that one.

Every test gets a chain of its own: a fork of one that is opened once a session. Everything is imported when
the fixture is first used; a test run that never asks for it pays nothing.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from chain.devchain.chain import DevChain

__all__ = ["devchain", "devchain_runtime", "devchain_session"]

_BUNDLED = Path(__file__).parent.parent / "devnet" / "ainur_runtime.compact.compressed.wasm"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the option and the setting."""
    text = "the FRAME runtime's wasm that the devchain fixture runs"
    parser.addoption("--devchain-runtime", default=None, help=text)
    parser.addini("devchain_runtime", text, default="")


@pytest.fixture(scope="session")
def devchain_runtime(request: pytest.FixtureRequest) -> Path:
    """Return the file of the runtime that the chain runs; override it to bring your own."""
    config = request.config
    option = config.getoption("--devchain-runtime")
    if option:
        return Path(option)
    setting = config.getini("devchain_runtime")
    if setting:
        return config.rootpath / str(setting)
    if _BUNDLED.is_file():
        return _BUNDLED
    raise pytest.UsageError(
        "the devchain fixture needs a runtime: pass --devchain-runtime FILE, set devchain_runtime"
        " in pytest's configuration, or override the fixture devchain_runtime"
    )


@pytest.fixture(scope="session")
def devchain_session(devchain_runtime: Path) -> "Iterator[DevChain]":
    """Yield the chain that every test's own is a fork of; not for use in tests."""
    from chain.devchain.chain import DevChain

    with DevChain.open(devchain_runtime) as chain:
        chain.build()  # so that block 0's hash is on the chain, which extrinsics sign over
        yield chain


@pytest.fixture
def devchain(devchain_session: "DevChain") -> "Iterator[DevChain]":
    """Yield a dev chain at block 1, of this test's own."""
    chain = devchain_session.fork()
    yield chain
    chain.close()
