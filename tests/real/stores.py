"""Fills a log store from bundles and compares diagnoses: all lines against those that matter.

usage: stores.py RDIAG loki|victorialogs URL CASES...
"""

import calendar
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

TIME = re.compile(
    rb'(?:^|\b(?:ts|time)="?|"(?:ts|time)":")(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z'
)
# Lines of a bundle that go on saying what they say, to make a long healthy day of a short one.
DAY = 'a long healthy day'


def nanos(line):
    found = TIME.search(line)
    if not found:
        return None
    *date, fraction = found.groups()
    seconds = calendar.timegm(tuple(int(part) for part in date))
    return seconds * 10**9 + int((fraction or b'0').ljust(9, b'0'))


def collected(bundle):
    """When the bundle was made: the time of lines in whose log there is none."""
    try:
        with open(os.path.join(bundle, 'manifest.json')) as file:
            return nanos(f'ts={json.load(file)["collected_at"]}'.encode()) or 0
    except (OSError, KeyError, TypeError):
        return 0


def streams(bundle):
    """(labels, [(nanoseconds, line)]) of each log; times rise strictly, as an agent gives them."""
    logs = os.path.join(bundle, 'logs')
    made = collected(bundle)
    for namespace in sorted(os.listdir(logs) if os.path.isdir(logs) else []):
        for pod in sorted(os.listdir(os.path.join(logs, namespace))):
            for name in sorted(os.listdir(os.path.join(logs, namespace, pod))):
                container, previous = name.removesuffix('.log'), False
                if container.endswith('.previous'):
                    container, previous = container.removesuffix('.previous'), True
                with open(os.path.join(logs, namespace, pod, name), 'rb') as file:
                    lines = file.read().splitlines()
                last, entries = 0, []
                first = next((t for t in map(nanos, lines) if t), made)
                for line in lines:
                    last = max(nanos(line) or 0, last + 1, first)
                    entries.append((last, line.decode('utf-8', 'replace')))
                labels = {'namespace': namespace, 'pod': pod, 'container': container,
                          'filename': f'/var/log/pods/{namespace}_{pod}_uid/{container}/{0 if previous else 1}.log'}
                if entries:
                    yield labels, entries


def stretched(entries, times=24 * 6, step=600):
    """What a log says when it has been quiet for a while, said again every ten minutes of a day."""
    quiet = [e for e in entries if b'level=info' in e[1].encode() or b'level=debug' in e[1].encode()]
    steady = [e for e in quiet if re.search(r'upload|write block|Head GC|checkpoint|block|compact', e[1])
              and not re.search(r'eplay|loaded|loading', e[1])][:40]
    end = entries[-1][0]
    begin = steady[0][0] if steady else end
    for minute in range(1, times + 1):
        for at, line in steady:
            moved = end + (minute - 1) * step * 10**9 + (at - begin) % (step * 10**9) + 1
            seconds, fraction = divmod(moved, 10**9)
            text = time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds)) + f'.{fraction:09d}Z'
            yield moved, re.sub(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z', text, line, count=1)


def push(kind, url, tenant, labels, entries):
    path = '/loki/api/v1/push' if kind == 'loki' else '/insert/loki/api/v1/push'
    account, _, project = tenant.partition(':')
    who = {'x-scope-orgid': tenant} if kind == 'loki' else {'AccountID': account, 'ProjectID': project}
    for start in range(0, len(entries), 2000):
        values = [[str(at), line] for at, line in entries[start:start + 2000]]
        body = json.dumps({'streams': [{'stream': labels, 'values': values}]}).encode()
        request = urllib.request.Request(
            url + path, body, {'content-type': 'application/json', **who})
        try:
            urllib.request.urlopen(request, timeout=60).read()
        except urllib.error.HTTPError as error:
            sys.exit(f'{kind}: push for {tenant}: {error.code} {error.read()[:300]!r}')


def ready(kind, url):
    for _ in range(600):
        try:
            urllib.request.urlopen(url + ('/ready' if kind == 'loki' else '/health'), timeout=2).read()
            return
        except OSError:
            time.sleep(0.2)
    sys.exit(f'{kind}: not ready within two minutes')


def diagnose(rdiag, kind, url, tenant, first, last, rest, *more):
    rfc = lambda ns: time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(ns // 10**9))
    command = [rdiag, 'diagnose', f'--{kind}', url, '--log-tenant', tenant, '-o', 'json',
               '--since-time', rfc(first - 2 * 10**9), '--until', rfc(last + 2 * 10**9), *more, rest]
    done = subprocess.run(command, capture_output=True, env={**os.environ, 'RDIAG_LOG_STATS': '1'})
    if done.returncode not in (0, 1):
        sys.exit(f'{" ".join(command)}: exit {done.returncode}: {done.stderr.decode()}')
    numbers = re.search(r'read (\d+) of (\d+) lines, (\d+) of (\d+) bytes, (\d+) streams, (\d+) requests',
                        done.stderr.decode())
    report = json.loads(done.stdout)
    # What was not read is a gap, and must be named; everything else must be equal.
    gaps = report['coverage'].pop('gaps')
    return report, gaps, [int(n) for n in numbers.groups()]


STAMP = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?=[.Z])')


def moved(entries, seconds):
    """The same lines so many seconds later."""
    def later(found):
        at = calendar.timegm(time.strptime(found.group(), '%Y-%m-%dT%H:%M:%S')) + seconds
        return time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(at))
    return [(at + seconds * 10**9, STAMP.sub(later, line)) for at, line in entries]


def served(rdiag, kind, url, bundle):
    """`serve --source` of this store: an alert about lines of just now is diagnosed from them."""
    tenant = 'served' if kind == 'loki' else '8:1'
    logs = list(streams(bundle))
    shift = int(time.time()) - 60 - max(entries[-1][0] for _, entries in logs) // 10**9
    for labels, entries in logs:
        push(kind, url, tenant, labels, moved(entries, shift))
    if kind == 'victorialogs':
        urllib.request.urlopen(url + '/internal/force_flush').read()
    namespace = logs[0][0]['namespace']
    first = min(entries[0][0] for _, entries in logs) // 10**9 + shift
    with open(os.path.join(os.path.dirname(bundle), 'truth.yaml')) as file:
        wanted = re.search(r'^cause: *(\S+)', file.read(), re.M).group(1)
    rfc = lambda at: time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(at))
    labels = {'alertname': 'ThanosReceiverDown', 'namespace': namespace}
    alert = {'version': '4', 'groupKey': '{}:{alertname="ThanosReceiverDown"}', 'status': 'firing', 'receiver': 'rdiag',
             'groupLabels': labels, 'commonLabels': labels, 'commonAnnotations': {}, 'externalURL': '', 'truncatedAlerts': 0,
             'alerts': [{'status': 'firing', 'labels': labels, 'annotations': {}, 'startsAt': rfc(first), 'fingerprint': '1',
                         'endsAt': '0001-01-01T00:00:00Z', 'generatorURL': ''}]}
    with tempfile.TemporaryDirectory() as data:
        server = subprocess.Popen([rdiag, 'serve', '--listen', '127.0.0.1:0', '--data-dir', data, '--source', f'{kind}:{url}'],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, 'RDIAG_LOG_TENANT': tenant})
        try:
            base = 'http://' + server.stdout.readline().decode().strip().rsplit(' ', 1)[1]
            body = json.dumps(alert).encode()
            answer = urllib.request.urlopen(urllib.request.Request(base + '/webhook', body, {'content-type': 'application/json'}))
            if answer.status != 202:
                sys.exit(f'serve: webhook answered {answer.status}')
            for _ in range(120):
                found = json.load(urllib.request.urlopen(base + '/api/v1/incidents?limit=5'))['incidents']
                if found and found[0].get('cause'):
                    break
                time.sleep(1)
            if not found or found[0].get('cause') != wanted:
                sys.exit(f'serve --source {kind}: {found} instead of {wanted}')
        finally:
            server.terminate()
            server.wait()
    print(f'serve --source {kind}: an alert in {namespace} is diagnosed from the store: {wanted}')


def main():
    rdiag, kind, url, *cases = sys.argv[1:]
    ready(kind, url)
    trouble = [case for case in cases if os.path.basename(os.path.normpath(case)) == 'no-space-left-on-one-receiver']
    for case in trouble:
        served(rdiag, kind, url, os.path.join(case, 'bundle'))
    work = tempfile.mkdtemp()
    rows, wrong, names = [], [], set()
    for case in cases:
        name = os.path.basename(os.path.normpath(case))
        bundle = os.path.join(case, 'bundle') if os.path.isdir(os.path.join(case, 'bundle')) else case
        days = [(name, False)] + ([(DAY, True)] if name == 'healthy' else [])
        for title, stretch in days:
            title = re.sub('[^a-z0-9]+', '-', title)
            while title in names:
                title += '-too'
            names.add(title)
            tenant = title if kind == 'loki' else f'7:{len(rows) + 1}'
            first, last = None, None
            for labels, entries in streams(bundle):
                if stretch:
                    entries = entries + list(stretched(entries))
                push(kind, url, tenant, labels, entries)
                first = min(first or entries[0][0], entries[0][0])
                last = max(last or 0, entries[-1][0])
            if first is None:
                continue
            if kind == 'victorialogs':
                urllib.request.urlopen(url + '/internal/force_flush').read()
            rest = os.path.join(work, title)
            keep = lambda folder, _: ['logs'] if os.path.normpath(folder) == os.path.normpath(bundle) else []
            shutil.copytree(bundle, rest, ignore=keep)
            full, _, _ = diagnose(rdiag, kind, url, tenant, first, last, rest, '--log-full')
            part, gaps, numbers = diagnose(rdiag, kind, url, tenant, first, last, rest)
            lines, of_lines, read, of, streams_, requests = numbers
            said = any('counted there and not read' in g['why'] for g in gaps)
            same = full == part and (said or lines == of_lines)
            if not same:
                wrong.append(title)
                keep_ = os.environ.get('RDIAG_KEEP')
                if keep_:
                    for what, report in (('full', full), ('part', part)):
                        with open(os.path.join(keep_, f'{title}.{what}.json'), 'w') as file:
                            json.dump(report, file, indent=1, sort_keys=True)
            verdict = (full['incidents'] or [{}])[0].get('verdict', 'healthy')
            rows.append((read / max(of, 1), title, of_lines, of, read, requests, verdict, 'same' if same else 'DIFFERS'))
    shutil.rmtree(work)
    print(f'{"case":32} {"lines":>8} {"bytes":>11} {"read":>10} {"share":>7} {"requests":>8}  verdict')
    for share, title, lines, of, read, requests, verdict, same in sorted(rows):
        print(f'{title:32} {lines:8} {of:11} {read:10} {share:7.1%} {requests:8}  {verdict} {same}')
    total, of_total = sum(r[4] for r in rows), sum(r[3] for r in rows)
    print(f'{len(rows)} cases, {len(rows) - len(wrong)} the same, {total / max(of_total, 1):.1%} of all bytes read')
    day = [r for r in rows if r[1] == re.sub('[^a-z0-9]+', '-', DAY)]
    if any(r[0] > 0.05 for r in day):
        sys.exit('of a long healthy day more than 5 % of the bytes were read')
    if wrong:
        sys.exit(f'another diagnosis by push-down: {", ".join(wrong)}')


main()
