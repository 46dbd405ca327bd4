"""The same tasks on the runtime itself and on its mirror: the same history, word for word."""

import pytest

from node.simulation.batch import same_on_both
from node.simulation.tasks import Mode

pytestmark = [pytest.mark.integration, pytest.mark.chain, pytest.mark.timeout(900)]


@pytest.mark.parametrize("part", range(5))
@pytest.mark.parametrize("mode", ["safety", "liveness"])
def test_runtime_and_mirror_agree_on_whole_tasks(mode: Mode, part: int) -> None:
    """Each block's calls, refusals and all that the parties do of them are in the digest."""
    ended = 0
    for seed in range(part * 20, (part + 1) * 20):
        on_runtime, on_mirror = same_on_both(seed, mode)
        assert on_runtime == on_mirror
        assert on_runtime.violations == ()
        ended += len(on_runtime.ends)
    assert ended > 3
