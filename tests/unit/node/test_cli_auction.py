"""``ainur auction`` and ``ainur sim auction``: what they print, and their exit codes."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from node.cli import cli
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


@pytest.mark.parametrize("command", ["verify", "explain"])
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
