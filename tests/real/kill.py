#!/usr/bin/env python3
"""Kills `rdiag serve` with SIGKILL at random points while alerts pour in, and looks for what it had promised.

usage: kill.py RDIAG [ROUNDS]

After each kill the store must open again; in the end every alert that was answered 202 must be there, and a
stand-in for a receiver must have been told of every incident at least once. Everything is on 127.0.0.1.
"""
import http.client
import http.server
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

SENDERS = 4


def start(program, folder, config):
    process = subprocess.Popen(
        [program, 'serve', '--listen', '127.0.0.1:0', '--data-dir', f'{folder}/data',
         '--source', f'bundle:{folder}/bundle', '--config.file', config],
        stdout=subprocess.PIPE, stderr=open(f'{folder}/log', 'a'), text=True)
    line = process.stdout.readline()
    if not line:
        sys.exit(f'rdiag serve did not start:\n{open(folder + "/log").read()[-2000:]}')
    return process, int(line.rsplit(':', 1)[1])


def payload(key):
    labels = {'alertname': 'ThanosReceiverDown', 'namespace': 'monitoring', 'pod': 'thanos-receive-1'}
    return json.dumps({
        'version': '4', 'groupKey': key, 'status': 'firing', 'receiver': 'rdiag', 'groupLabels': labels,
        'commonLabels': labels, 'commonAnnotations': {}, 'externalURL': '', 'truncatedAlerts': 0,
        'alerts': [{'status': 'firing', 'labels': labels, 'annotations': {}, 'startsAt': '2026-11-23T02:00:20Z',
                    'endsAt': '0001-01-01T00:00:00Z', 'generatorURL': '', 'fingerprint': key}]})


def send(port, keys, accepted, stop):
    """Sends until the server dies; keeps what was promised."""
    try:
        connection = http.client.HTTPConnection('127.0.0.1', port, timeout=10)
        while not stop.is_set():
            key = next(keys)
            connection.request('POST', '/webhook', payload(key))
            answer = connection.getresponse()
            answer.read()
            if answer.status == 202:
                accepted.append(key)
    except (OSError, http.client.HTTPException):
        pass


class Receiver(http.server.BaseHTTPRequestHandler):
    told = []

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers['content-length'])))
        Receiver.told.append(body['incident']['group_key'])
        self.send_response(200)
        self.send_header('content-length', '0')
        self.end_headers()

    def log_message(self, *_):
        pass


def main():
    program = sys.argv[1]
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 50
    chance = random.Random(7)
    receiver = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        logs = f'{folder}/bundle/logs/monitoring/thanos-receive-1'
        os.makedirs(logs)
        with open(f'{logs}/thanos-receive.log', 'w') as log:
            log.write('ts=2026-11-23T02:00:00Z level=error msg="compaction failed" err="no space left on device"\n' * 9)
        config = f'{folder}/config.yaml'
        with open(config, 'w') as file:
            file.write(f'webhooks:\n  - name: here\n    url: http://127.0.0.1:{receiver.server_port}/\n')
        accepted, numbers = [], iter(range(10 ** 9))
        keys = (f'group-{n}' for n in numbers)
        lock = threading.Lock()

        class Shared:
            def __next__(self):
                with lock:
                    return next(keys)

        for _ in range(rounds):
            process, port = start(program, folder, config)
            stop = threading.Event()
            senders = [threading.Thread(target=send, args=(port, Shared(), accepted, stop)) for _ in range(SENDERS)]
            for sender in senders:
                sender.start()
            time.sleep(chance.uniform(0.005, 0.9))
            process.send_signal(signal.SIGKILL)
            stop.set()
            process.wait()
            for sender in senders:
                sender.join()
            found = sqlite3.connect(f'{folder}/data/incidents.db').execute('PRAGMA integrity_check').fetchone()[0]
            if found != 'ok':
                sys.exit(f'the store is damaged: {found}')
        process, port = start(program, folder, config)
        connection = http.client.HTTPConnection('127.0.0.1', port, timeout=30)
        connection.request('GET', '/api/v1/incidents?limit=50000')
        stored = {i['group_key'] for i in json.load(connection.getresponse())['incidents']}
        lost = set(accepted) - stored
        if lost:
            sys.exit(f'{len(lost)} of {len(accepted)} accepted alerts are lost: {sorted(lost)[:5]}')
        deadline = time.time() + 300
        while set(accepted) - set(Receiver.told) and time.time() < deadline:
            time.sleep(0.5)
        untold = set(accepted) - set(Receiver.told)
        if untold:
            sys.exit(f'nobody was told of {len(untold)} incidents: {sorted(untold)[:5]}')
        process.terminate()
        if process.wait(timeout=60) != 0:
            sys.exit('SIGTERM did not end it well')
        twice = len(Receiver.told) - len(set(Receiver.told))
        print(f'kill: {rounds} kills, {len(accepted)} accepted alerts, none lost; all told, {twice} of them twice')


main()
