#!/usr/bin/env bash
# Peak resident memory (VmHWM) of rdiag on inputs that tempt it to keep too much. Fails above 64 MiB.
#
# usage: benches/memory.sh [GIBIBYTES]    size of the large stream, default 10
set -euo pipefail
cd "$(dirname "$0")/.."
gibibytes=${1:-10}
rdiag=${RDIAG:-target/release/rdiag}
[ -x "$rdiag" ] || cargo build --release
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 benches/corpus.py half 32 "$work/half.log"

make() {
  case $1 in
  stream) for _ in $(seq $((gibibytes * 1024 / 31))); do cat "$work/half.log"; done ;;
  line) printf 'ts=2026-03-01T00:00:00Z level=error err="'; head -c 1G /dev/zero | tr '\0' x; echo ;;
  pods) python3 -c '
for n in range(1_000_000):
    print(f"[pod/pod-{n}-x/thanos-receive] ts=2026-03-01T00:00:00Z level=error msg=\"internal server error\" err=\"context deadline exceeded\"")' ;;
  templates) python3 -c '
import random
rng = random.Random(1)
for n in range(500_000):
    words = " ".join("%08x" % rng.randrange(1 << 32) for _ in range(14))
    print(f"ts=2026-03-01T00:00:00Z level=error caller=a{n}.go:1 msg=\"failed {n:x} {words}\" err=\"{words}: connection refused\"")' ;;
  esac
}

status=0
for input in stream line pods templates; do
  # The shell reports the peak of its child once that is done: GNU time reads VmHWM of it.
  peak=$({ make "$input" 2>/dev/null || true; } | { /usr/bin/time -f %M "$rdiag" --threads 2 --exit-zero - 2>&1 >/dev/null | tail -n 1; })
  echo "$input: $((peak / 1024)) MiB"
  [ "$peak" -le $((64 * 1024)) ] || status=1
done
exit $status
