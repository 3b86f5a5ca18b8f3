#!/usr/bin/env bash
# Names what this machine lacks for `make setup`, with the line that brings it: check_machine.bash <python>
set -euo pipefail

python=$1
missing=()
command -v g++ >/dev/null || missing+=(g++)
if command -v "$python" >/dev/null; then
    if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
        echo "error: $("$python" --version) is too old, 3.10 or later is needed: make PYTHON=/path/to/python3.10" >&2
        exit 1
    fi
    "$python" -c 'import os, sysconfig as s; os.stat(s.get_path("include") + "/Python.h")' 2>/dev/null || missing+=(python3-dev)
    command -v uv >/dev/null || "$python" -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
else
    missing+=(python3-dev python3-venv)
fi
if [ ${#missing[@]} -gt 0 ]; then
    echo "error: this machine lacks ${missing[*]}. Install with:  sudo apt install ${missing[*]}" >&2
    exit 1
fi
