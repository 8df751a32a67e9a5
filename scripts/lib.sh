# Sourced by the scripts beside it; the one place that knows how .venv comes to be.
# Needs bash, Python 3.11 to 3.13 (name one with PYTHON=...), and a package registry for the first install.

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
extras="celery,dev,postgres,redis,sandbox"
# Without bytecode each of some hundred processes would compile the package anew; __pycache__ is ignored by git.
unset PYTHONDONTWRITEBYTECODE

venv_python() { echo "$root/.venv/bin/python"; }

fail() { echo "error: $*" >&2; exit 1; }

supported() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; }

find_python() {
    local candidate
    if [ -n "${PYTHON:-}" ]; then
        supported "$PYTHON" || fail "PYTHON=$PYTHON is not a Python 3.11, 3.12 or 3.13"
        echo "$PYTHON"; return
    fi
    for candidate in python3 python3.12 python3.11 python3.13; do
        if supported "$candidate"; then echo "$candidate"; return; fi
    done
    fail "no Python 3.11, 3.12 or 3.13 found; install one, or name it: PYTHON=/path/to/python3.11 $0"
}

# What the installed environment depends on, as one hash.
environment_hash() {
    "$(venv_python)" - "$root" "$extras" <<'PY'
import hashlib, pathlib, sys
root, extras = pathlib.Path(sys.argv[1]), sys.argv[2]
parts = [(root / name).read_bytes() for name in ("pyproject.toml", "requirements.txt", "constraints.txt")]
print(hashlib.sha256(b"\0".join([*parts, extras.encode(), str(root).encode()])).hexdigest())
PY
}

# Creates .venv and installs the project editable; does nothing when both stand as the files say.
ensure_venv() {
    local python stamp="$root/.venv/installed.sha256"
    if ! supported "$(venv_python)"; then
        python="$(find_python)"
        echo "Creating .venv with $("$python" --version)"
        "$python" -m venv --clear "$root/.venv" \
            || fail "could not create .venv (on Debian or Ubuntu: apt-get install python3-venv)"
    fi
    if [ "$(cat "$stamp" 2>/dev/null)" != "$(environment_hash)" ]; then
        echo "Installing the pinned dependencies into .venv (minutes the first time)"
        (cd "$root" && "$(venv_python)" -m pip --disable-pip-version-check -q install \
            -r requirements.txt -c constraints.txt -e ".[$extras]") \
            || fail "the installation failed; what pip said stands above"
        environment_hash > "$stamp"
        echo "Installed"
    fi
}
