"""volume.py RDIAG [PODS] [MIB] [LIMIT_MIB]: collects and diagnoses PODS logs of MIB each in one go, from an
API server that has nothing but logs, and says how much memory that took. Fails above LIMIT_MIB."""
import http.server, json, os, signal, socketserver, subprocess, sys, tempfile, time

rdiag = sys.argv[1]
pods, mib, most = [int(a) for a in (sys.argv[2:] + ['50', '100', '64'][len(sys.argv) - 2:])]
LINE = ('2026-01-01T%02d:%02d:%02d.%06dZ ts=2026-01-01T%02d:%02d:%02d.%06dZ caller=handler.go:584 level=%s component=receive '
        'component=receive-handler tenant=team-%d msg="%s" samples=%d\n')


def block(seed):
    """About a MiB of lines, one in fifty a warning."""
    lines = []
    for i in range(4600):
        at = (seed // 60 % 24, seed % 60, i * 60 // 4600, i)
        odd = i % 50 == 0
        lines.append(LINE % (*at, *at, 'warn' if odd else 'info', i % 7,
                             'Error on ingesting out-of-order samples' if odd else 'handling remote write request', i))
    return ''.join(lines).encode()


def pod(i):
    return {'metadata': {'name': f'thanos-receive-{i}', 'namespace': 'big', 'uid': str(i)},
            'spec': {'containers': [{'name': 'thanos-receive', 'image': 'quay.io/thanos/thanos:v0.38.0', 'args': ['receive']}]},
            'status': {'phase': 'Running', 'containerStatuses': [
                {'name': 'thanos-receive', 'ready': True, 'restartCount': 0, 'state': {'running': {}}, 'lastState': {}}]}}


class Api(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        path = self.path.split('?')[0]
        if path.endswith('/log'):
            self.send_response(200)
            self.send_header('transfer-encoding', 'chunked')
            self.end_headers()
            sent, i = 0, 0
            while sent < mib << 20:
                piece = blocks[i % len(blocks)]
                self.wfile.write(b'%x\r\n' % len(piece) + piece + b'\r\n')
                sent, i = sent + len(piece), i + 1
            self.wfile.write(b'0\r\n\r\n')
            return
        items = [pod(i) for i in range(pods)] if path.endswith('/pods') else []
        body = json.dumps({'kind': 'PodList', 'apiVersion': 'v1', 'metadata': {}, 'items': items}).encode()
        self.send_response(200)
        self.send_header('content-length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 256


# The API server is a process of its own: the kernel counts the memory of whoever starts a program as the
# program's, up to the moment when it begins.
server = Server(('127.0.0.1', 0), Api)
child = os.fork()
if child == 0:
    blocks = [block(i) for i in range(8)]
    server.serve_forever()
with tempfile.TemporaryDirectory() as folder:
    config = os.path.join(folder, 'kubeconfig')
    with open(config, 'w') as file:
        json.dump({'apiVersion': 'v1', 'kind': 'Config', 'current-context': 'c', 'users': [{'name': 'c', 'user': {}}],
                   'clusters': [{'name': 'c', 'cluster': {'server': f'http://127.0.0.1:{server.server_port}'}}],
                   'contexts': [{'name': 'c', 'context': {'cluster': 'c', 'user': 'c', 'namespace': 'big'}}]}, file)
    start = time.time()
    command = [rdiag, 'cluster', '--kubeconfig', config, '--scrape=off', '--since', '0', '-o', 'json']
    out, err = os.path.join(folder, 'out'), os.path.join(folder, 'err')
    with open(out, 'wb') as stdout, open(err, 'wb') as stderr:
        running = subprocess.Popen(command, stdout=stdout, stderr=stderr, env={**os.environ, 'TMPDIR': folder})
        _, ended, used = os.wait4(running.pid, 0)
    took = time.time() - start
    os.kill(child, signal.SIGKILL)
    said, complaints = open(out, 'rb').read(), open(err, errors='replace').read()
if os.waitstatus_to_exitcode(ended) not in (0, 1):
    sys.exit(f'volume: exit {os.waitstatus_to_exitcode(ended)}: {complaints}')
report = json.loads(said)
read = sum(s['bytes'] for s in report['coverage']['sources'] if s['kind'] == 'log')
peak = used.ru_maxrss / 1024
print(f'{pods} pods x {mib} MiB: {read / 2**20:.0f} MiB read, {took:.0f} s, peak memory {peak:.1f} MiB')
if peak > most or read < 0.7 * pods * mib * 2**20:
    sys.exit(f'volume: more than {most} MiB, or not everything was read')
