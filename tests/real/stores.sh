#!/usr/bin/env bash
# A real log store on loopback, filled from bundles, each in a tenant of its own. Diagnosis by push-down must be the
# diagnosis of all lines, on every case; a table says how much was read.
#
# usage: tests/real/stores.sh RDIAG loki|victorialogs PROGRAM CASES...
#   CASES   folders with a bundle each, or with a folder `bundle`
set -euo pipefail
rdiag=$(realpath "$1")
kind=$2
program=$(realpath "$3")
shift 3
work=$(mktemp -d)
pid=
finish() {
  local code=$?
  [ -z "$pid" ] || kill "$pid" 2> /dev/null || true
  wait 2> /dev/null || true
  [ $code -eq 0 ] || tail -n 20 "$work/store.log"
  rm -rf "$work"
}
trap finish EXIT

read -r http grpc < <(python3 - <<'PY'
import socket
sockets = [socket.socket() for _ in range(2)]
for s in sockets: s.bind(('127.0.0.1', 0))
print(*(s.getsockname()[1] for s in sockets))
PY
)
cat > "$work/loki.yaml" <<YAML
auth_enabled: true
server: {http_listen_address: 127.0.0.1, http_listen_port: $http, grpc_listen_address: 127.0.0.1, grpc_listen_port: $grpc, log_level: error}
common:
  instance_addr: 127.0.0.1
  path_prefix: $work/loki
  replication_factor: 1
  ring: {instance_addr: 127.0.0.1, kvstore: {store: inmemory}}
schema_config:
  configs: [{from: "2020-01-01", store: tsdb, object_store: filesystem, schema: v13, index: {prefix: index_, period: 24h}}]
storage_config: {filesystem: {directory: $work/loki/chunks}}
# What was just pushed is still in the ingester, however old it says it is.
ingester: {query_store_max_look_back_period: -1ns}
limits_config:
  reject_old_samples: false
  ingestion_rate_mb: 200
  ingestion_burst_size_mb: 400
  per_stream_rate_limit: 200MB
  per_stream_rate_limit_burst: 400MB
  max_line_size: 1MB
  creation_grace_period: 8760h
analytics: {reporting_enabled: false}
YAML
case $kind in
  loki) "$program" -config.file="$work/loki.yaml" > "$work/store.log" 2>&1 & ;;
  victorialogs)
    "$program" -storageDataPath="$work/data" -httpListenAddr="127.0.0.1:$http" -retentionPeriod=100y \
      -futureRetention=1y > "$work/store.log" 2>&1 & ;;
esac
pid=$!
python3 "$(dirname "$0")/stores.py" "$rdiag" "$kind" "http://127.0.0.1:$http" "$@"
