#!/usr/bin/env python3
"""Makes a log of a given size out of the lines in `corpus/`.

usage: corpus.py healthy|half|json|prefixed|cri MEGABYTES FILE

Times advance from line to line and numbers, ids and ports differ, so that no line is there twice; what
stays the same is what a release prints. The same arguments give the same bytes.
"""
import os
import random
import re
import sys
import json

HERE = os.path.dirname(os.path.abspath(__file__))
ULID = re.compile(r"01[0-9A-HJKMNP-TV-Z]{24}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
NUMBER = re.compile(r"(?<=[= ])\d+(?:\.\d+)?(?=[ mnµs\"]|$)")
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def lines(name):
    with open(os.path.join(HERE, "corpus", name + ".log"), encoding="utf-8") as file:
        return file.read().splitlines()


def anew(line, at, rng):
    """The same line at another time, with other numbers and ids."""
    second, milli = divmod(at, 1000)
    minute, second = divmod(second, 60)
    hour, minute = divmod(minute, 60)
    day, hour = divmod(hour, 24)
    time = f"2026-03-{1 + day % 28:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}{rng.randrange(10**6):06}Z"
    line = TIME.sub(time, line)
    line = ULID.sub(lambda _: "01" + "".join(rng.choices(LETTERS, k=24)), line)
    return NUMBER.sub(lambda m: str(rng.randrange(10 ** min(len(m.group()), 9))), line), time


def frame(kind, line, time, rng):
    if kind == "prefixed":
        return f"[pod/thanos-receive-{rng.randrange(3)}/thanos-receive] {time} {line}"
    if kind == "cri":
        return f"{time} stderr F {line}"
    if kind == "json":
        pairs = re.findall(r'([^ =]+)=("(?:[^"\\]|\\.)*"|[^ ]*)', line)
        plain = {k: json.loads(v) if v.startswith('"') else v for k, v in pairs if "\\x" not in v}
        return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
    return line


def main():
    kind, size, path = sys.argv[1], int(float(sys.argv[2]) * 1_000_000), sys.argv[3]
    rng = random.Random(5)
    healthy, errors = lines("healthy"), lines("errors")
    share = 0.5 if kind == "half" else 0.01
    block, length, at = [], 0, 0
    # One block is made, and repeated: what a page of the log looks like matters, not how it goes on.
    while length < min(size, 16_000_000):
        line, time = anew(rng.choice(errors if rng.random() < share else healthy), at, rng)
        line = (frame(kind, line, time, rng) + "\n").encode()
        block.append(line)
        length += len(line)
        at += rng.randrange(40)
    block = b"".join(block)
    with open(path, "wb") as file:
        for _ in range(max(1, size // len(block))):
            file.write(block)


main()
