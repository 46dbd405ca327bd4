# Sourced by build-oracle and build-node: builds a program of pallets/ once for its sources.
# shellcheck shell=sh
. "$(dirname -- "$0")/lib.sh"

# source_hash FOLDER: name a program's sources and lock; node/chainhost/node_program.py does the same.
source_hash() {
	(cd "$ROOT/pallets/$1" && find src Cargo.toml Cargo.lock -type f | LC_ALL=C sort | xargs sha256sum \
		| sha256sum | cut -c1-16)
}

# build_native FOLDER BINARY [COMMAND...]: print the program's path, or run a command that gets it in
# AINUR_ORACLE or AINUR_NODE. It lies outside the clone, under the hash of its sources and lock.
build_native() {
	folder=$1 binary=$2
	shift 2
	place=$CACHE/${binary#ainur-}/$(source_hash "$folder")
	program=$place/$binary
	if [ ! -x "$program" ]; then
		command -v cargo >/dev/null 2>&1 || die "cargo is missing: install Rust (rustup, or apt-get install cargo rustc)."
		# For its network library, which compiles OpenSSL and the messages that it never sends.
		if [ "$folder" = dev-node ] && ! { command -v protoc && command -v cc && command -v make && command -v perl; } >/dev/null 2>&1; then
			apt_or_tell protobuf-compiler gcc libc6-dev make perl
		fi
		# Both programs stand on the same crates, compiled alike: one folder for both.
		target=${CARGO_TARGET_DIR:-$CACHE/native-target}
		say "building $binary into $place (the first time: minutes)"
		(cd "$ROOT/pallets/$folder" && CARGO_TARGET_DIR=$target cargo build --locked >&2) || die "cargo could not build $binary"
		mkdir -p "$place"
		# Whole or not at all, also where two build at once.
		cp "$target/debug/$binary" "$program.$$" && mv "$program.$$" "$program"
	fi
	case "$binary" in
		ainur-oracle) export AINUR_ORACLE="$program" ;;
		*) export AINUR_NODE="$program" ;;
	esac
	if [ $# -gt 0 ]; then exec "$@"; fi
	printf '%s\n' "$program"
}
