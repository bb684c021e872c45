"""Writes all mutants of a file into it, each behind a question, for `tests/mutants/run`."""
import collections


class Source:
    """A file with all its mutants in it."""

    def __init__(self, text, mutants, places):
        self.text = text
        self.starts = [0]
        for line in self.text.split("\n"):
            self.starts.append(self.starts[-1] + len(line) + 1)
        self.groups = collections.defaultdict(list)
        self.left_out = []
        for n, mutant in mutants:
            key = self.key(mutant, places)
            if key:
                self.groups[key].append((n, mutant))
            else:
                self.left_out.append(n)
        # What stands around something else comes first.
        self.keys = sorted(self.groups, key=lambda k: (k[1], -k[2]))

    def span(self, place):
        return (self.starts[place[0] - 1] + place[1], self.starts[place[2] - 1] + place[3])

    def key(self, mutant, places):
        """What is to be written anew for a mutant: kind, where, and what it takes to do so."""
        at = mutant["span"]
        from_, to = ((at[end]["line"], at[end]["column"] - 1) for end in ("start", "end"))
        span = self.span([*from_, *to])
        genre = mutant["genre"]
        if genre == "FnValue":
            return ("function", *span)
        for place in places:
            kind, op = place["kind"], self.span(place["op"])
            sign = self.text[op[0]:op[1]]
            if genre == "BinaryOperator" and kind == "binary" and op[0] == span[0]:
                return ("binary", *self.span(place["all"]), self.span(place["a"]), self.span(place["b"]), sign)
            if genre == "UnaryOperator" and kind == "unary" and op[0] == span[0]:
                return ("unary", *self.span(place["all"]), self.span(place["a"]), sign)
            if genre == "MatchArmGuard" and kind == "guarded" and op == span:
                return ("guard", *op)
            if genre == "MatchArm" and kind in ("guarded", "arm") and self.span(place["all"])[0] == span[0]:
                return ("guard" if kind == "guarded" else "arm", *op)
        return None

    def render(self, start, end, done=()):
        """The text from `start` to `end`, all mutants in it but those of `done`."""
        parts, at = [], start
        for key in self.keys:
            if key not in done and at <= key[1] and key[2] <= end:
                parts += [self.text[at:key[1]], self.one(key, (*done, key))]
                at = key[2]
        return "".join(parts) + self.text[at:end]

    def one(self, key, done):
        kind, start, end = key[:3]
        mutants = [(f"crate::mutated({n})", m["replacement"], m) for n, m in self.groups[key]]
        inner = lambda span: self.render(*span, done)

        def choice(other, usual):
            for on, replacement, _ in mutants:
                usual = f"if {on} {{ {other(replacement)} }} else {{ {usual} }}"
            return usual

        if kind == "function":
            value = lambda v: "" if v == "()" else v
            return "".join(f"if {on} {{ return {value(v)}; }}\n" for on, v, _ in mutants) + inner((start, end))
        if kind == "guard":
            guard = f"({inner((start, end))})"
            for on, value, mutant in mutants:
                always = mutant["genre"] == "MatchArmGuard" and value == "true"
                guard = f"({on} || {guard})" if always else f"(!{on} && {guard})"
            return guard
        if kind == "arm":
            return inner((start, end)) + " if " + " && ".join(f"!{on}" for on, _, _ in mutants)
        if kind == "unary":
            operand = inner(key[3])
            return f"({choice(lambda _: operand, key[4] + operand)})"
        left, right, sign = inner(key[3]), inner(key[4]), key[5]
        if sign in ("&&", "||"):
            # Without a second copy of either side: a || b is !(!a && !b).
            on = mutants[0][0]
            return f"({on} ^ (({on} ^ ({left})) {sign} ({on} ^ ({right}))))"
        if sign in ("==", "!=", "<", ">", "<=", ">="):
            return f"(match (&({left}), &({right})) {{ (l, r) => {choice(lambda o: f'*l {o} *r', f'*l {sign} *r')} }})"
        if sign.endswith("="):
            return "{ " + choice(lambda o: f"{left} {o} {right}", f"{left} {sign} {right}") + " }"
        return f"(match ({left}, {right}) {{ (l, r) => {choice(lambda o: f'l {o} r', f'l {sign} r')} }})"
