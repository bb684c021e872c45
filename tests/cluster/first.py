"""first.py REPORT [CAUSE POD]: the first hypothesis of a report; fails when another cause is first, or when POD is
not among its subjects. `healthy` as CAUSE: no incident but benign ones."""
import json, sys

report = json.load(open(sys.argv[1]))
incidents = [i for i in report['incidents'] if i['verdict'] != 'benign']
ranked = [h for i in incidents for h in i['hypotheses'] if h['role'] != 'benign']
first = ranked[0] if ranked else None
names = [s['name'] for s in first['subjects']] if first else []
said = f"{incidents[0]['verdict'] if incidents else 'healthy'} {first['cause'] if first else '-'} {first['probability'] if first else 1:.2f} {names}"
print(said)
if len(sys.argv) > 2:
    cause, pod = sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None
    if cause == 'healthy':
        sys.exit(0 if report['healthy'] else f'expected healthy, got {said}')
    if first is None or first['cause'] not in cause.split('|') or (pod and not any(pod in n for n in names)):
        sys.exit(f'expected {cause} at {pod}, got {said}')
