"""same.py A.yaml B.yaml: whether two sets of manifests say the same, labels of the packaging apart. JSON as
`kubectl ... --dry-run=client -o json` prints it."""
import json, sys

PACKAGING = ('helm.sh/chart', 'app.kubernetes.io/managed-by', 'app.kubernetes.io/version')


def cleaned(value):
    if isinstance(value, dict):
        return {k: cleaned(v) for k, v in value.items()
                if k not in PACKAGING and k != 'kubectl.kubernetes.io/last-applied-configuration' and v not in ({}, None)}
    if isinstance(value, list):
        return [cleaned(v) for v in value]
    return value


def objects(path):
    found, text, decoder = {}, open(path).read().strip(), json.JSONDecoder()
    while text:
        value, end = decoder.raw_decode(text)
        text = text[end:].lstrip()
        for item in value['items'] if value['kind'] == 'List' else [value]:
            item = cleaned(item)
            item['metadata'].pop('annotations', None)
            found[item['kind'], item['metadata'].get('namespace', ''), item['metadata']['name']] = item
    return found


one, other = objects(sys.argv[1]), objects(sys.argv[2])
wrong = [f'only in one of them: {key}' for key in sorted(one.keys() ^ other.keys())]
for key in sorted(one.keys() & other.keys()):
    if one[key] != other[key]:
        a, b = (json.dumps(x, indent=1, sort_keys=True).splitlines() for x in (one[key], other[key]))
        wrong.append(f'{key} differs: {[l.strip() for l in a if l not in b]} against {[l.strip() for l in b if l not in a]}')
sys.exit('\n'.join(wrong) or 0)
