"""slack.py ADDRESS PORT FILE: a stand-in for Slack's incoming webhooks; keeps what it is told in FILE, one message a line."""
import http.server, sys

address, port, kept = sys.argv[1], int(sys.argv[2]), sys.argv[3]


class Slack(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers['content-length']))
        with open(kept, 'ab') as file:
            file.write(body + b'\n')
        self.send_response(200)
        self.send_header('content-length', '2')
        self.end_headers()
        self.wfile.write(b'ok')

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer((address, port), Slack).serve_forever()
