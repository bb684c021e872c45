#!/usr/bin/env bash
# A disk that is really full: `rdiag serve` answers 503, keeps what it had taken, and goes on by itself when
# there is room again. Needs the right to mount a tmpfs.
#
# usage: tests/real/full-disk.sh RDIAG
set -euo pipefail
rdiag=$(realpath "$1")
work=$(mktemp -d)
pid=
finish() { [ -n "$pid" ] && kill "$pid" 2>/dev/null; wait 2>/dev/null; umount "$work/data" 2>/dev/null; rm -rf "$work"; }
trap finish EXIT
mkdir -p "$work/data" "$work/bundle/logs/m/r-0"
echo 'ts=2026-11-23T02:00:00Z level=info msg=ready' >"$work/bundle/logs/m/r-0/thanos-receive.log"
mount -t tmpfs -o size=3m tmpfs "$work/data"
"$rdiag" serve --listen 127.0.0.1:0 --data-dir "$work/data" --source "bundle:$work/bundle" >"$work/out" 2>"$work/log" &
pid=$!
for _ in $(seq 100); do [ -s "$work/out" ] && break; sleep 0.1; done
address=$(sed 's/.* //' "$work/out")
text=$(head -c 12000 /dev/zero | tr '\0' x)
post() {
  curl -s -o "$work/answer" -w '%{http_code}' --max-time 20 --data-binary @- "http://$address/webhook" <<JSON
{"version":"4","groupKey":"g$1","status":"firing","receiver":"r","alerts":[{"status":"firing",
"labels":{"alertname":"X","n":"$1"},"annotations":{"text":"$text"},"startsAt":"2026-11-23T02:00:20Z"}]}
JSON
}
taken=0
while code=$(post $taken); [ "$code" = 202 ]; do
  taken=$((taken + 1))
  [ $taken -lt 1000 ] || { echo "the disk never filled"; exit 1; }
done
[ "$code" = 503 ] || { echo "a full disk answered $code: $(cat "$work/answer")"; exit 1; }
count() { curl -s "http://$address/api/v1/incidents?limit=5000" | python3 -c 'import json,sys; print(len(json.load(sys.stdin)["incidents"]))'; }
[ "$(count)" = $taken ] || { echo "$(count) of $taken are there while the disk is full"; exit 1; }
mount -o remount,size=64m "$work/data"
code=$(post $taken)
[ "$code" = 202 ] || { echo "with room again it answered $code: $(cat "$work/answer")"; exit 1; }
[ "$(count)" = $((taken + 1)) ] || { echo "$(count) of $((taken + 1)) are there in the end"; exit 1; }
echo "full disk: 503 after $taken alerts, none lost, and 202 again with room"
