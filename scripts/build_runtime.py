"""Build the runtime to WebAssembly, the same bytes from any folder, into chain/devnet/.

    scripts/build-runtime            build, and write the blob and its manifest
    scripts/build-runtime --check    stale sources? (at once); with the recorded toolchain here,
                                     build again and compare the bytes
    scripts/build-runtime --features runtime-benchmarks --out FILE    for measuring weights

A toolchain that has the target wasm32v1-none is used as it is. Debian's `rustc-web cargo-web
rust-web-src lld-22` has no such target but its library's sources: core, compiler_builtins and
alloc are built from them once, into a private sysroot.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORKSPACE = ROOT / "pallets"
TARGET, PACKAGE = "wasm32v1-none", "ainur-runtime"
DEBIAN = "apt-get install rustc-web cargo-web rust-web-src lld-22"


sys.path.insert(0, str(ROOT))  # the hash of the sources and the blob's frame are the package's own
from chain import devnet  # noqa: E402 - found by the line above
from chain.devchain.blob import compress  # noqa: E402 - as above


class BuildError(Exception):
    """The build cannot be done here; the message says what to do."""


def say(text):
    print(f"build-runtime: {text}", file=sys.stderr, flush=True)


def output(*command, env=None):
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


class Toolchain:
    """A rustc with its cargo, and how it comes by the target's libraries."""

    def __init__(self, rustc, cargo):
        self.rustc, self.cargo = rustc, cargo
        self.version = output(rustc, "-vV")
        libraries = output(rustc, "--print", "target-libdir", "--target", TARGET)
        self.has_target = bool(libraries) and any(Path(libraries).glob("libcore-*.rlib"))
        self.sources = Path(output(rustc, "--print", "sysroot")) / "lib/rustlib/src/rust/library"
        self.usable = bool(self.version) and (
            self.has_target or (self.sources / "core/src/lib.rs").exists()
        )

    def sysroot(self):
        """The private sysroot of this toolchain, built if it is not there."""
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ainur"
        name = hashlib.sha256(self.version.encode()).hexdigest()[:16]
        place = cache / "wasm-sysroot" / name
        if not place.exists():
            say(f"building core and alloc for {TARGET} into {place} (half a minute)")
            place.parent.mkdir(parents=True, exist_ok=True)
            scratch = Path(tempfile.mkdtemp(dir=place.parent))
            try:
                self._build_sysroot(scratch / "lib/rustlib" / TARGET / "lib")
                scratch.rename(place)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
        return place

    def _build_sysroot(self, libs):
        libs.mkdir(parents=True)
        # The standard library is only buildable by a compiler that allows unstable features.
        env = os.environ | {"RUSTC_BOOTSTRAP": "1"}
        flags = [
            *("--target", TARGET, "--edition", "2024", "--crate-type", "rlib"),
            *("--cap-lints", "allow", "--out-dir", str(libs), "-L", str(libs)),
            *(
                "-Copt-level=3",
                "-Cembed-bitcode=yes",
                "-Cpanic=abort",
                "-Zforce-unstable-if-unmarked",
            ),
        ]
        builtins = self.sources / "compiler-builtins/compiler-builtins"
        if not builtins.exists():
            builtins = self.sources / "compiler-builtins"
        core = ["--extern", f"core={libs}/libcore-ainur.rlib"]
        features = [f'--cfg=feature="{f}"' for f in ("compiler-builtins", "mem", "unmangled-names")]
        for name, root, extra in (
            ("core", self.sources / "core", []),
            ("compiler_builtins", builtins, [*core, *features, "-Cdebug-assertions=off"]),
            ("alloc", self.sources / "alloc",
             [*core, "--extern", f"compiler_builtins={libs}/libcompiler_builtins-ainur.rlib"]),
        ):  # fmt: skip
            command = [self.rustc, "--crate-name", name, *flags, *extra, "-Cextra-filename=-ainur",
                       f"-Cmetadata=ainur-{name}", str(root / "src/lib.rs")]  # fmt: skip
            done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
            if done.returncode:
                raise BuildError(f"cannot build {name} for {TARGET}:\n{done.stderr}")


def toolchains():
    """All toolchains here that can build the runtime."""
    found = []
    named = os.environ.get("RUSTC")
    for rustc, cargo in (
        (named, os.environ.get("CARGO", "cargo")),
        ("/usr/bin/rustc", "/usr/bin/cargo"),
        (shutil.which("rustc"), shutil.which("cargo")),
    ):
        if rustc and cargo and shutil.which(rustc) and shutil.which(cargo):
            candidate = Toolchain(rustc, cargo)
            if candidate.usable:
                found.append(candidate)
    return found


def build(toolchain, features):
    """Build the runtime's WebAssembly and return its bytes."""
    home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    flags = ["--cfg", "substrate_runtime", f"--remap-path-prefix={home}=/cargo",
             f"--remap-path-prefix={WORKSPACE}=/src"]  # fmt: skip
    if not toolchain.has_target:
        sysroot = toolchain.sysroot()
        flags += ["--sysroot", str(sysroot), f"--remap-path-prefix={sysroot}=/sysroot"]
    target = Path(os.environ.get("CARGO_TARGET_DIR") or WORKSPACE / "target") / "wasm"
    env = {k: v for k, v in os.environ.items() if not k.startswith(("CARGO_PROFILE", "RUSTFLAGS"))}
    env |= {"RUSTC": toolchain.rustc, "CARGO_TARGET_DIR": str(target),
            "CARGO_ENCODED_RUSTFLAGS": "\x1f".join(flags), "CARGO_INCREMENTAL": "0"}  # fmt: skip
    linker = next((x for x in ("wasm-ld-22", "wasm-ld") if shutil.which(x)), None)
    if linker:  # else rustup's own rust-lld
        env["CARGO_TARGET_WASM32V1_NONE_LINKER"] = linker
    # Host tools (build scripts, macros) must not see the flags of the target, hence --target.
    links = [
        "--export-table",
        "--export=__heap_base",
        "--import-memory",
        "--allow-undefined",
        "--strip-all",
    ]
    command = [toolchain.cargo, "rustc", "--locked", "--release", "-p", PACKAGE, "--lib",
               "--no-default-features", "--crate-type", "cdylib", "--target", TARGET,
               *(["--features", features] if features else []),
               "--", *(f"-Clink-arg={link}" for link in links)]  # fmt: skip
    if subprocess.run(command, cwd=WORKSPACE, env=env, check=False).returncode:
        raise BuildError("cargo failed: its own words are above")
    return (target / TARGET / "release" / f"{PACKAGE.replace('-', '_')}.wasm").read_bytes()


def check():
    """Compare what is committed with the sources, and with a new build where that is possible."""
    _, manifest = devnet.read_committed()
    if not devnet.are_sources_current(manifest):
        raise BuildError(
            "the committed runtime is stale: the sources under pallets/ have changed since it was "
            f"built. Run scripts/build-runtime and commit chain/devnet/ (it needs: {DEBIAN})"
        )
    say("the committed runtime was built from these sources")
    recorded = next((t for t in toolchains() if t.version == manifest.rustc), None)
    if recorded is None:
        version = manifest.rustc.splitlines()[0]
        say(f"NOT REBUILT: the recorded toolchain is not here ({version}). To compare: {DEBIAN}")
        return
    raw = hashlib.sha256(build(recorded, "")).hexdigest()
    if raw != manifest.raw_sha256:
        raise BuildError(
            f"a new build gives other bytes ({raw}) than those committed "
            f"({manifest.raw_sha256}). Run scripts/build-runtime and commit chain/devnet/; if "
            "the sources did not change, the build is no longer reproducible: say which file differs"
        )
    say("a new build gives the same bytes")


def write(features, out):
    found = toolchains()
    if not found:
        raise BuildError(f"no toolchain here can build for {TARGET}. Install one: {DEBIAN}")
    recorded = devnet.read_manifest().rustc if devnet.MANIFEST.exists() else None
    toolchain = next((t for t in found if t.version == recorded), found[0])
    say(f"with {toolchain.version.splitlines()[0]}")
    before = devnet.hash_sources()
    wasm = build(toolchain, features)
    if before != devnet.hash_sources():
        raise BuildError("the sources changed while they were being built: build again")
    if out:
        out.write_bytes(wasm)
        return
    blob = compress(wasm)
    manifest = {
        "raw_sha256": hashlib.sha256(wasm).hexdigest(),
        "raw_size": len(wasm),
        "code_hash": hashlib.blake2b(blob, digest_size=32).hexdigest(),
        "size": len(blob),
        "sources_sha256": before,
        "rustc": toolchain.version,
    }
    for file, data in (
        (devnet.BLOB, blob),
        (devnet.MANIFEST, (json.dumps(manifest, indent=2) + "\n").encode()),
    ):
        scratch = file.with_suffix(".new")
        scratch.write_bytes(data)
        scratch.replace(file)
    say(f"{len(wasm)} bytes, {len(blob)} compressed, raw sha256 {manifest['raw_sha256']}")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--check", action="store_true", help="compare, write nothing")
    arguments.add_argument("--features", default="", help="cargo features beside the default none")
    arguments.add_argument("--out", type=Path, help="write the plain WebAssembly here instead")
    chosen = arguments.parse_args()
    if chosen.features and not chosen.out:
        arguments.error("--features goes with --out: the committed runtime has none")
    try:
        check() if chosen.check else write(chosen.features, chosen.out)
    except (BuildError, devnet.BlobError) as error:
        say(error)
        sys.exit(1)


if __name__ == "__main__":
    main()
