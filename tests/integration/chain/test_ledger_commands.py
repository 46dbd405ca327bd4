"""``ainur escrow``, ``reputation``, ``bond`` and ``dispute``, on the real runtime."""

import json
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from click.testing import CliRunner, Result

from chain.calls import escrow, registry, reputation
from chain.client import Chain, open_chain
from chain.signing import Signer, development_signer
from chain.stored import MemoryStore
from chain.units import Roles
from market.escrow.record import Reason
from market.identity import AccountId, ss58_from_account
from market.offer import offer_payload
from market.standing import EscrowId
from market.units import AINU, Planck
from node.cli import cli
from node.keystore.passphrase import VARIABLE
from tests.integration.chain.conftest import QUICK, QUICK_SUBMISSION
from tests.integration.chain.test_client import ALICE, DAVE, ONE, PRICE, offer
from tests.support.backends import Backend

pytestmark = [pytest.mark.integration, pytest.mark.chain]

FERDIE = development_signer("Ferdie", "ed25519")


def named(signer: Signer) -> str:
    return ss58_from_account(signer.account)


class Commands:
    """The command line, beside a chain that is served by this loop."""

    def __init__(self, url: str, keys: Path) -> None:
        self._on, self._keys = ["--chain", url], ["--keystore", str(keys)]

    async def run(self, *arguments: object) -> Result:
        line = [*map(str, arguments), *self._on]
        if arguments[:2] in {("bond", "add"), ("bond", "remove"), ("bond", "withdraw"), ("dispute", "rule")}:  # fmt: skip
            line += self._keys
        return await trio.to_thread.run_sync(lambda: CliRunner().invoke(cli, line))

    async def text(self, *arguments: object) -> str:
        done = await self.run(*arguments)
        assert done.exit_code == 0, done.output
        return done.stdout

    async def json(self, *arguments: object) -> dict[str, Any]:
        shown: dict[str, Any] = json.loads(await self.text(*arguments, "--json"))
        assert shown["version"] == 1
        return shown

    async def refused(self, *arguments: object) -> str:
        done = await self.run(*arguments)
        assert (done.exit_code, done.stdout) == (1, ""), done.output
        return done.stderr

    async def keep(self, *names: str) -> None:
        for name in names:
            line = ["keys", "import", name.lower(), "--dev", name, *self._keys]
            done = await trio.to_thread.run_sync(lambda line=line: CliRunner().invoke(cli, line))
            assert done.exit_code == 0, done.output


@pytest.fixture
async def commands(backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    monkeypatch.setenv(VARIABLE, "secret")
    monkeypatch.setenv("AINUR_HOME", str(tmp_path / "home"))
    return Commands(backend.url, tmp_path / "keys")


def connect(backend: Backend) -> Any:
    return open_chain(
        backend.url, MemoryStore(), patience=QUICK, submission_patience=QUICK_SUBMISSION
    )


async def deliver(
    chain: Chain, task: bytes, arbiter: AccountId | None, reason: Reason | None
) -> EscrowId:
    """Have Dave deliver something to Alice, who disputes it if there is a reason."""
    if not (await chain.queries.standing(DAVE.account)).active:
        register = registry.Register(None, None, ONE, ONE, Roles.NONE)
        await chain.submit("register", register, DAVE)
        await chain.submit("bond", reputation.Bond(Planck(100 * AINU)), DAVE)
    now = (await chain.finalized()).number
    made = attrs.evolve(offer(await chain.genesis(), now, task), arbiter=arbiter)
    opening = escrow.OpenWithOffer(made, DAVE.sign(offer_payload(made)))
    await chain.submit(f"open {task!r}", opening, ALICE)
    entry = await chain.queries.task(ALICE.account, made.task_id)
    assert entry is not None
    await chain.submit(f"deliver {task!r}", escrow.Deliver(entry.escrow, ONE), DAVE)
    if reason is not None:
        dispute = escrow.Dispute(entry.escrow, reason, ONE)
        await chain.submit(f"dispute {task!r}", dispute, ALICE)
    return entry.escrow


async def test_an_escrow_is_listed_for_both_sides_and_shown_with_who_may_act_until_when(
    backend: Backend, commands: Commands
) -> None:
    assert (await commands.json("escrow", "list", "--all"))["escrows"] == []
    assert "no open escrows" in await commands.text("escrow", "list", "--account", named(ALICE))
    async with connect(backend) as chain:
        number = await deliver(chain, b"one", None, None)
        record = await chain.queries.escrow(number)
        assert record is not None
        for whose in (["--all"], ["--account", named(ALICE)], ["--account", named(DAVE)]):
            [row] = (await commands.json("escrow", "list", *whose))["escrows"]
            assert (row["escrow"], row["state"], row["price"]) == (number, "Delivered", str(PRICE))
        assert (await commands.json("escrow", "list", "--account", named(FERDIE)))["escrows"] == []
        shown = await commands.json("escrow", "show", number)
        turns = {each["call"]: each for each in shown["escrow"]["turns"]}
        assert turns["release"]["account"] == named(ALICE)
        assert turns["release"]["until"] == record.deadline
        assert turns["claim_timeout"] == {
            "who": "anyone", "account": None, "call": "claim_timeout",
            "since": record.deadline + 1, "until": None,
        }  # fmt: skip
        text = await commands.text("escrow", "show", number)
        assert f"requester ({named(ALICE)[:8]}…) may release until block {record.deadline}" in text
        assert "then it is paid, as if released" in text
        assert str(record.deadline) in await commands.text("escrow", "list", "--all")

        await chain.submit("release", escrow.Release(number), ALICE)
        assert (await commands.json("escrow", "list", "--all"))["escrows"] == []
        [over] = (await commands.json("escrow", "list", "--all", "--ended"))["escrows"]
        assert (over["state"], over["is_open"], over["after_deadline"]) == ("Released", False, None)
        assert "Released" in await commands.text("escrow", "show", number)
    assert "there is no escrow 99" in await commands.refused("escrow", "show", 99)
    assert "whose?" in await commands.refused("escrow", "list")
    assert "'nobody' is no account" in await commands.refused("escrow", "list", "--account", "nobody")  # fmt: skip


async def test_an_escrow_whose_time_is_up_says_what_a_claim_makes_of_it(
    backend: Backend, commands: Commands
) -> None:
    async with connect(backend) as chain:
        number = await deliver(chain, b"late", None, None)
        await backend.advance(40)
    row = (await commands.json("escrow", "show", number))["escrow"]
    assert row["is_late"]
    text = await commands.text("escrow", "show", number)
    assert "too late" in text
    assert "anyone may claim_timeout now: then it is paid, as if released" in text
    assert "over: claim_timeout" in await commands.text("escrow", "list", "--all")


async def test_the_named_arbiter_rules_with_its_own_key_and_only_once(
    backend: Backend, commands: Commands
) -> None:
    assert "nothing is disputed" in await commands.text("dispute", "list")
    async with connect(backend) as chain:
        number = await deliver(chain, b"wrong", FERDIE.account, Reason.RESULT_WRONG)
        for whose in ([], ["--account", named(FERDIE)], ["--account", named(ALICE)]):
            [row] = (await commands.json("dispute", "list", *whose))["disputes"]
            assert row["dispute"]["reason"] == "ResultWrong"
            assert row["arbiter"] == named(FERDIE)
        assert "ResultWrong" in await commands.text("dispute", "list")
        assert "arbiter" in await commands.text("escrow", "show", number)

        assert "is not in" in await commands.refused("dispute", "rule", number, "--to", "provider")
        await commands.keep("Ferdie", "Eve")
        wrong = await commands.refused("dispute", "rule", number, "--share", "60", "--key", "eve")
        assert "Escrow.NotAllowed" in wrong
        planned = await commands.json("dispute", "rule", number, "--share", "60%", "--dry-run")
        assert (planned["dry_run"], planned["provider_bps"]) == (True, 6_000)
        assert planned["escrow"]["state"] == "Disputed"
        assert "would rule" in await commands.text("dispute", "rule", number, "--to", "requester", "--dry-run")  # fmt: skip

        ruled = await commands.json("dispute", "rule", number, "--share", "60%")
        assert (ruled["by"], ruled["escrow"]["state"]) == (named(FERDIE), "Ruled")
        assert ruled["escrow"]["ruling_bps"] == 6_000
        record = await chain.queries.escrow(number)
        assert record is not None
        assert (record.ruling, str(record.paid)) == (6_000, ruled["escrow"]["paid"])
    assert "it is Ruled" in await commands.refused("dispute", "rule", number, "--to", "provider")
    assert "no such escrow" in await commands.refused("dispute", "rule", 99, "--to", "provider")


async def test_what_nobody_was_named_for_is_ruled_by_root(
    backend: Backend, commands: Commands
) -> None:
    async with connect(backend) as chain:
        number = await deliver(chain, b"nobody", None, Reason.RESULT_WITHHELD)
        ruled = await commands.json("dispute", "rule", number, "--to", "requester")
        assert (ruled["by"], ruled["escrow"]["ruling_bps"]) == ("root", 0)


async def test_a_bond_is_made_raised_and_taken_out_again(
    backend: Backend, commands: Commands
) -> None:
    await commands.keep("Dave")
    mine = ["--key", "dave"]
    assert "100 AINU at least" in await commands.refused("bond", "add", "99 AINU", *mine)
    async with connect(backend) as chain:
        register = registry.Register(None, None, ONE, ONE, Roles.NONE)
        await chain.submit("register", register, DAVE)
        planned = await commands.json("bond", "add", "100 AINU", "--dry-run", *mine)
        assert (planned["call"], planned["standing"]["bond"]) == ("Reputation.bond", "0")
        assert not (await chain.queries.standing(DAVE.account)).active

        made = await commands.json("bond", "add", "100 AINU", *mine)
        assert made["standing"]["bond"] == str(100 * AINU)
        more = await commands.json("bond", "add", "20 AINU", *mine)
        assert (more["call"], more["standing"]["bond"]) == (
            "Reputation.bond_extra",
            str(120 * AINU),
        )
        assert "only 120 AINU are bonded" in await commands.refused("bond", "remove", "121 AINU", *mine)  # fmt: skip
        assert "comes first" in await commands.refused("bond", "withdraw", *mine)

        less = await commands.json("bond", "remove", "15 AINU", *mine)
        assert less["standing"]["bond"] == str(105 * AINU)
        [chunk] = less["standing"]["unlocking"]
        assert chunk["amount"] == str(15 * AINU)
        assert f"{chunk['at']}" in await commands.text("bond", "show", named(DAVE))
        assert "NothingToWithdraw" in await commands.refused("bond", "withdraw", *mine)
        await backend.advance(chunk["at"] - less["block"] + 1)
        assert "free now" in await commands.text("bond", "show", named(DAVE))
        out = await commands.json("bond", "withdraw", *mine)
        assert out["standing"]["unlocking"] == []
        assert int(out["standing"]["free"]) > int(less["standing"]["free"])


async def test_standings_are_shown_and_ranked_by_what_they_count_for(
    backend: Backend, commands: Commands
) -> None:
    async with connect(backend) as chain:
        number = await deliver(chain, b"paid", None, None)
        await chain.submit("release", escrow.Release(number), ALICE)
        record = await chain.queries.standing(DAVE.account)
        shown = (await commands.json("reputation", "show", named(DAVE)))["standing"]
        assert shown["score"] * 1_000 == record.score
        assert (shown["effective"], shown["settled"]) == (record.effective, 1)
        assert "settled:   1 escrows" in await commands.text("reputation", "show", named(DAVE))
        ranked = await commands.json("reputation", "top", "--limit", 2)
        assert ranked["known"] == len(await chain.queries.standings())
        assert len(ranked["standings"]) == 2
        assert ranked["standings"][0]["account"] == named(DAVE)  # the only one that settled any
    newcomer = (await commands.json("reputation", "show", named(FERDIE)))["standing"]
    assert (newcomer["bond"], newcomer["may_take_on_work"]) == ("0", False)
    assert named(DAVE) in await commands.text("reputation", "top")


async def test_nonsense_is_refused_before_the_chain_is_asked(commands: Commands) -> None:
    for line in (
        ("escrow", "show", "-1"), ("escrow", "show", "x"), ("escrow", "show", 2**64),
        ("dispute", "rule", 0), ("dispute", "rule", 0, "--to", "both"),
        ("dispute", "rule", 0, "--share", "101%"), ("dispute", "rule", 0, "--share", "nan"),
        ("dispute", "rule", 0, "--share", "1", "--to", "provider"),
        ("bond", "add", "0 AINU"), ("bond", "add", "much"), ("bond", "remove", "-1 AINU"),
        ("reputation", "top", "--limit", 0),
        ("escrow", "list", "--all", "--account", "x"),
    ):  # fmt: skip
        assert (await commands.run(*line)).exit_code == 2, line


async def test_a_chain_that_is_not_there_is_said(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.cli.on_chain.READ_SECONDS", 0.3)
    nowhere = Commands("ws://127.0.0.1:9", Path("/nonexistent"))
    assert "ws://127.0.0.1:9" in await nowhere.refused("reputation", "top")
    odd = Commands("http://127.0.0.1:9", Path("/nonexistent"))
    assert "is not like ws://" in await odd.refused("reputation", "top")
