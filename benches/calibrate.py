#!/usr/bin/env python3
"""Fits the one global number of the answer, the temperature on its log-odds, and says how good it is.

    cargo build --release
    benches/calibrate.py --rdiag target/release/rdiag CASES… [--write]

CASES are folders of incidents, each with a `truth.yaml`. The temperature minimises the log loss of the
first hypothesis. It is judged by leaving out, in turn, every cause and every version of Thanos: what is
printed as held out was never fitted on. `--write` puts number and figures into
`src/diagnosis/calibration.json`, which is compiled in.

Leaks, priors and the table of words are knowledge, not parameters: `--words` shows what each word would
be worth a step higher or lower, and fits nothing.
"""
import argparse, concurrent.futures, json, math, os, pathlib, re, shutil, subprocess, sys, tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
FILE = ROOT / "src/diagnosis/calibration.json"
GRID = [round(0.5 + 0.05 * n, 2) for n in range(71)]  # 0.5 … 4.0
BINS = 10
# Values of inference.md § 3.2, and the neighbours tried by --words.
WORDS = {"always": (0.98, 0.95, 0.995), "almost_always": (0.95, 0.9, 0.98), "usually": (0.85, 0.75, 0.92),
         "often": (0.6, 0.5, 0.7), "sometimes": (0.3, 0.2, 0.4), "rarely": (0.1, 0.05, 0.15),
         "hardly_ever": (0.02, 0.01, 0.05)}


def truth(folder):
    """The few keys of truth.yaml that matter here; it is flat but for lists."""
    keys, last = {}, None
    for line in (folder / "truth.yaml").read_text().splitlines():
        item = re.match(r"\s*-\s+(.+)", line)
        pair = re.match(r"(\w+):\s*(.*)", line)
        if item and last:
            keys.setdefault(last, []).append(item[1].strip(" '\""))
        elif pair:
            last, value = pair[1], pair[2].strip()
            if value.startswith("["):
                keys[last] = [v.strip(" '\"") for v in value.strip("[]").split(",") if v.strip()]
            else:
                keys[last] = value.strip(" '\"") if value else []
    return keys


def look(rdiag, folder, env=None):
    """(cause, version, raw probability, right) of the first hypothesis; None where none is due."""
    keys = truth(folder)
    cause = keys.get("cause", "none")
    if cause in ("none", "undecidable"):
        return None
    with tempfile.TemporaryDirectory() as room:
        # The truth is not shown.
        shutil.copytree(folder, room + "/case", ignore=shutil.ignore_patterns("truth.yaml", "report.*"))
        run = subprocess.run([rdiag, "-o", "json", room + "/case"], capture_output=True, env=env)
    try:
        report = json.loads(run.stdout)
    except ValueError:
        sys.exit(f"{folder}: rdiag answered no JSON: {run.stderr.decode()[:300]}")
    raised = [i for i in report["incidents"] if i["verdict"] != "benign"]
    named = [h for i in raised for h in i["hypotheses"] if h["role"] != "benign"]
    if not named:
        return cause, keys.get("thanos_version", ""), None, False
    right = {cause, *keys.get("accept", []), *keys.get("also", [])}
    return cause, keys.get("thanos_version", ""), named[0]["probability"], named[0]["cause"] in right


def looks(rdiag, cases, env=None):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return [row for row in pool.map(lambda c: look(rdiag, c, env), cases) if row]


def cool(p, t):
    p = min(max(p, 1e-4), 1 - 1e-4)  # reports print four digits
    return 1 / (1 + math.exp(-math.log(p / (1 - p)) / t))


def loss(rows, t):
    return sum(-math.log(cool(p, t) if right else 1 - cool(p, t)) for _, _, p, right in rows) / len(rows)


def fit(rows):
    return min(GRID, key=lambda t: (loss(rows, t), abs(t - 1)))


def ece(pairs):
    """Expected calibration error: ten bins of equal mass, ties kept together."""
    pairs, total, at = sorted(pairs), 0.0, 0
    size = max(1, len(pairs) // BINS)
    while at < len(pairs):
        end = min(at + size, len(pairs))
        while end < len(pairs) and pairs[end][0] == pairs[end - 1][0]:
            end += 1
        part = pairs[at:end]
        total += abs(sum(p for p, _ in part) - sum(r for _, r in part))
        at = end
    return total / len(pairs)


def held_out(rows, key):
    """Probabilities of each group, cooled by what fits all other groups."""
    pairs, temperatures = [], []
    for group in sorted({row[key] for row in rows}):
        rest = [r for r in rows if r[key] != group]
        t = fit(rest)
        temperatures.append(t)
        pairs += [(cool(p, t), right) for *_, p, right in (r for r in rows if r[key] == group)]
    return {"ece": round(ece(pairs), 4), "temperatures": [min(temperatures), max(temperatures)]}


def words(rdiag, cases):
    for word, (value, *others) in WORDS.items():
        for other in others:
            with tempfile.TemporaryDirectory() as room:
                shutil.copytree(ROOT / "patterns", room, dirs_exist_ok=True)
                for path in [*pathlib.Path(room, "causes").glob("*"), *pathlib.Path(room, "states").glob("*")]:
                    path.write_text(re.sub(rf"\bq: {word}\b", f"q: {other}", path.read_text()))
                rows = looks(rdiag, cases, {**os.environ, "RDIAG_PATTERNS": room})
            rights = sum(r[3] for r in rows)
            print(f"{word} {value} → {other}: right {rights}/{len(rows)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rdiag", default=str(ROOT / "target/release/rdiag"))
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--words", action="store_true")
    parser.add_argument("cases", nargs="+")
    args = parser.parse_args()
    cases = sorted(p.parent for root in args.cases for p in pathlib.Path(root).rglob("truth.yaml"))
    if args.words:
        return words(args.rdiag, cases)
    now = json.loads(FILE.read_text())["temperature"]
    rows = [r for r in looks(args.rdiag, cases) if r[2] is not None]
    # What is printed is cooled already: undo it.
    rows = [(c, v, cool(p, 1 / now), right) for c, v, p, right in rows]
    t = fit(rows)
    figures = {
        "temperature": t,
        "cases": len(rows),
        "right": sum(r[3] for r in rows),
        "log_loss": {"at_1": round(loss(rows, 1.0), 4), "fitted": round(loss(rows, t), 4)},
        "ece": {"at_1": round(ece([(p, r) for *_, p, r in rows]), 4),
                "fitted": round(ece([(cool(p, t), r) for *_, p, r in rows]), 4)},
        "held_out_by_cause": held_out(rows, 0),
        "held_out_by_version": held_out(rows, 1),
    }
    print(json.dumps(figures, indent=2))
    if args.write:
        FILE.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
