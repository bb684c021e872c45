"""prometheus.py ADDRESS PORT: answers the query API as a Prometheus does, for one receiver of namespace `sources`;
nothing is known of most metrics."""
import http.server, json, sys, time, urllib.parse

LABELS = {'namespace': 'sources', 'pod': 'thanos-receive-0', 'container': 'thanos-receive', 'job': 'kubelet'}
VALUES = {'container_memory_working_set_bytes': 50 << 20, 'kube_pod_container_status_restarts_total': 0}


class Api(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        asked = urllib.parse.parse_qs(url.query)['query'][0]
        name, now = asked.split('{')[0], int(time.time())
        metric = {'__name__': name, **LABELS}
        if url.path.endswith('/query_range'):
            points = [[now - 60, str(VALUES.get(name, 0))], [now, str(VALUES.get(name, 0))]]
            data = {'resultType': 'matrix', 'result': [{'metric': metric, 'values': points}] if name in VALUES else []}
        else:
            data = {'resultType': 'vector', 'result': []}
        body = json.dumps({'status': 'success', 'data': data}).encode()
        self.send_response(200)
        self.send_header('content-type', 'application/json')
        self.send_header('content-length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Api).serve_forever()
