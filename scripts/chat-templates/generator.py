"""Templates at random: mostly well typed, now and then not. What they read is VARIABLES of template_vectors.py."""

TEXTS = ["", "a", "abc", " a ", "\\n", "a\\nb", "x-y", "A b", "é", "👍", "it\\'s", "<b>", "10", "3.5", "\\t", "ß", "\\r\\n", "{{", "a,b,,c", "\\u2003z\\x1c"]
NUMBERS = ["0", "1", "2", "3", "7", "-1", "-2", "1.5", "2.0", "0.1", "-0.5", "10", "100"]
STRING_NAMES = ["s", "sp", "u", "emoji", "q", "html", "crlf", "d.a", "ld[0].name", "messages[0].role", "messages[-1]['content']"]
NUMBER_NAMES = ["n", "z", "neg", "f", "l[0]", "ld[1].n", "d['b']", "nest.a.b.c"]
LIST_NAMES = ["l", "le", "ls", "lm", "ld", "messages", "d.c", "nested"]
DICT_NAMES = ["d", "de", "nest", "ld[0]", "messages[1]", "keyed"]
MISSING = ["nothing", "d.nothing", "l[9]", "no", "nothing.more", "tools", "documents"]


class Generator:
    def __init__(self, rng):
        self.rng = rng
        self.names = 0

    def pick(self, *choices):
        choice = self.rng.choice(choices)
        return choice() if callable(choice) else choice

    def text(self):
        return f"'{self.rng.choice(TEXTS)}'"

    def any(self, depth):
        return self.rng.choice([self.string, self.number, self.truth, self.list, self.dict, self.missing])(depth)

    def missing(self, depth):
        name = self.rng.choice(MISSING)
        return self.pick(name, f"{name} | default({self.any(depth - 1) if depth > 0 else 1})", f"({name} or {self.text()})")

    def of(self, kind, depth):
        """One in twenty is of another kind than it should be."""
        return self.any(depth) if self.rng.random() < 0.05 else kind(depth)

    def number(self, depth):
        if depth <= 0:
            return self.pick(self.rng.choice(NUMBERS), self.rng.choice(NUMBER_NAMES))
        a, b = self.of(self.number, depth - 1), self.of(self.number, depth - 1)
        return self.pick(
            lambda: f"({a} {self.rng.choice(['+', '-', '*', '/', '//', '%', '**'])} {self.rng.choice(NUMBERS[1:4])})",
            lambda: f"({a} {self.rng.choice(['+', '-', '*'])} {b})",
            lambda: f"{self.of(self.pick(lambda: self.list, lambda: self.string), depth - 1)} | length",
            lambda: f"({a}) | {self.rng.choice(['abs', 'int', 'float', 'round', 'round(1)', 'string | int'])}",
            lambda: f"({self.of(self.string, depth - 1)}).{self.rng.choice(['count', 'find', 'rfind', 'index'])}({self.text()})",
            lambda: f"({a} if {self.truth(depth - 1)} else {b})",
            lambda: f"{self.of(self.list, depth - 1)} | {self.rng.choice(['sum', 'min', 'max', 'first', 'last'])}",
            lambda: f"({self.string(depth - 1)}) | int({self.rng.choice(NUMBERS)})",
            lambda: f"-({a})",
        )

    def string(self, depth):
        if depth <= 0:
            return self.pick(self.text, lambda: self.rng.choice(STRING_NAMES))
        a, b = self.of(self.string, depth - 1), self.of(self.string, depth - 1)
        return self.pick(
            lambda: f"({a} + {b})",
            lambda: f"({a} ~ {self.any(depth - 1)})",
            lambda: f"({a}).{self.rng.choice(['upper', 'lower', 'title', 'capitalize', 'strip', 'lstrip', 'rstrip', 'swapcase'])}()",
            lambda: f"({a}).{self.rng.choice(['strip', 'lstrip', 'rstrip', 'removeprefix', 'removesuffix'])}({self.text()})",
            lambda: f"({a}).replace({self.text()}, {self.text()})",
            lambda: f"({a}) | {self.rng.choice(['upper', 'lower', 'title', 'capitalize', 'trim', 'string', 'first', 'last', 'reverse', 'escape', 'indent', 'indent(2, true)', 'urlencode', 'wordcount', 'center(9)', 'tojson'])}",
            lambda: f"({a}) | replace({self.text()}, {self.text()})",
            lambda: f"({a})[{self.pick('1:', ':-1', '::-1', '0', '-1', '1:3', '::2', '-2:')}]",
            lambda: f"{self.any(depth - 1)} | {self.rng.choice(['string', 'tojson', 'tojson(indent=2)', 'trim', 'upper', 'tojson(ensure_ascii=true)', 'tojson(sort_keys=true)'])}",
            lambda: f"{self.of(self.list, depth - 1)} | join({self.text()})",
            lambda: f"({a} if {self.truth(depth - 1)} else {b})",
            lambda: f"({a}).split({self.pick(self.text, '')})[{self.pick('0', '-1', '1')}]",
            lambda: f"('%s-%s' % ({self.any(depth - 1)}, {b}))",
            lambda: f"'{{}}:{{}}'.format({self.any(depth - 1)}, {b})",
            lambda: f"({self.dict(depth - 1)}).get('a', {a})",
        )

    def truth(self, depth):
        if depth <= 0:
            return self.pick("true", "false", "t", "fa", "not n", "no")
        a = self.any(depth - 1)
        return self.pick(
            lambda: f"({a} {self.rng.choice(['==', '!='])} {self.any(depth - 1)})",
            lambda: f"({self.of(self.number, depth - 1)} {self.rng.choice(['<', '<=', '>', '>='])} {self.of(self.number, depth - 1)})",
            lambda: f"({self.of(self.string, depth - 1)} {self.rng.choice(['<', '>', '=='])} {self.of(self.string, depth - 1)})",
            lambda: f"({a} {self.rng.choice(['in', 'not in'])} {self.of(self.list, depth - 1)})",
            lambda: f"({self.string(depth - 1)} in {self.of(self.pick(lambda: self.string, lambda: self.dict), depth - 1)})",
            lambda: f"({a} is {self.rng.choice(['', 'not '])}{self.rng.choice(['string', 'number', 'none', 'defined', 'undefined', 'mapping', 'sequence', 'iterable', 'boolean', 'integer', 'float', 'true', 'false', 'odd', 'even', 'lower', 'upper', 'callable'])})",
            lambda: f"({self.truth(depth - 1)} {self.rng.choice(['and', 'or'])} {self.truth(depth - 1)})",
            lambda: f"(not {a})",
            lambda: f"({self.of(self.string, depth - 1)}).{self.rng.choice(['startswith', 'endswith'])}({self.text()})",
            lambda: f"({self.string(depth - 1)}).{self.rng.choice(['isdigit', 'isalpha', 'isspace', 'isupper', 'islower', 'isalnum'])}()",
        )

    def list(self, depth):
        if depth <= 0:
            return self.pick(self.rng.choice(LIST_NAMES), "[]", f"[{self.text()}, {self.rng.choice(NUMBERS)}]")
        a = self.of(self.list, depth - 1)
        return self.pick(
            lambda: f"[{', '.join(self.any(depth - 1) for _ in range(self.rng.randrange(4)))}]",
            lambda: f"({self.any(depth - 1)}, {self.any(depth - 1)})",
            lambda: f"({a})[{self.pick('1:', ':-1', '::-1', ':2', '::2')}]",
            lambda: f"({a} + {self.list(depth - 1)})",
            lambda: f"({self.of(self.string, depth - 1)}).split({self.pick(self.text, '')})",
            lambda: f"{a} | {self.rng.choice(['sort', 'reverse', 'unique', 'list', 'select', 'reject', 'batch(2)', 'slice(2)'])} | list",
            lambda: f"{a} | map('{self.rng.choice(['string', 'upper', 'trim', 'length', 'tojson', 'default'])}') | list",
            lambda: f"{a} | {self.rng.choice(['select', 'reject'])}('{self.rng.choice(['string', 'none', 'number', 'defined', 'odd', 'mapping'])}') | list",
            lambda: f"ld | {self.rng.choice(['selectattr', 'rejectattr'])}({self.pick(chr(39) + 'on' + chr(39), chr(39) + 'n' + chr(39) + ', ' + chr(39) + 'equalto' + chr(39) + ', 2', chr(39) + 'on' + chr(39) + ', ' + chr(39) + 'defined' + chr(39))}) | map(attribute='{self.rng.choice(['name', 'n', 'on'])}') | list",
            lambda: f"{self.of(self.dict, depth - 1)} | {self.rng.choice(['dictsort', 'items | list', 'list'])}",
            lambda: f"({self.of(self.dict, depth - 1)}).{self.rng.choice(['keys', 'values', 'items'])}() | list",
            lambda: f"range({self.rng.choice(['3', '1, 4', '5, 0, -2', 'n'])}) | list",
        )

    def dict(self, depth):
        if depth <= 0:
            return self.pick(self.rng.choice(DICT_NAMES), "{}", "{'a': 1}")
        return self.pick(
            lambda: "{" + ", ".join(f"'{key}': {self.any(depth - 1)}" for key in self.rng.sample(["a", "b", "x y", "1"], self.rng.randrange(4))) + "}",
            lambda: f"dict(a={self.any(depth - 1)}, b={self.any(depth - 1)})",
            lambda: f"({self.dict(0)} if {self.truth(depth - 1)} else {self.dict(0)})",
        )

    # Statements

    def open(self):
        return "{%" + self.rng.choice(["", "", "-", "+"]) + " "

    def close(self):
        return " " + self.rng.choice(["", "", "-"]) + "%}"

    def tag(self, inside):
        return self.open() + inside + self.close()

    def gap(self):
        return self.rng.choice(["", "", "\n", "  ", "\n  ", " \n", "x", "x ", " y\n", "\n\n", "\t", "\r\n"])

    def shown(self, depth):
        return "{{" + self.rng.choice(["", "", "-"]) + " " + self.any(depth) + " " + self.rng.choice(["", "", "-"]) + "}}"

    def block(self, depth, in_loop=False):
        return "".join(self.gap() + self.statement(depth, in_loop) for _ in range(self.rng.randrange(1, 4))) + self.gap()

    def fresh(self):
        self.names += 1
        return f"v{self.names}"

    def statement(self, depth, in_loop):
        if depth <= 0:
            return self.shown(1)
        name = self.fresh()
        inner = lambda loop=in_loop: self.block(depth - 1, loop)  # noqa: E731
        choices = [
            lambda: self.shown(2),
            lambda: self.tag(f"if {self.truth(2)}") + inner() + (self.tag("else") + inner() if self.rng.random() < 0.5 else "") + self.tag("endif"),
            lambda: self.tag(f"if {self.truth(1)}") + inner() + self.tag(f"elif {self.truth(1)}") + inner() + self.tag("endif"),
            lambda: self.tag(f"for {name} in {self.of(self.list, 1)}{self.pick('', ' if ' + name + ' is string')}")
            + "{{ " + self.rng.choice([name, "loop.index", "loop.first", "loop.last", "loop.length", "loop.revindex0", "loop.previtem", "loop.cycle('a', 'b')"]) + " }}"
            + inner(True) + (self.tag("else") + inner() if self.rng.random() < 0.2 else "") + self.tag("endfor"),
            lambda: self.tag(f"for k, {name} in {self.dict(1)}.items()") + "{{ k }}{{ " + name + " }}" + inner(True) + self.tag("endfor"),
            lambda: self.tag(f"set {name} = {self.any(2)}") + "{{ " + name + " }}" + inner(),
            lambda: self.tag(f"set {name}") + inner() + self.tag("endset") + "[{{ " + name + " }}]{{ " + name + " | length }}",
            lambda: self.tag(f"set {name} = namespace(a={self.any(1)})") + self.tag("for i in l") + self.tag(f"set {name}.a = {self.pick(name + '.a', 'i')} ~ {self.any(1)}") + self.tag("endfor") + "{{ " + name + ".a }}",
            lambda: self.tag(f"macro {name}(a, b={self.any(1)})") + "{{ a }}{{ b }}" + inner(False) + self.tag("endmacro") + "{{ " + name + f"({self.pick('', self.any(1), 'b=' + self.any(0) + ', a=1', '1, 2')}) }}}}",
            lambda: self.tag(f"filter {self.rng.choice(['upper', 'trim', 'length', 'replace(chr, 1)' if False else 'title'])}") + inner() + self.tag("endfilter"),
            lambda: self.tag("generation") + inner(False) + self.tag("endgeneration"),
            lambda: self.tag(f"with {name} = {self.any(1)}") + "{{ " + name + " }}" + inner() + self.tag("endwith"),
            lambda: "{#" + self.rng.choice(["", "-"]) + " c " + self.rng.choice(["", "-"]) + "#}",
            lambda: self.tag("raw") + " {{ x }} " + self.tag("endraw"),
        ]
        if in_loop:
            choices.append(lambda: self.tag(f"if {self.truth(1)}") + self.gap() + self.tag(self.rng.choice(["break", "continue"])) + self.tag("endif"))
        return self.rng.choice(choices)()


def generated(rng, count):
    """As many expressions as statements."""
    for i in range(count):
        generator = Generator(rng)
        yield generator.shown(1 + i // 2 % 3) if i % 2 == 0 else generator.block(1 + i // 2 % 2)
