"""``ainur auction`` and ``ainur sim auction``: what they print, and their exit codes."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from market.units import AINU
from node.api.client import NoNodeError, RefusedError
from node.cli import auction_source, cli
from node.cli.life import line_of
from node.cli.payment import as_formula, in_words
from node.simulation.cheats import CHEATS


def ainur(*args: object) -> Result:
    result = CliRunner().invoke(cli, [str(arg) for arg in args])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("auctions") / "honest"
    ran = ainur("sim", "auction", "--tasks", 5, "--bidders", 20, "--seed", 7, "--out", path)
    assert ran.exit_code == 0
    assert "No fault found." in ran.stdout
    assert "payment = value -" in ran.stdout
    return path


def test_same_seed_writes_the_same_file(honest: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    ainur("sim", "auction", "--tasks", 5, "--bidders", 20, "--seed", 7, "--out", again, "--json")
    assert again.read_bytes() == honest.read_bytes()


def test_honest_file_verifies_and_says_what_it_was_not_checked_against(honest: Path) -> None:
    text = ainur("auction", "verify", honest)
    assert text.exit_code == 0
    assert "not checked against a chain" in text.stdout
    report = json.loads(ainur("auction", "verify", honest, "--json").stdout)
    assert report["ok"] is True
    assert report["facts_checked_against_chain"] is False


def test_explanation_adds_up(honest: Path) -> None:
    report = json.loads(ainur("auction", "explain", honest, "--json").stdout)
    assert report["method"] == "vcg-assignment"
    assert report["winners"]
    for winner in report["winners"]:
        value, without, others = (
            int(winner[name]) for name in ("value", "welfare_without", "welfare_of_others")
        )
        assert int(winner["payment"]) == value - (without - others)
        assert sum(int(price) for price in winner["prices"]) == int(winner["payment"])
    assert "others without it" in ainur("auction", "explain", honest).stdout


@pytest.mark.parametrize("cheat", sorted(CHEATS))
def test_cheat_is_named_by_the_simulation_and_by_the_verifier(cheat: str, tmp_path: Path) -> None:
    path = tmp_path / "auction"
    ran = ainur(
        "sim", "auction", "--bidders", 6, "--seed", 7, "--cheat", cheat, "--out", path, "--json"
    )
    assert ran.exit_code == 0
    report = json.loads(ran.stdout)
    assert {fault["kind"] for fault in report["faults"]} == {CHEATS[cheat].planted}
    verified = ainur("auction", "verify", path, "--json")
    assert verified.exit_code == 1
    assert json.loads(verified.stdout)["faults"] == report["faults"]
    assert f"FAULT {CHEATS[cheat].planted} by " in ainur("auction", "verify", path).stdout


def test_cheat_without_an_occasion_is_said_and_fails() -> None:
    ran = ainur("sim", "auction", "--bidders", 0, "--cheat", "price")
    assert ran.exit_code == 1
    assert "no occasion to price" in ran.stdout


def test_auction_that_nobody_won_is_explained_as_such(tmp_path: Path) -> None:
    path = tmp_path / "auction"
    ran = ainur("sim", "auction", "--bidders", 0, "--out", path)
    assert ran.exit_code == 0
    assert "Nobody won anything." in ainur("auction", "explain", path).stdout


@pytest.mark.parametrize("command", ["show", "verify", "explain"])
@pytest.mark.parametrize("junk", ["empty", "text", "cut", "zeros", "flipped"])
def test_nonsense_is_one_clear_line(command: str, junk: str, honest: Path, tmp_path: Path) -> None:
    good = honest.read_bytes()
    path = tmp_path / "junk"
    path.write_bytes(
        {
            "empty": b"",
            "text": b"hello\nworld",
            "cut": good[:-1],
            "zeros": bytes(100_000),
            "flipped": good[:-70] + bytes([good[-70] ^ 1]) + good[-69:],
        }[junk]
    )
    result = ainur("auction", command, path)
    if junk == "flipped" and result.exit_code != 2:
        return  # the flip fell into evidence, which is skipped where it does not open
    assert result.exit_code == 2
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1
    assert "is not the file of an auction" in result.stderr


def test_missing_file_and_folder_are_usage_errors(tmp_path: Path) -> None:
    for path in (tmp_path / "absent", tmp_path):
        assert ainur("auction", "verify", path).exit_code == 2


def test_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    ran = ainur("sim", "auction", "--bidders", 1, "--out", tmp_path / "no" / "such" / "place")
    assert ran.exit_code == 1
    assert "cannot be written" in ran.stderr


TASK = "0x" + "ab" * 32


class FakeNode:
    """A node that has one task, and its auction's file once that is over."""

    def __init__(self, file: bytes | None, chain: str | None = None) -> None:
        self._file, self._chain = file, chain

    def bytes_of(self, path: str) -> bytes:
        assert path == f"/v1/tasks/{TASK}/auction"
        if self._file is None:
            raise RefusedError("no-transcript", "the node refuses: its auction is not over")
        return self._file

    def get(self, path: str) -> dict[str, Any]:
        if path == "/v1/status":
            return {"chain": {"url": self._chain}}
        assert path == f"/v1/tasks/{TASK}"
        steps = [
            {"kind": "submitted", "block": 3, "capability": "a.b", "budget": "5"},
            {"kind": "called", "block": 4, "to": ["5Grw"], "close_block": 9},
        ]
        return {"task": {}, "events": steps}


def serve(monkeypatch: pytest.MonkeyPatch, node: FakeNode) -> None:
    monkeypatch.setattr(auction_source, "connect", lambda _folder: node)


def test_a_task_of_a_node_is_shown_verified_and_explained_like_its_file(
    honest: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    serve(monkeypatch, FakeNode(honest.read_bytes()))
    for command in ("show", "verify", "explain"):
        by_task = ainur("auction", command, TASK, "--data-dir", tmp_path, "--json")
        assert by_task.exit_code == 0
        assert by_task.stdout == ainur("auction", command, honest, "--json").stdout
    bare = ainur("auction", "explain", TASK.removeprefix("0x"), "--data-dir", tmp_path)
    assert bare.exit_code == 0


def test_what_is_shown_is_what_was_called_bid_and_awarded(honest: Path) -> None:
    report = json.loads(ainur("auction", "show", honest, "--json").stdout)
    explained = json.loads(ainur("auction", "explain", honest, "--json").stdout)
    assert report["schema"] == "ainur/auction/show/1"
    assert len(report["tasks"]) == 5
    assert len(report["bids"]) == 20
    for bid in report["bids"]:
        assert report["facts_block"] <= bid["committed"] <= report["close_block"]
        assert bid["is_revealed"] == bool(bid["prices"] or bid["bundles"])
    won = {
        (line["task"], line["provider"], line["price"]) for line in report["rounds"][-1]["awards"]
    }
    assert won == {
        (task, winner["provider"], price)
        for winner in explained["winners"]
        for task, price in zip(winner["tasks"], winner["prices"], strict=True)
    }
    text = ainur("auction", "show", honest).stdout
    for task, provider, _price in won:
        assert provider[:12] in text
        assert report["tasks"][task]["task"][:18] in text


def test_an_auction_that_is_not_over_is_shown_as_far_as_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    serve(monkeypatch, FakeNode(None))
    text = ainur("auction", "show", TASK, "--data-dir", tmp_path)
    assert text.exit_code == 0
    assert "bids close after block 9" in text.stdout
    assert "at most" not in text.stdout  # that is the task's life, not its auction's
    assert "its auction is not over" in text.stdout
    report = json.loads(ainur("auction", "show", TASK, "--data-dir", tmp_path, "--json").stdout)
    assert report["is_over"] is False
    assert [step["kind"] for step in report["steps"]] == ["called"]
    for command in ("verify", "explain"):
        refused = ainur("auction", command, TASK, "--data-dir", tmp_path)
        assert refused.exit_code == 2
        assert "its auction is not over" in refused.stderr


def test_a_task_is_checked_against_the_chain_of_its_node(
    honest: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from node.cli import auction

    asked: list[str] = []

    def with_facts_from(url: str, contents: Any) -> Any:
        asked.append(url)
        return contents, ()

    monkeypatch.setattr(auction, "_with_facts_from", with_facts_from)
    serve(monkeypatch, FakeNode(honest.read_bytes(), "ws://127.0.0.1:1"))
    checked = ainur("auction", "verify", TASK, "--data-dir", tmp_path)
    assert "read from the chain" in checked.stdout
    ainur("auction", "verify", TASK, "--data-dir", tmp_path, "--chain", "ws://127.0.0.1:2")
    assert asked == ["ws://127.0.0.1:1", "ws://127.0.0.1:2"]


def test_what_is_neither_file_nor_task_is_refused_before_any_node_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def connect(_folder: object) -> FakeNode:
        raise AssertionError("nobody is to be asked")

    monkeypatch.setattr(auction_source, "connect", connect)
    for nonsense in ("", "0x", "ab", "ab" * 33, "no-such-file", "\N{SNOWMAN}"):
        refused = ainur("auction", "show", nonsense)
        assert refused.exit_code == 2
        assert "ainur task list" in " ".join(refused.stderr.split()) or "folder" in refused.stderr


def test_a_node_that_does_not_run_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def connect(_folder: object) -> FakeNode:
        raise NoNodeError("no node runs: start one")

    monkeypatch.setattr(auction_source, "connect", connect)
    for command in ("show", "verify", "explain"):
        refused = ainur("auction", command, TASK, "--data-dir", tmp_path)
        assert (refused.exit_code, refused.stdout) == (2, "")
        assert "no node runs: start one" in refused.stderr


def parts(payment: int, value: int, ask: int, without: int, others: int) -> dict[str, str]:
    named = {"payment": payment, "value": value, "ask": ask}
    named |= {"welfare_without": without, "welfare_of_others": others}
    return {name: str(amount * AINU) for name, amount in named.items()}


def test_a_payment_is_told_alike_while_watched_and_afterwards() -> None:
    contested = parts(payment=7, value=9, ask=4, without=5, others=3)
    event = {"kind": "award", "block": 1, "provider": "5Grw", "price": "1", "reserve": "1"}
    assert as_formula(contested) in line_of({**event, "method": "vcg-single", **contested})
    assert "paid 7 AINU = value 9 AINU - (others without it 5 AINU" in as_formula(contested)
    told = in_words(contested)
    assert "gained the requester 5 AINU" in told
    assert "difference, 2 AINU" in told
    assert "3 AINU more than it asked" in told
    assert "all that its work is worth" in in_words(parts(9, 9, 4, 0, 0))
