#!/usr/bin/env bash
# Proves with Prometheus' own promtool that each rule `rdiag alerts` prints can fire, and that all are
# silent on the series of a healthy ring; for every variant of the rules.
#
# usage: tests/real/alerts.sh RDIAG
set -euo pipefail
rdiag=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

proven=0
for version in "" 0.27.0 0.28.0 0.34.1 0.36.1 0.38.0 0.39.2 0.43.0; do
  rules=$work/rules.yaml
  "$rdiag" alerts --plain ${version:+--thanos-version "$version"} >"$rules"
  promtool check rules "$rules" >"$work/out" || { cat "$work/out"; exit 1; }
  # Metrics that a version does not have yet have no rule.
  without=()
  for alert in ThanosReceiveTenantLimitedByHeadSeries ThanosReceiveLimitsHighMetaMonitoringQueriesFailureRate \
    ThanosReceiveLimitsConfigReloadFailure; do
    grep -q "alert: $alert\$" "$rules" || without+=(--without "$alert")
  done
  sed "s|RULES|$rules|" "$here/rules/healthy.test.yaml" >"$work/healthy.yaml"
  python3 "$here/rules/broken.py" "$rules" "${without[@]}" >"$work/broken.yaml"
  promtool test rules "$work/healthy.yaml" "$work/broken.yaml" >"$work/out" 2>&1 || { cat "$work/out"; exit 1; }
  # Every rule printed fires in some case.
  for alert in $(sed -n 's/^ *- alert: //p' "$rules"); do
    grep -q "alertname=\\\\\"$alert\\\\\"" "$work/broken.yaml" || { echo "$alert is proved by no case"; exit 1; }
  done
  proven=$((proven + $(grep -c -- '- alert:' "$rules")))
done
# The operator's form holds the same rules.
diff <("$rdiag" alerts -o json | python3 -c 'import json,sys; print(json.load(sys.stdin)["spec"]["groups"])') \
     <("$rdiag" alerts --plain -o json | python3 -c 'import json,sys; print(json.load(sys.stdin)["groups"])')
echo "alerts: $proven rules in 8 variants can fire, and are silent on a healthy ring"
