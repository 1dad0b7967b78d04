# Sourced by the other scripts: `ready run` or `ready dev` sees to it that $environment is complete:
# .venv, or, where that is another user's and not up to date, a folder of this user's cache.
#
# Fast path only: a stamp tells in a few milliseconds that nothing has to be done.  The work
# itself (virtual environment, pip, locking) is scripts/make_environment.py.  Python is started with
# -I or -P, so that no module of the folder that this is called from is run.

root=$(CDPATH= cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
environment="$root/.venv"

say() { printf 'spark-tui: %s\n' "$*" >&2; }

# Prints the command of a Python 3.11 to 3.14 that really starts; a version manager's shim may not.
find_python() {
    local candidate
    for candidate in "${SPARK_PYTHON:-}" python3.13 python3.12 python3.11 python3.14 python3 python; do
        [ -n "$candidate" ] || continue
        if "$candidate" -I -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' >/dev/null 2>&1; then
            printf '%s\n' "$candidate"
            return 0
        fi
    done
    return 1
}

# What the environment was made for: these dependencies and locks, this Python, this place.
# The settings of pytest, ruff and mypy, which come last in pyproject.toml, change nothing in it.
stamp_now() {
    printf '%s | %s | %s' \
        "$(sed '/^\[tool\.pytest/,$d' "$root/pyproject.toml" | cat - "$root"/requirements*.lock | cksum)" \
        "$("$environment/bin/python" -V 2>&1)" "$root"
}

# Succeeds when the stamp of `$1`, or of `dev`, which holds everything, is today's.
is_ready() {
    [ -x "$environment/bin/python" ] || return 1
    [ ! -e "$environment/.making" ] || return 1
    local now name
    now=$(stamp_now)
    for name in "$1" dev; do
        [ "$(cat "$environment/.ready-$name" 2>/dev/null)" = "$now" ] && return 0
    done
    return 1
}

# Succeeds where .venv is, or can become, this user's own.
is_ours() {
    if [ -e "$environment" ] || [ -L "$environment" ]; then [ -O "$environment" ]; else [ -w "$root" ]; fi
}

# Prints the folder of this user's own environment for this repository.
own_environment() {
    local cache=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}
    if [ -z "$cache" ]; then
        say "$root/.venv is another user's and not up to date, and without HOME there is no place" \
            "for another; set HOME"
        exit 1
    fi
    printf '%s/spark-tui/environments/%s' "$cache" "$(printf '%s' "$root" | cksum | tr ' ' -)"
}

ready() {
    is_ready "$1" && return 0
    if ! is_ours; then
        environment=$(own_environment) || exit 1
        is_ready "$1" && return 0
    fi
    local python
    if ! python=$(find_python); then
        say "needs Python 3.11 to 3.14 and found none; install one" \
            "(Debian, Ubuntu: sudo apt install python3 python3-venv; macOS: brew install python;" \
            "or https://www.python.org/downloads), or name one: SPARK_PYTHON=/path/to/python3"
        exit 1
    fi
    "$python" -I "$root/scripts/make_environment.py" "$1" "$environment" || exit 1
    stamp_now >"$environment/.ready-$1"
}
