"""``ainur dispute``: what is disputed, and the arbiter's word."""

from typing import TYPE_CHECKING, Any, Final

import click

from chain.calls import Call
from chain.calls.escrow import Rule
from chain.calls.frame import Sudo
from chain.units import BasisPoints
from market.escrow.record import Escrow, State
from market.identity import AccountId, ss58_from_account
from market.standing import EscrowId
from market.units import format_amount
from node.cli.chain_keys import KeyChoice, find_key, key_options, signer_of
from node.cli.chain_options import dry_run_option
from node.cli.errors import NotNowError
from node.cli.escrow import NUMBER
from node.cli.on_chain import Place, on_chain, place_option
from node.cli.output import guarded, json_option, print_json
from node.keystore.errors import KeystoreError

if TYPE_CHECKING:
    from chain.client import Chain
    from chain.signing import Signer
    from node.cli.escrow_rows import Snapshot

__all__ = ["group"]

WHOLE: Final = 10_000
"""Basis points of all that is disputed."""
CONTESTED: Final = (State.DISPUTED, State.ESCALATED)
ROOT: Final = "Alice"
"""Whose public secret is the root key of a development chain."""


@click.group()
def group() -> None:
    """Disputes on the chain: list them, and rule as their arbiter."""


@group.command("list")
@click.option("--account", metavar="ACCOUNT", help="Those in which this account is a party, or the arbiter.")  # fmt: skip
@place_option
@json_option
def list_(place: Place, account: str | None, as_json: bool) -> None:
    """List what is disputed and not ruled upon yet, of everybody."""
    whose = None if account is None else place.account(account)

    async def work(chain: "Chain") -> "tuple[Snapshot, list[dict[str, Any]]]":
        from node.cli.escrow_rows import read_snapshot, row_of

        at = await read_snapshot(chain)
        found = await chain.queries.at(at.hash).escrows()
        return at, [
            row_of(number, record, at)
            for number, record in sorted(found.items())
            if record.state in CONTESTED
            and (whose is None or whose in (record.requester, record.provider, record.arbiter))
        ]

    at, rows = on_chain(place.url, work)
    if as_json:
        print_json({"chain": place.url, **at.to_json(), "disputes": rows})
    elif rows:
        _show(rows, at)
    else:
        click.echo("nothing is disputed")


def _show(rows: list[dict[str, Any]], at: "Snapshot") -> None:
    from node.cli.api import show_table
    from node.cli.moments import in_blocks

    show_table(
        ["escrow", "state", "about", "by", "reason", "arbiter", "until", "then"],
        [
            [
                str(row["escrow"]),
                row["state"],
                format_amount(int(row["dispute"]["amount"])),
                row["dispute"]["by"],
                row["dispute"]["reason"],
                _asked(row),
                "over" if row["is_late"] else in_blocks(row["deadline"], at.now, at.ms_per_block),
                row["after_deadline"] or "",
            ]
            for row in rows
        ],
    )
    click.echo(
        "`ainur escrow show ESCROW` has the rest, `ainur dispute rule ESCROW --to …` decides"
    )


def _asked(row: dict[str, Any]) -> str:
    """Return who is asked: once the named arbiter was silent, the chain's own is."""
    is_named = row["arbiter"] is not None and row["state"] == State.DISPUTED.value
    return f"{row['arbiter'][:8]}…" if is_named else "the chain's own"


def _share(_context: click.Context, _parameter: click.Parameter, text: str | None) -> int | None:
    if text is None:
        return None
    number = text.removesuffix("%")
    try:
        share = float(number) * 100
    except ValueError:
        share = -1.0
    if not 0 <= share <= WHOLE or share != int(share):
        raise click.BadParameter(f"{text!r} is no share: write 0 to 100 %, with at most 2 decimals")
    return int(share)


@group.command()
@click.argument("escrow", type=NUMBER)
@click.option("--to", type=click.Choice(["requester", "provider"]), help="Who gets all of it.")
@click.option("--share", metavar="PERCENT", callback=_share, help="What the provider gets of it, such as 60%.")  # fmt: skip
@dry_run_option
@key_options
@place_option
@json_option
@guarded(KeystoreError)
def rule(
    place: Place, key: KeyChoice, escrow: int, to: str | None, share: int | None, dry_run: bool, as_json: bool
) -> None:  # fmt: skip
    """Rule on the dispute about an ESCROW, with its arbiter's key.

    The arbiter of a testnet has its key in the testnet's folder. Where nobody was named, or the named one stayed
    silent, the chain's root rules: on a development chain its key is everybody's.
    """
    if (to is None) == (share is None):
        raise click.UsageError("say who gets it: --to requester, --to provider, or --share PERCENT")
    part = BasisPoints(share if share is not None else WHOLE if to == "provider" else 0)
    number = EscrowId(escrow)

    async def work(chain: "Chain") -> "tuple[str, Snapshot, dict[str, Any]]":
        from node.cli.escrow_rows import read_snapshot, row_of

        at = await read_snapshot(chain)
        record = await chain.queries.at(at.hash).escrow(number)
        if record is None or record.state not in CONTESTED:
            state = "there is no such escrow" if record is None else f"it is {record.state.value}"
            raise NotNowError(f"escrow {escrow} is not disputed, {state}: see `ainur dispute list`")
        arbiter = None if record.state is State.ESCALATED else record.arbiter
        if dry_run:
            return _name(arbiter), at, row_of(number, record, at)
        signer, call = await _signed_by(chain, place, key, arbiter, Rule(number, part))
        await chain.submit(f"escrow {escrow}: rule", call, signer)
        after = await read_snapshot(chain)
        ruled: Escrow | None = await chain.queries.at(after.hash).escrow(number)
        return _name(arbiter), after, row_of(number, ruled or record, after)

    by, at, row = on_chain(place.url, work)
    gets = f"{part / 100:g} % of {format_amount(int(row['dispute']['amount']))} to the provider"
    if as_json:
        report = {"chain": place.url, **at.to_json(), "provider_bps": part, "by": by}
        print_json({**report, "dry_run": dry_run, "escrow": row})
    elif dry_run:
        click.echo(f"would rule on escrow {escrow} at {place.url}, as {by}: {gets}")
    else:
        click.echo(f"escrow {escrow} is {row['state']}: {gets}, {format_amount(int(row['paid']))} paid in all")  # fmt: skip


def _name(arbiter: AccountId | None) -> str:
    return "root" if arbiter is None else ss58_from_account(arbiter)


async def _signed_by(
    chain: "Chain", place: Place, choice: KeyChoice, arbiter: AccountId | None, ruling: Call
) -> "tuple[Signer, Call]":
    """Return who signs a ruling, and the call as it is made: an arbiter's own, or root's."""
    if arbiter is not None:
        return await signer_of(chain, find_key(choice, place, arbiter), choice), ruling
    if choice.name is not None:
        return await signer_of(chain, find_key(choice, place, None), choice), Sudo(ruling)
    if not await chain.is_development():
        raise NotNowError(
            "this is the chain's root to rule: name its key with --key, where it lies in a keystore"
        )
    from chain.signing import development_signer

    return development_signer(ROOT), Sudo(ruling)
