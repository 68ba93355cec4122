# Makes virtual environments. Sourced by ./run and ./test; needs Python 3.11 or newer, nothing else.

find_python() {
    for candidate in python3 python3.13 python3.12 python3.11 python; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "prelabel needs Python 3.11 or newer; found $(python3 --version 2>&1)" >&2
    exit 1
}

# make_environment FOLDER LOCK_FILE: the packages of the lock file, and nothing is done twice.
make_environment() {
    stamp="$1/.made-from-$(basename "$2")"
    if cmp -s "$2" "$stamp"; then
        return
    fi
    echo "Installing $(basename "$2" .txt) packages into $1 (once; a minute or two)" >&2
    if [ ! -x "$1/bin/python" ]; then
        "$(find_python)" -m venv "$1"
    fi
    "$1/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$2"
    cp "$2" "$stamp"
}

# install_project FOLDER ROOT: the project itself, as it stands in its source folder.
install_project() {
    stamp="$1/.made-from-pyproject.toml"
    if ! cmp -s "$2/pyproject.toml" "$stamp"; then
        "$1/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --editable "$2"
        cp "$2/pyproject.toml" "$stamp"
    fi
}
