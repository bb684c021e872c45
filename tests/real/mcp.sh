#!/usr/bin/env bash
# `rdiag mcp` spoken to by a real client: the reference SDK of the Model Context Protocol, from its registry.
#
# usage: tests/real/mcp.sh RDIAG BUNDLE CAUSE
#        tests/real/mcp.sh RDIAG --cluster NAMESPACE CAUSE     only what looks at the cluster; CAUSE is a pattern
# RDIAG_MCP_IN=COMMAND runs the client inside of something, such as the network of a test cluster.
set -euo pipefail
rdiag=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check 'mcp>=1.12,<3'
shift
[ "$1" = --cluster ] || set -- "$(realpath "$1")" "$2"
${RDIAG_MCP_IN:-} "$work/venv/bin/python" "$here/mcp_client.py" "$rdiag" "$@"
