#!/usr/bin/env python3
"""Opens every page of `rdiag serve` in a real Chromium, at a phone's and a desktop's width, light and dark.

usage: pages.py RDIAG BUNDLE CAUSE [FOLDER]

Each page must show without an error in the console, without being wider than the window, without running
anything that a label or log line holds, and with names on all controls. A page that is open must change by
itself when an incident does, and everything must work without JavaScript. With FOLDER, pictures of all pages
are left there to be looked at. Everything is on 127.0.0.1.
"""
import base64
import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse

SIZES = {'phone': (360, 740), 'desktop': (1280, 900)}
HOSTILE = '</td><script>alert(1)</script><img src=x onerror=alert(2)>\u202e'

# What is wrong with a page, as the page itself can tell.
JUDGE = r'''(() => {
  const wrong = [];
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (wide > 0) {
    const right = document.documentElement.clientWidth;
    // What sticks out, unless something around it scrolls.
    const scrolls = (e) => e && (getComputedStyle(e).overflowX !== 'visible' || scrolls(e.parentElement));
    const out = [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > right + 1
      && !scrolls(e.parentElement));
    wrong.push(`${wide}px too wide: ` + out.slice(0, 3).map(e => e.outerHTML.slice(0, 80)).join(' | '));
  }
  for (const e of document.querySelectorAll('input, select, textarea, button, a[href]')) {
    if (e.type === 'hidden') continue;
    const name = e.getAttribute('aria-label') || e.textContent.trim() || (e.labels && e.labels[0]?.textContent.trim());
    if (!name) wrong.push('no name: ' + e.outerHTML.slice(0, 80));
  }
  if (document.querySelectorAll('h1').length !== 1) wrong.push(document.querySelectorAll('h1').length + ' h1');
  if (!document.documentElement.lang) wrong.push('no lang');
  if (!document.querySelector('main')) wrong.push('no main');
  for (const e of document.querySelectorAll('svg')) {
    if (e.getAttribute('aria-hidden') !== 'true' && !e.querySelector('title') && !e.getAttribute('aria-label')
      && !e.getAttribute('aria-labelledby')) wrong.push('a picture without words');
  }
  // Contrast of text with what is behind it: 4.5, or 3 where it is large.
  const channel = (v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const parse = (c) => (c.match(/[\d.]+/g) || []).map(Number);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    }
    return matchMedia('(prefers-color-scheme: dark)').matches ? [18, 18, 18] : [255, 255, 255];
  };
  const seen = new Set();
  for (const e of document.querySelectorAll('body *')) {
    const text = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!text || e.closest('svg') || !e.getClientRects().length) continue;
    const style = getComputedStyle(e);
    const a = light(parse(style.color)), b = light(behind(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || size >= 18.66 && +style.fontWeight >= 700;
    const key = e.tagName + e.className;
    if (ratio < (large ? 3 : 4.5) && !seen.has(key)) {
      seen.add(key);
      wrong.push(`contrast ${ratio.toFixed(2)}: ${e.outerHTML.slice(0, 80)}`);
    }
  }
  return wrong;
})()'''


class Browser:
    """Chromium, spoken to over a pipe."""

    def __init__(self, folder):
        program = next(filter(None, map(shutil.which, ['chromium', 'chromium-browser', 'google-chrome'])), None)
        if not program:
            sys.exit('pages: there is no Chromium')
        to_read, self.to = os.pipe()
        self.back, to_write = os.pipe()

        def inherit():
            # Chromium reads commands from 3 and answers on 4.
            low, high = os.dup(to_read), os.dup(to_write)
            os.dup2(low, 3)
            os.dup2(high, 4)

        self.process = subprocess.Popen(
            [program, '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
             '--hide-scrollbars', '--remote-debugging-pipe', f'--user-data-dir={folder}/chromium', 'about:blank'],
            preexec_fn=inherit, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self.buffer, self.number, self.events, self.session = b'', 0, [], None
        target = self.ask('Target.createTarget', url='about:blank')['targetId']
        self.session = self.ask('Target.attachToTarget', targetId=target, flatten=True)['sessionId']
        for domain in ('Page', 'Runtime', 'Log', 'Network'):
            self.ask(f'{domain}.enable')

    def receive(self, seconds):
        import select
        end = time.time() + seconds
        while b'\0' not in self.buffer:
            if not select.select([self.back], [], [], max(0, end - time.time()))[0]:
                return None
            chunk = os.read(self.back, 1 << 20)
            if not chunk:
                sys.exit('pages: Chromium ended')
            self.buffer += chunk
        message, self.buffer = self.buffer.split(b'\0', 1)
        return json.loads(message)

    def ask(self, method, **params):
        self.number += 1
        message = {'id': self.number, 'method': method, 'params': params}
        if self.session:
            message['sessionId'] = self.session
        data = json.dumps(message).encode() + b'\0'
        while data:
            data = data[os.write(self.to, data):]
        while True:
            answer = self.receive(60)
            if answer is None:
                sys.exit(f'pages: Chromium does not answer {method}')
            if answer.get('id') == self.number:
                if 'error' in answer:
                    sys.exit(f'pages: {method}: {answer["error"]}')
                return answer['result']
            self.events.append(answer)

    def run(self, script):
        answer = self.ask('Runtime.evaluate', expression=script, returnByValue=True, awaitPromise=True)
        if 'exceptionDetails' in answer:
            sys.exit(f'pages: {answer["exceptionDetails"]}')
        return answer['result'].get('value')

    def open(self, url):
        self.events.clear()
        self.ask('Page.navigate', url=url)
        end = time.time() + 30
        while not any(e.get('method') == 'Page.loadEventFired' for e in self.events) and time.time() < end:
            event = self.receive(1)
            if event:
                self.events.append(event)

    def complaints(self):
        """What the console and the network say."""
        event = self.receive(0.2)
        while event:
            self.events.append(event)
            event = self.receive(0.05)
        found = []
        for event in self.events:
            method, params = event.get('method'), event.get('params', {})
            if method == 'Runtime.exceptionThrown':
                found.append('exception: ' + params['exceptionDetails'].get('text', ''))
            elif method == 'Log.entryAdded':
                found.append('log: ' + params['entry']['text'])
            elif method == 'Runtime.consoleAPICalled':
                found.append('console: ' + str(params['args'][:1]))
            elif method == 'Page.javascriptDialogOpening':
                found.append('something ran: ' + params['message'])
            elif method == 'Network.loadingFailed' and not params.get('canceled'):
                found.append('not loaded: ' + params.get('errorText', ''))
        return found

    def size(self, width, height, dark, phone):
        self.ask('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=1, mobile=phone)
        scheme = 'dark' if dark else 'light'
        self.ask('Emulation.setEmulatedMedia', features=[{'name': 'prefers-color-scheme', 'value': scheme}])

    def picture(self, path):
        data = self.ask('Page.captureScreenshot', format='png', captureBeyondViewport=True)['data']
        with open(path, 'wb') as file:
            file.write(base64.b64decode(data))

    def close(self):
        self.process.terminate()
        self.process.wait()


def delivery(key, name, status='firing', extra=None):
    labels = {'alertname': name, 'namespace': 'monitoring', 'pod': 'thanos-receive-1', 'severity': 'critical'}
    labels.update(extra or {})
    return json.dumps({
        'version': '4', 'groupKey': key, 'status': status, 'receiver': 'rdiag', 'truncatedAlerts': 0,
        'groupLabels': {'alertname': name}, 'commonLabels': labels, 'commonAnnotations': {},
        'externalURL': 'http://127.0.0.1:9093', 'alerts': [{
            'status': status, 'labels': labels, 'fingerprint': key, 'generatorURL': '',
            'annotations': {'summary': 'Thanos Receiver is down', 'text': HOSTILE},
            'startsAt': '2026-11-23T02:00:20Z', 'endsAt': '0001-01-01T00:00:00Z'}]})


class Server:
    def __init__(self, program, bundle, folder):
        self.process = subprocess.Popen(
            [program, 'serve', '--listen', '127.0.0.1:0', '--data-dir', f'{folder}/data', '--source', f'bundle:{bundle}'],
            stdout=subprocess.PIPE, stderr=open(f'{folder}/log', 'w'), text=True)
        self.port = int(self.process.stdout.readline().rsplit(':', 1)[1])
        self.base = f'http://127.0.0.1:{self.port}'

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=60)
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()

    def deliver(self, *args, **kwargs):
        status, body = self.ask('POST', '/webhook', delivery(*args, **kwargs))
        if status != 202:
            sys.exit(f'pages: the webhook answered {status}: {body}')

    def answered(self):
        end = time.time() + 120
        while time.time() < end:
            incidents = json.loads(self.ask('GET', '/api/v1/incidents')[1])['incidents']
            if incidents and all(i['verdict'] for i in incidents if i['state'] == 'firing'):
                return incidents
            time.sleep(0.3)
        sys.exit('pages: there was no answer')


def main():
    program, bundle, cause = sys.argv[1:4]
    pictures = sys.argv[4] if len(sys.argv) > 4 else None
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        server = Server(os.path.abspath(program), os.path.abspath(bundle), folder)
        browser = Browser(folder)
        try:
            walk(server, browser, cause, pictures, wrong)
        finally:
            browser.close()
            server.process.terminate()
            server.process.wait()
    if wrong:
        sys.exit('pages:\n' + '\n'.join(wrong))
    print('pages: all show well in Chromium, on a phone and a desktop, light and dark, live and without JavaScript')


def walk(server, browser, cause, pictures, wrong):
    look(server, browser, {'empty': '/'}, pictures, wrong)
    server.deliver('down', 'ThanosReceiverDown')
    server.deliver('hostile', HOSTILE, extra={'x"onload="': HOSTILE, 'long': 'x' * 300})
    server.deliver('over', 'ThanosReceiveNoUpload')
    found = server.answered()
    server.deliver('over', 'ThanosReceiveNoUpload', status='resolved')
    newest = {i['group_key']: i['id'] for i in found}
    if not any(i['cause'] == cause for i in found):
        wrong.append(f'no incident has the cause {cause}')
    down, hostile = newest['down'], newest['hostile']
    form = urllib.parse.urlencode({'right': 'no', 'cause': 'disk-full', 'note': HOSTILE})
    server.ask('POST', f'/incidents/{newest["over"]}/feedback', form, {'content-type': 'application/x-www-form-urlencoded'})
    look(server, browser, {
        'list': '/', 'none': '/?q=nothing-has-this', 'incident': f'/incidents/{down}',
        'incident-hostile': f'/incidents/{hostile}', 'incident-over': f'/incidents/{newest["over"]}',
        'manual': '/manual', 'manual-cause': f'/manual/{cause}', 'manual-none': '/manual?q=nothing-has-this',
        'status': '/status', 'report': f'/api/v1/incidents/{down}/report?format=html',
    }, pictures, wrong)
    live(server, browser, down, wrong)
    plain(server, browser, down, cause, wrong)


def look(server, browser, pages, pictures, wrong):
    for size, (width, height) in SIZES.items():
        for dark in (False, True):
            browser.size(width, height, dark, size == 'phone')
            for name, path in pages.items():
                browser.open(server.base + path)
                where = f'{name}, {size}, {"dark" if dark else "light"}'
                wrong += [f'{where}: {what}' for what in browser.complaints() + browser.run(JUDGE)]
                if pictures:
                    os.makedirs(pictures, exist_ok=True)
                    browser.picture(f'{pictures}/{name}-{size}-{"dark" if dark else "light"}.png')


def live(server, browser, incident, wrong):
    """An open page changes by itself, and keeps open what was open; commands can be copied."""
    browser.size(*SIZES['desktop'], False, False)
    browser.open(f'{server.base}/incidents/{incident}')
    time.sleep(0.5)
    browser.run("document.querySelector('#live details').open = true")
    server.deliver('down', 'ThanosReceiverDown', extra={'pod': 'thanos-receive-1', 'more': 'yes'})
    server.deliver('down', 'ThanosReceiverDown', status='resolved')
    end = time.time() + 20
    over = "!!document.querySelector('#live .about .state.resolved')"
    while time.time() < end and not browser.run(over):
        time.sleep(0.3)
    if not browser.run(over):
        wrong.append('an open page does not change when its incident is over')
    if not browser.run("document.querySelector('#live details').open"):
        wrong.append('an update closes what was open')
    browser.ask('Browser.grantPermissions', origin=server.base, permissions=['clipboardReadWrite', 'clipboardSanitizedWrite'])
    copied = browser.run("""(async () => {
        const button = document.querySelector('.copied button');
        if (!button) return 'no button';
        const code = button.parentElement.querySelector('code').textContent;
        window.focus(); button.click();
        await new Promise(r => setTimeout(r, 300));
        return button.textContent === 'Copied' && await navigator.clipboard.readText() === code ? '' : button.textContent;
    })()""")
    if copied:
        wrong.append(f'copying a command: {copied}')
    wrong += [f'live: {what}' for what in browser.complaints()]


def plain(server, browser, incident, cause, wrong):
    """Without JavaScript: search, feedback and a fresh look are forms."""
    browser.ask('Emulation.setScriptExecutionDisabled', value=True)
    browser.open(f'{server.base}/incidents/{incident}')
    text = browser.run('document.body.innerText')
    if cause not in text:
        wrong.append('without JavaScript the answer is missing')
    browser.run("document.querySelector('form.feedback').submit()")
    end = time.time() + 10
    said = 'this was the cause, '
    while time.time() < end and said not in (browser.run('document.body ? document.body.innerText : ""') or ''):
        time.sleep(0.3)
    if said not in browser.run('document.body.innerText'):
        wrong.append('without JavaScript feedback is not kept')
    status, truth = server.ask('GET', f'/incidents/{incident}/truth.yaml')
    if status != 200 or f'cause: "{cause}"' not in truth.decode():
        wrong.append(f'truth.yaml: {status} {truth!r}')


main()
