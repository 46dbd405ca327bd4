"""The node's program is looked for where scripts/build-node puts it."""

import subprocess
from pathlib import Path

import pytest

from node.chainhost.config import ChainConfig
from node.chainhost.daemon import claim_store
from node.chainhost.errors import BackendUnavailableError, StartError
from node.chainhost.node_process import arguments_of
from node.chainhost.node_program import VARIABLE, find_program, source_hash

ROOT = Path(__file__).parents[3]


def test_sources_have_one_name_for_the_script_and_for_python() -> None:
    told = subprocess.run(
        ["sh", "-c", ". scripts/native.sh; source_hash dev-node", "scripts/build-node"],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert told.stdout.strip() == source_hash(ROOT / "pallets" / "dev-node")


def test_the_program_is_that_of_the_sources_that_are_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = tmp_path / "pallets" / "dev-node"
    (sources / "src").mkdir(parents=True)
    for name in ("Cargo.toml", "Cargo.lock", "src/main.rs"):
        (sources / name).write_text("1")
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(BackendUnavailableError, match="scripts/build-node"):
        find_program(sources)
    program = tmp_path / "cache" / "ainur" / "dev-node" / source_hash(sources) / "ainur-dev-node"
    program.parent.mkdir(parents=True)
    program.touch(0o755)
    assert find_program(sources) == program
    (sources / "src" / "main.rs").write_text("2")
    with pytest.raises(BackendUnavailableError, match="not built for the sources"):
        find_program(sources)
    (sources / "Cargo.lock").unlink()
    with pytest.raises(BackendUnavailableError, match="from a clone"):
        find_program(sources)


def test_a_program_that_is_named_is_taken_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "node"
    monkeypatch.setenv(VARIABLE, str(program))
    with pytest.raises(BackendUnavailableError, match="is no program"):
        find_program()
    program.touch(0o755)
    assert find_program() == program


@pytest.mark.parametrize(
    ("seal", "millis"),
    [("instant", "instant"), ("manual", "manual"), ("0.25", "250"), ("2", "2000")],
)
def test_what_was_asked_for_is_told_to_the_program(seal: str, millis: str) -> None:
    config = ChainConfig(
        "x", "/nowhere", port=7, seal=seal, preset="ci", finality_lag=2, allow_origin=("https://a",)
    )
    told = arguments_of(Path("/node"), config, b"\1\2")
    wanted = {
        f"--seal={millis}", "--rpc-port=7", "--preset=ci", "--salt=0x0102", "--finality-lag=2",
        "--name=ainur x", "--allow-origin=https://a", "--until-stdin-ends",
    }  # fmt: skip
    assert wanted < set(told)
    assert not [argument for argument in told if argument.startswith("--base-path")]


def test_a_store_belongs_to_the_backend_that_began_it(tmp_path: Path) -> None:
    ours = ChainConfig("x", str(tmp_path), persist=True)
    theirs = ChainConfig("x", str(tmp_path), persist=True, backend="node")
    claim_store(theirs)
    claim_store(theirs)
    with pytest.raises(StartError, match="--backend node"):
        claim_store(ours)
    theirs.folder.maker.unlink()  # as it was before that was written down
    with pytest.raises(StartError, match="--backend embedded"):
        claim_store(theirs)
    claim_store(ours)
