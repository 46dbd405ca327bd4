"""Runs the parts of the tests one after the other, and says what each took.

A part is a command; where a tool that it needs is missing, it is not run, which is said loudly and
fails under ``CI=true``. Used by scripts/check and scripts/test.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv" / "bin"
LIMIT = 40 * 60
"""Seconds after which a part has hung."""
CARGO_FEATURES = "ainur-runtime/runtime-benchmarks,ainur-runtime/try-runtime"


@dataclass(frozen=True)
class Part:
    """One command, and what it needs."""

    name: str
    command: tuple[str, ...]
    inner: bool = False
    """Whether the inner loop runs it."""
    named: bool = False
    """Whether it runs only when it is named: long, and not for every change."""
    needs: str | None = None
    """A program that must be there."""
    cwd: Path = ROOT
    env: dict[str, str] = field(default_factory=dict)
    limit: int = LIMIT
    """Seconds."""


def python(tool: str, *arguments: str) -> tuple[str, ...]:
    return (str(VENV / tool), *arguments)


def tests(folder: str, *arguments: str) -> tuple[str, ...]:
    return python("pytest", "-q", f"tests/{folder}", *arguments)


PALLETS = ROOT / "pallets"
CARGO_TEST = ("cargo", "test", "--locked", "--workspace", "--features", CARGO_FEATURES)
CLIPPY = (
    *("cargo", "clippy", "--locked", "--workspace", "--all-targets"),
    *("--features", CARGO_FEATURES, "--", "-D", "warnings"),
)
ORACLE = PALLETS / "oracle"
ORACLE_TESTS = "integration/devchain/test_differential.py"
NODE = PALLETS / "dev-node"
NODE_TESTS = "integration/devchain/test_node.py"
SCRIPTS = ("scripts/check-crates",)

POLKADOT_JS = (
    *("sh", "-c"),
    (
        "npm ci --no-audit --no-fund --prefix tests/polkadotjs"
        f" && exec {VENV / 'pytest'} -q tests/integration/devchain_rpc/test_polkadot_js.py"
    ),
)

GO_LIBP2P = (
    *("sh", "-c"),
    (
        f"go build -C tests/golibp2p -o {ROOT}/.venv/golibp2p ."
        f" && AINUR_GOLIBP2P={ROOT}/.venv/golibp2p exec {VENV / 'pytest'} -q"
        " tests/integration/p2p/test_go_libp2p.py"
    ),
)


def on_node(name: str, *command: str) -> "Part":
    """Return a part that runs on the Substrate node, which is built first."""
    return Part(
        name, ("scripts/build-node", *command), needs="cargo", env={"AINUR_BACKEND": "node"}
    )


NODE_FORMAT = Part("node-format", ("cargo", "fmt", "--check"), needs="cargo", cwd=NODE)

ON_NODE = (
    NODE_FORMAT,
    Part(
        "node-lint",
        ("cargo", "clippy", "--locked", "--all-targets", "--", "-D", "warnings"),
        needs="cargo",
        cwd=NODE,
    ),
    Part("node-unit", ("cargo", "test", "--locked"), needs="cargo", cwd=NODE),
    on_node("node", *tests(NODE_TESTS)),
    # tests/integration/devchain is about the embedded chain as a library: no node has that interface.
    on_node(
        "integration",
        *tests("integration/chain", "tests/integration/devchain_rpc", "--timeout=600"),
    ),
    on_node("polkadotjs", *POLKADOT_JS),
    on_node("e2e", *tests("e2e/chain_command", "--timeout=600")),
)
"""What ``--backend node`` runs: a command of its own, as the node takes ten minutes to build."""

PARTS = (
    Part("format", python("ruff", "format", "--check", ".", *SCRIPTS), inner=True),
    Part("lint", python("ruff", "check", ".", *SCRIPTS), inner=True),
    Part("layers", python("lint-imports", "--no-logo"), inner=True),
    Part("types", python("mypy"), inner=True),
    Part("types-pure", python("basedpyright"), inner=True),
    Part("unit", tests("unit"), inner=True),
    Part("property", tests("property")),
    Part("integration", tests("integration", "-m", "not market")),
    Part("polkadotjs", POLKADOT_JS, needs="npm"),
    Part("golibp2p", GO_LIBP2P, needs="go"),
    Part("e2e", tests("e2e", "-m", "not market")),
    Part("market", python("pytest", "-q", "tests", "-m", "market"), named=True, limit=2 * LIMIT),
    Part("pallets-format", ("cargo", "fmt", "--all", "--check"), needs="cargo", cwd=PALLETS),
    Part("pallets-crates", python("python", "../scripts/check-crates"), needs="cargo", cwd=PALLETS),
    Part("pallets-lint", CLIPPY, needs="cargo", cwd=PALLETS),
    Part("pallets", CARGO_TEST, needs="cargo", cwd=PALLETS),
    Part("oracle-format", ("cargo", "fmt", "--check"), needs="cargo", cwd=ORACLE),
    Part(
        "oracle-lint",
        ("cargo", "clippy", "--locked", "--all-targets", "--", "-D", "warnings"),
        needs="cargo",
        cwd=ORACLE,
    ),
    Part("oracle", ("scripts/build-oracle", *tests(ORACLE_TESTS)), needs="cargo"),
    NODE_FORMAT,
    Part("runtime", python("python", "scripts/build_runtime.py", "--check")),
)


def run(part: Part) -> tuple[str, float]:
    """Run a part; return ``passed``, ``failed`` or ``not run``, and its seconds."""
    if part.needs and shutil.which(part.needs) is None:
        print(f"\n*** NOT RUN: {part.name}: {part.needs} is missing. {INSTALL[part.needs]}")
        return "not run", 0.0
    print(f"\n=== {part.name}: {' '.join(part.command)}", flush=True)
    start = time.monotonic()
    environment = {**os.environ, **part.env}
    try:
        done = subprocess.run(
            part.command, cwd=part.cwd, env=environment, check=False, timeout=part.limit
        )
    except subprocess.TimeoutExpired:
        print(f"*** STOPPED: {part.name} took more than {part.limit // 60} minutes")
        return "failed", time.monotonic() - start
    return ("passed" if done.returncode == 0 else "failed"), time.monotonic() - start


INSTALL = {
    "go": "Install Go 1.24 or newer (https://go.dev/dl), then run it again.",
    "cargo": "Install Rust (rustup, or apt-get install cargo rustc), then run it again.",
    "npm": "Install Node 18 or newer with npm, then run it again.",
}


def main() -> None:
    arguments = argparse.ArgumentParser(description="Run the parts of ainur's tests.")
    arguments.add_argument("what", choices=("inner", "everything"))
    arguments.add_argument("--only", metavar="PART,PART", help="only these")
    arguments.add_argument(
        "--backend",
        choices=("embedded", "node"),
        default="embedded",
        help="node: what can run on the Substrate node (built first, ten minutes), on that",
    )
    arguments.add_argument("--list", action="store_true", help="name the parts and run none")
    chosen = arguments.parse_args()
    if chosen.backend == "node":
        parts = list(ON_NODE)
    else:
        parts = [p for p in PARTS if p.inner or chosen.what == "everything"]
        if not chosen.only and not chosen.list:
            parts = [p for p in parts if not p.named]
    if chosen.only:
        names = set(chosen.only.split(","))
        if unknown := names - {p.name for p in parts}:
            arguments.error(f"no such part: {', '.join(sorted(unknown))} (see --list)")
        parts = [p for p in parts if p.name in names]
    if chosen.list:
        for part in parts:
            print(f"{part.name:16} {' '.join(part.command)}{'  (when named)' * part.named}")
        return
    # The same examples each time; `nightly` looks further.
    os.environ.setdefault("HYPOTHESIS_PROFILE", "dev" if chosen.what == "inner" else "ci")
    results = [(part.name, *run(part)) for part in parts]
    counts = {k: sum(r[1] == k for r in results) for k in ("passed", "failed", "not run")}
    print("\n--- what each part took")
    for name, result, seconds in results:
        print(f"{name:16} {seconds:7.1f} s  {result}")
    print(f"{'all':16} {sum(r[2] for r in results):7.1f} s")
    missing = counts["not run"]
    if missing and os.environ.get("CI") == "true":
        print("under CI=true every part must run")
    skipped = f", {missing} skipped" if missing else ""
    print(f"parts: {counts['passed']} passed, {counts['failed']} failed{skipped}", flush=True)
    sys.exit(1 if counts["failed"] or (missing and os.environ.get("CI") == "true") else 0)


if __name__ == "__main__":
    main()
