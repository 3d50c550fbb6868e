#!/usr/bin/env bash
# Print the interpreter of one Python version, on the path or installed by pyenv.
set -euo pipefail
version=$1
for python in "python$version" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*/bin/python; do
    if "$python" -c "" 2>/dev/null; then
        echo "$python"
        exit 0
    fi
done
exit 1
