#!/bin/sh
# Makes a Python virtual environment with exactly the packages of a requirements file.
# usage: tools/venv.sh FOLDER REQUIREMENTS
# It is made anew only when the requirements or Python's version have changed. The requirements name
# every package with its version, so pip resolves nothing and builds nothing.
set -eu

folder=$1
requirements=$2
python=${PYTHON:-python3}

fail() {
    printf 'error: %s\n' "$1" >&2
    exit 1
}

command -v "$python" > /dev/null ||
    fail "Python 3 is missing (on Debian and Ubuntu: apt-get install python3 python3-venv)"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "Python 3.11 or newer is needed, this is $("$python" --version); name another by PYTHON=python3.x"
"$python" -c 'import ensurepip, venv' 2> /dev/null ||
    fail "Python cannot make virtual environments (on Debian and Ubuntu: apt-get install python3-venv)"

wanted=$("$python" --version && cat "$requirements")
if [ -f "$folder/made-from.txt" ] && [ "$(cat "$folder/made-from.txt")" = "$wanted" ]; then
    exit 0
fi

echo "Installing the Python packages of $requirements into $folder"
rm -rf "$folder"
"$python" -m venv "$folder"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
    --no-deps --only-binary :all: --requirement "$requirements" ||
    fail "pip could not install $requirements; what it says is above"
printf '%s\n' "$wanted" > "$folder/made-from.txt"
