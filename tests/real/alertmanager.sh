#!/usr/bin/env bash
# The whole way with real programs, all on loopback: Prometheus scrapes a ring that breaks and evaluates the rules
# that `rdiag alerts` prints; Alertmanager delivers to `rdiag serve`; serve diagnoses a bundle, shows the answer on
# its page and tells a stand-in for Slack.
#
# usage: tests/real/alertmanager.sh RDIAG BUNDLE CAUSE
#   BUNDLE  a bundle to diagnose, and CAUSE the id that must be found in it
set -euo pipefail
rdiag=$(realpath "$1")
bundle=$(realpath "$2")
cause=$3
work=$(mktemp -d)
pids=()
finish() {
  local code=$?
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  [ $code -eq 0 ] || tail -n 20 "$work"/*.log
  rm -rf "$work"
}
trap finish EXIT
fail() { echo "alertmanager: $*" >&2; exit 1; }

# Waits until a command succeeds.
eventually() {
  local what=$1 seconds=$2
  shift 2
  for _ in $(seq $((seconds * 5))); do "$@" >/dev/null 2>&1 && return; sleep 0.2; done
  fail "$what did not happen within $seconds s"
}

# Free ports of loopback.
read -r ring slack prometheus alertmanager serve < <(python3 - <<'PY'
import socket
sockets = [socket.socket() for _ in range(5)]
for s in sockets: s.bind(('127.0.0.1', 0))
print(*(s.getsockname()[1] for s in sockets))
PY
)

# A member of the ring that is down for its scraper, and a stand-in for Slack that keeps what it is told.
python3 - "$ring" "$slack" "$work/slack.json" >"$work/standins.log" 2>&1 <<'PY' &
import http.server, sys, threading
ring, slack, kept = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
class Ring(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(503)
    def log_message(self, *_): pass
class Slack(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers['content-length']))
        with open(kept, 'ab') as file: file.write(body + b'\n')
        self.send_response(200); self.send_header('content-length', '2'); self.end_headers(); self.wfile.write(b'ok')
    def log_message(self, *_): pass
threading.Thread(target=http.server.ThreadingHTTPServer(('127.0.0.1', ring), Ring).serve_forever, daemon=True).start()
http.server.ThreadingHTTPServer(('127.0.0.1', slack), Slack).serve_forever()
PY
pids+=($!)

# The rules as printed, but that nobody here waits five minutes.
"$rdiag" alerts --plain --web.external-url "http://127.0.0.1:$serve" | sed 's/for: .*m$/for: 0m/' >"$work/rules.yaml"
cat >"$work/prometheus.yaml" <<YAML
global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [ $work/rules.yaml ]
alerting: { alertmanagers: [ { static_configs: [ { targets: [ "127.0.0.1:$alertmanager" ] } ] } ] }
scrape_configs:
  - job_name: thanos-receive
    static_configs: [ { targets: [ "127.0.0.1:$ring" ], labels: { namespace: monitoring, pod: thanos-receive-1 } } ]
YAML
cat >"$work/alertmanager.yaml" <<YAML
route: { receiver: rdiag, group_by: [ alertname, namespace ], group_wait: 1s, group_interval: 2s, repeat_interval: 1h }
receivers:
  - name: rdiag
    webhook_configs: [ { url: "http://127.0.0.1:$serve/webhook", send_resolved: true } ]
YAML
printf 'http://127.0.0.1:%s/services/T0/B0/secret\n' "$slack" >"$work/slack-url"
cat >"$work/rdiag.yaml" <<YAML
external_url: http://127.0.0.1:$serve
slack: [ { name: oncall, webhook_url_file: $work/slack-url } ]
YAML

"$rdiag" serve --check-config --listen "127.0.0.1:$serve" --data-dir "$work/data" --source "bundle:$bundle" --config.file "$work/rdiag.yaml" >/dev/null
"$rdiag" serve --listen "127.0.0.1:$serve" --data-dir "$work/data" --source "bundle:$bundle" \
  --config.file "$work/rdiag.yaml" >"$work/serve.out" 2>"$work/serve.log" &
pids+=($!)
prometheus-alertmanager --config.file="$work/alertmanager.yaml" --storage.path="$work/am" --cluster.listen-address= \
  --web.listen-address="127.0.0.1:$alertmanager" >"$work/alertmanager.log" 2>&1 &
pids+=($!)
eventually "serve is ready" 30 curl -sf "http://127.0.0.1:$serve/-/ready"
eventually "Alertmanager is ready" 30 curl -sf "http://127.0.0.1:$alertmanager/-/ready"
prometheus --config.file="$work/prometheus.yaml" --storage.tsdb.path="$work/tsdb" --web.listen-address="127.0.0.1:$prometheus" \
  >"$work/prometheus.log" 2>&1 &
pids+=($!)

incident() {
  curl -sf "http://127.0.0.1:$serve/api/v1/incidents?q=ThanosReceiverDown" | python3 -c '
import json, sys
found = [i for i in json.load(sys.stdin)["incidents"] if i["labels"].get("alertname") == "ThanosReceiverDown"]
assert found and found[0]["verdict"] and found[0]["state"] == "firing"
print(found[0]["id"], found[0]["cause"], found[0]["annotations"]["incident_url"])'
}
eventually "the alert arrives and is diagnosed" 120 incident
read -r id found link < <(incident)
[ "$found" = "$cause" ] || fail "found $found instead of $cause"
page=$(curl -sf "http://127.0.0.1:$serve/incidents/$id")
grep -q "ThanosReceiverDown" <<<"$page" || fail "the page does not show the alert"
grep -q "id=\"incident-1\"" <<<"$page" || fail "the page does not show the answer"
# The annotation's link leads to that page.
where=$(curl -s -o /dev/null -w '%{redirect_url}' "$link")
case "$where" in */incidents/*) ;; *) fail "$link leads to $where" ;; esac
eventually "Slack is told" 60 grep -q "rdiag explain $cause" "$work/slack.json"
grep -q "127.0.0.1:$serve/incidents/$id" "$work/slack.json" || fail "the message does not link to the page"
# What Alertmanager says: nothing failed.
failed=$(curl -s "http://127.0.0.1:$alertmanager/metrics" | awk '/^alertmanager_notifications_failed_total\{.*webhook/ { n += $2 } END { print n + 0 }')
[ "$failed" = 0 ] || fail "$failed notifications of Alertmanager failed"
# The member comes back: the alert ends, and so does the incident.
curl -sf -XPOST "http://127.0.0.1:$alertmanager/api/v2/alerts" -H 'content-type: application/json' -d "[{
  \"labels\": {\"alertname\": \"ThanosReceiverDown\", \"namespace\": \"elsewhere\", \"pod\": \"r-9\"},
  \"startsAt\": \"2026-01-01T00:00:00Z\"}]"
gone() { curl -sf "http://127.0.0.1:$serve/api/v1/incidents?q=elsewhere&state=$1" | grep -q '"id"'; }
eventually "a second group arrives" 30 gone firing
curl -sf -XPOST "http://127.0.0.1:$alertmanager/api/v2/alerts" -H 'content-type: application/json' -d "[{
  \"labels\": {\"alertname\": \"ThanosReceiverDown\", \"namespace\": \"elsewhere\", \"pod\": \"r-9\"},
  \"startsAt\": \"2026-01-01T00:00:00Z\", \"endsAt\": \"2026-01-01T00:00:01Z\"}]"
eventually "it is closed" 60 gone resolved
echo "alertmanager: rule → Prometheus → Alertmanager → serve → $cause → page and Slack; resolved closes"
