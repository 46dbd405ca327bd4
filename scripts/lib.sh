# Sourced by the entry points: finds or installs what they need, and says what it is doing.
# shellcheck shell=sh
set -eu
ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
CACHE=${XDG_CACHE_HOME:-${HOME:-$ROOT/.cache}/.cache}/ainur
export UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT="$ROOT/.venv" UV_COMPILE_BYTECODE=1

say() { printf 'ainur: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# apt_or_tell PACKAGE...: install by apt where we may, else print the one line to run.
apt_or_tell() {
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
		say "installing $* (apt)"
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } >&2 \
			|| die "apt could not install $*: its own words are above"
	else
		die "missing: $*. Run this, then try again:
  sudo apt-get update && sudo apt-get install -y $*"
	fi
}

find_python() {
	for candidate in python3.13 python3.12 python3.11 python3; do
		if command -v "$candidate" >/dev/null 2>&1 \
			&& "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; then
			PYTHON=$("$candidate" -c 'import sys; print(sys.executable)')
			return
		fi
	done
	die "no Python from 3.11 to 3.13 found. Install one (Debian 12: apt-get install python3), then try again."
}

find_uv() {
	for candidate in uv "$CACHE/uv/bin/uv"; do
		if command -v "$candidate" >/dev/null 2>&1 \
			&& "$candidate" --version 2>/dev/null | grep -qE '^uv (0\.([89]|[1-9][0-9])|[1-9])'; then
			UV=$(command -v "$candidate")
			return
		fi
	done
	say "installing uv into $CACHE/uv (pip)"
	rm -rf "$CACHE/uv"
	mkdir -p "$CACHE"
	# Debian splits pip and venv from Python: take whichever is there, else ask apt for venv.
	if ! "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null && ! "$PYTHON" -m pip --version >/dev/null 2>&1; then
		apt_or_tell python3-venv
	fi
	if "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null; then
		"$PYTHON" -m venv "$CACHE/uv" && "$CACHE/uv/bin/python" -m pip install --quiet --disable-pip-version-check 'uv>=0.8'
	else
		"$PYTHON" -m pip install --quiet --disable-pip-version-check --target "$CACHE/uv" 'uv>=0.8'
	fi || die "pip could not install uv: its own words are above. Is the package index reachable?"
	UV=$CACHE/uv/bin/uv
}

# libp2p needs fastecdsa, which has no wheels: it is compiled against Python and GMP.
compiler_for_libp2p() {
	include=$("$PYTHON" -c 'import sysconfig; print(sysconfig.get_path("include"))')
	if ! { command -v cc && printf '#include <Python.h>\n#include <gmp.h>\n' | cc -I "$include" -E -; } >/dev/null 2>&1; then
		apt_or_tell gcc libc6-dev libgmp-dev python3-dev
	fi
}

# sync core|node|dev: make .venv what the lock says; each has all of the one before. A stamp makes the second time instant.
sync() {
	want="$(cat "$ROOT/uv.lock" "$ROOT/pyproject.toml" | sha256sum | cut -d' ' -f1)"
	have=$(cat "$ROOT/.venv/.ainur-stamp" 2>/dev/null || true)
	case "$1 for $have" in
		"$1 for $1 $want" | *" for dev $want" | "core for node $want") [ -x "$ROOT/.venv/bin/ainur" ] && return ;;
	esac
	find_python
	find_uv
	say "installing ainur and its dependencies into .venv (first time: about a minute)"
	case "$1" in
		core) set -- core ;;
		node) compiler_for_libp2p && set -- node --extra node --extra agents ;;
		dev) compiler_for_libp2p && set -- dev --group dev --all-extras ;;
	esac
	stamp=$1
	shift
	rm -f "$ROOT/.venv/.ainur-stamp"
	cd "$ROOT"
	"$UV" sync --locked --quiet --python "$PYTHON" "$@" || {
		# uv brings its own certificates; behind a company's proxy only the system's will do.
		say "that failed; once more with the system's certificates"
		UV_SYSTEM_CERTS=true "$UV" sync --locked --quiet --python "$PYTHON" "$@"
	} || die "uv could not install the dependencies: its own words are above"
	# Python would do so at the first import, unless its environment forbids it; a dev chain starts twice as fast.
	"$ROOT/.venv/bin/python" -m compileall -q ainur chain market node routing || die "Python could not compile ainur"
	# libp2p brings trio-typing, whose stubs of an old trio would hide trio's own types from mypy.
	rm -rf "$ROOT"/.venv/lib/python3.*/site-packages/trio-stubs
	printf '%s %s\n' "$stamp" "$want" >"$ROOT/.venv/.ainur-stamp"
}
