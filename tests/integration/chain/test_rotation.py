"""Rotating an agent's operator key, on the real runtime."""

import json
from pathlib import Path
from typing import Any

import pytest
import trio
from click.testing import CliRunner

from chain.calls.frame import TransferKeepAlive
from chain.client import Chain, open_chain
from chain.signing import development_signer, signer_from_identity
from chain.stored import MemoryStore
from market.identity import AccountId, Identity, ss58_from_account
from market.units import parse_amount
from node.cli import cli
from node.keystore.development import development_seed
from node.keystore.errors import RotationError
from node.keystore.passphrase import VARIABLE
from node.keystore.rotation import register_agent, rotate_operator
from tests.integration.chain.conftest import QUICK, QUICK_SUBMISSION
from tests.support.backends import Backend

pytestmark = [pytest.mark.integration, pytest.mark.chain]

DAVE = Identity.from_seed(development_seed("Dave"))
NEW, NEWER, COLD = (Identity.from_seed(bytes([n]) * 32) for n in (1, 2, 3))


def connect(backend: Backend) -> Any:
    return open_chain(
        backend.url, MemoryStore(), patience=QUICK, submission_patience=QUICK_SUBMISSION
    )


async def operator(chain: Chain, agent: AccountId) -> bytes | None:
    record = await chain.queries.agent(agent)
    return None if record is None else record.operator_at((await chain.finalized()).number)


async def test_a_rotation_takes_effect_after_the_delay_and_asking_again_is_harmless(
    backend: Backend,
) -> None:
    dave = signer_from_identity(DAVE)
    async with connect(backend) as chain:
        assert await chain.is_development()
        with pytest.raises(RotationError, match="not registered"):
            await rotate_operator(chain, DAVE.account, NEW, dave)
        assert await register_agent(chain, dave, None)
        assert not await register_agent(chain, dave, None)
        with pytest.raises(RotationError, match="cannot be changed"):
            await register_agent(chain, dave, COLD.account)

        first = await rotate_operator(chain, DAVE.account, NEW, dave)
        delay = (await chain.queries.registry_params()).rotation_delay
        assert first.now + delay == first.effective_at
        assert not first.is_effective
        assert await operator(chain, DAVE.account) == DAVE.key
        again = await rotate_operator(chain, DAVE.account, NEW, dave)
        assert again.effective_at == first.effective_at

        with pytest.raises(RotationError, match=f"block {first.effective_at}"):
            await rotate_operator(chain, DAVE.account, NEWER, dave)

        await backend.advance(delay)
        assert await operator(chain, DAVE.account) == NEW.key
        assert (await rotate_operator(chain, DAVE.account, NEW, dave)).is_effective
        with pytest.raises(RotationError, match="never accepted again"):
            await rotate_operator(chain, DAVE.account, DAVE, dave)


async def test_the_cold_key_replaces_a_pending_rotation(backend: Backend) -> None:
    dave = signer_from_identity(DAVE)
    cold = signer_from_identity(COLD)
    async with connect(backend) as chain:
        fund = TransferKeepAlive(COLD.account, parse_amount("10 AINU"))
        await chain.submit("fund", fund, development_signer("Alice"))
        await register_agent(chain, dave, COLD.account)
        await rotate_operator(chain, DAVE.account, NEW, dave)
        await rotate_operator(chain, DAVE.account, NEWER, cold)
        params = await chain.queries.registry_params()
        await backend.advance(params.cold_rotation_delay)
        assert await operator(chain, DAVE.account) == NEWER.key


async def test_the_command_registers_rotates_and_keeps_the_new_key(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "secret")
    folder = str(tmp_path / "keys")

    async def run(*arguments: str) -> dict[str, Any]:
        line = ["keys", *arguments, "--keystore", folder, "--json"]
        # The chain is served by this loop, so the command runs beside it.
        result = await trio.to_thread.run_sync(lambda: CliRunner().invoke(cli, line))
        assert result.exit_code == 0, result.output
        shown: dict[str, Any] = json.loads(result.stdout)
        return shown

    await run("import", "dave", "--dev", "Dave")
    on = ["--chain", backend.url]
    assert (await run("register", "dave", *on))["registered"] is True
    first = await run("rotate", "dave", "--to", "dave-2", *on)
    assert not first["effective"]
    assert (await run("rotate", "dave", "--to", "dave-2", *on))["effective_at"] == first[
        "effective_at"
    ]
    shown = await run("show", "dave-2")
    assert shown["account"] == ss58_from_account(DAVE.account)
    assert shown["peer_id"] == first["new_peer_id"]
    await backend.advance(first["effective_at"] - first["now"])
    assert (await run("rotate", "dave-2", "--to", "dave-2", *on))["effective"] is True
