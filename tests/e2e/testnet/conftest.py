"""One town for all scenarios of a file."""

from collections.abc import Iterator

import pytest

from tests.support.runtime import runtime_code
from tests.support.towns import SELLERS, Town, open_town


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A testnet whose buyer knows all sellers, and whose money is counted."""
    runtime_code()  # skips where there is none
    with open_town(tmp_path_factory.mktemp("town")) as running:
        running.until_known(len(SELLERS))
        yield running
