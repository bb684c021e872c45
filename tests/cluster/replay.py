"""replay.py CASE_DIR NAMESPACE ENDS: a captured case of a StatefulSet as manifests that replay it.

ENDS says how each ordinal ends, such as `serve,serve,exit 1` (see `replay`). The namespace's name is put in
place of the case's.
"""
import datetime, glob, json, os, re, sys

case, namespace, ends = sys.argv[1:4]
TIME = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z')
STALE = re.compile(r'^(?:# \w+ )?\w*(?:_time|_time_seconds|_timestamp_seconds|_start_time_seconds)\b')
MOST_SECONDS = 45  # a case is replayed at its own pace, but no longer than this
# What stands still in a healthy ring: counters that do would say that nothing is sent.
KEYS = ('thanos_receive_config_hash', 'thanos_receive_hashring_nodes', 'thanos_receive_replication_factor')


def load(path):
    with open(path) as file:
        return json.load(file)


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace('Z', '+00:00')[:26].rstrip('+')
                                           .split('.')[0].split('+')[0]).timestamp()


def replayable(path):
    """Lines as `SECONDS LINE`, relative to the first one."""
    lines, first = [], None
    for line in open(path, errors='replace'):
        line = line.rstrip('\n')
        # The kubelet's time stamp is made anew by the kubelet.
        line = re.sub(r'^\d{4}-\d\d-\d\dT\S+Z ', '', line)
        found = TIME.search(line)
        if found:
            first = first if first is not None else seconds(found.group())
            offset = max(0, min(MOST_SECONDS, int(seconds(found.group()) - first)))
        else:
            offset = lines[-1][0] if lines else 0
        lines.append((offset, TIME.sub('@NOW@', line)))
    return ''.join(f'{offset} {line}\n' for offset, line in lines)


def renamed(value, old):
    text = value if isinstance(value, str) else json.dumps(value)
    text = text.replace(f'.{old}.svc', f'.{namespace}.svc')
    return text if isinstance(value, str) else json.loads(text)


sets = load(glob.glob(f'{case}/kubernetes/*/statefulsets.json')[0])['items']
ring = next(s for s in sets if s['metadata'].get('labels', {}).get('app') == 'thanos-receive'
            or 'receive' in s['metadata']['name'])
old = ring['metadata']['namespace']
pods = [p for p in load(f'{case}/kubernetes/{old}/pods.json')['items']
        if any(o['name'] == ring['metadata']['name'] for o in p['metadata'].get('ownerReferences', []))]
template = ring['spec']['template']
container = template['spec']['containers'][0]
container['args'] = renamed(container['args'], old)
container['command'] = ['/bin/replay']
tag = pods[0]['spec']['containers'][0]['image'].rsplit(':', 1)[1]
container['image'] = f'quay.io/thanos/thanos:{tag}'
container['imagePullPolicy'] = 'IfNotPresent'
container.setdefault('volumeMounts', []).append({'name': 'case', 'mountPath': '/case'})
container['resources'] = {'requests': {'cpu': '1m', 'memory': '8Mi'}, 'limits': {'memory': '32Mi'}}
# Only who does not answer at all is deaf, however busy the machine is.
for probe in ('livenessProbe', 'readinessProbe', 'startupProbe'):
    container.get(probe, {}).update({'timeoutSeconds': 20} if probe in container else {})
container['terminationMessagePolicy'] = 'FallbackToLogsOnError'
template['spec']['terminationGracePeriodSeconds'] = 2
volumes = [v for v in template['spec'].get('volumes', []) if 'configMap' in v]
mounted = {m['name'] for m in container['volumeMounts']}
kept = {v['name'] for v in volumes}
volumes += [{'name': name, 'emptyDir': {}} for name in mounted - kept - {'case'}]
template['spec']['volumes'] = volumes + [{'name': 'case', 'configMap': {'name': 'case'}}]
template['metadata'].pop('creationTimestamp', None)
template['metadata'].pop('annotations', None)

files = {}
how = ends.split(',')
for index, pod in enumerate(sorted(pods, key=lambda p: p['metadata']['name'])):
    name = pod['metadata']['name']
    logs = sorted(glob.glob(f'{case}/logs/{old}/{name}/{container["name"]}*.log'), key=os.path.getsize)
    files[f'{name}.log'] = renamed(replayable(logs[-1]), old) if logs else ''
    scrapes = sorted(glob.glob(f'{case}/metrics/{old}/{name}/*.prom'))
    if scrapes:
        lines = [line for line in open(scrapes[-1]) if line.startswith(KEYS) and not STALE.match(line)]
        files[f'{name}.prom'] = ''.join(lines)
    files[f'{name}.end'] = how[index] + '\n'

objects = [
    {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': namespace}},
    {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'case', 'namespace': namespace}, 'data': files},
]
for volume in volumes:
    if 'configMap' in volume:
        text = renamed(open(f'{case}/config/{old}/hashrings.json').read(), old)
        objects.append({'apiVersion': 'v1', 'kind': 'ConfigMap', 'data': {'hashrings.json': text},
                        'metadata': {'name': volume['configMap']['name'], 'namespace': namespace}})
service = ring['spec'].get('serviceName') or ring['metadata']['name']
objects.append({'apiVersion': 'v1', 'kind': 'Service', 'metadata': {'name': service, 'namespace': namespace},
                'spec': {'clusterIP': 'None', 'selector': ring['spec']['selector']['matchLabels'],
                         'publishNotReadyAddresses': True,
                         'ports': [{'name': 'grpc', 'port': 10901}, {'name': 'http', 'port': 10902}]}})
spec = {'replicas': len(how), 'serviceName': service, 'podManagementPolicy': 'Parallel',
        'selector': ring['spec']['selector'], 'template': template,
        'updateStrategy': {'type': 'RollingUpdate'}}
objects.append({'apiVersion': 'apps/v1', 'kind': 'StatefulSet', 'spec': spec,
                'metadata': {'name': ring['metadata']['name'], 'namespace': namespace,
                             'labels': ring['metadata'].get('labels', {})}})
json.dump({'apiVersion': 'v1', 'kind': 'List', 'items': objects}, sys.stdout, indent=1)
