#!/bin/sh
# Makes sure that the system packages a target needs are there: installs them on Debian and Ubuntu where it may,
# otherwise says which are missing and how to get them. Arguments: python, test, node.
set -eu

python=${PYTHON:-python3.11}
missing=""

want() { missing="$missing $1"; }

for part in "$@"; do
    case "$part" in
    python)
        if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            # none, too old, or a name that stands for none (as pyenv leaves it)
            want python3.11
            want python3.11-venv
        elif ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
            want "python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
        fi
        ;;
    node)
        command -v node >/dev/null 2>&1 || want nodejs
        command -v npm >/dev/null 2>&1 || want npm
        ;;
    test)
        command -v pdftoppm >/dev/null 2>&1 || want poppler-utils
        command -v systemd-analyze >/dev/null 2>&1 || want systemd
        if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
            want postgresql
        fi
        command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 || want chromium
        ;;
    esac
done

[ -n "$missing" ] || exit 0

as_root=""
if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        as_root="sudo -n"
    else
        echo "These system packages are missing and this user may not install them:$missing" >&2
        echo "As an administrator: apt-get install$missing" >&2
        exit 1
    fi
fi
if ! command -v apt-get >/dev/null 2>&1; then
    echo "These packages are missing, and there is no apt-get here to install them:$missing" >&2
    exit 1
fi
echo "Installing system packages:$missing" >&2
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 -- the list is meant to be split
$as_root apt-get install -y -q --no-install-recommends $missing >/dev/null 2>&1 ||
    { $as_root apt-get update -q >/dev/null && $as_root apt-get install -y -q --no-install-recommends $missing >/dev/null; }
