#!/usr/bin/env bash
# `rdiag mcp` spoken to by a real client: the reference SDK of the Model Context Protocol, from its registry.
#
# usage: tests/real/mcp.sh RDIAG BUNDLE CAUSE
set -euo pipefail
rdiag=$(realpath "$1")
bundle=$(realpath "$2")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check 'mcp>=1.12,<3'
"$work/venv/bin/python" "$here/mcp_client.py" "$rdiag" "$bundle" "$3"
