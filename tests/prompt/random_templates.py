"""Random templates that mostly make sense: statements and expressions of the language, by type, over fixed data."""
import random

DATA = {
    "messages": [{"role": "system", "content": "Be brief.\n"}, {"role": "user", "content": "  Xin chào, thế giới! "},
                 {"role": "assistant", "content": "<think>\nhm\n</think>\n\nHello", "tool_calls": [
                     {"type": "function", "function": {"name": "f", "arguments": {"a": 1, "b": [True, None]}}}]},
                 {"role": "tool", "content": ""}],
    "n": 3, "neg": -7, "zero": 0, "x": -2.5, "tiny": 1e-7, "big": 12345678901234567,
    "s": "Straße 'ΟΔΟΣ' \"quoted\" \\ \n two", "t": " a,b ,c ", "empty": "", "word": "chat", "html": "<b>&amp;</b>",
    "l": [3, 1, 2], "words": ["b", "A", "c", "B"], "mixed": [1, "1", None, 1.0, [], {}], "none_left": [],
    "d": {"b": 2, "a": 1, "items": "shadow", "A": [1, 2]}, "flag": True, "off": False, "nil": None,
    "pairs": [["k", 1], ["v", 2]], "people": [{"name": "Lan", "age": 31}, {"name": "ba", "age": 7}, {"name": "Chi"}],
}
FILES = {
    "base.jinja": "[{% block head %}H{{ n }}{% endblock %}|{% block body scoped %}{% endblock %}]\n{{ word }}",
    "mid.jinja": "{% extends 'base.jinja' %}{% set word = 'mid' %}{% block head %}m{{ super() }}{% endblock %}",
    "part.jinja": "({{ word }}{{ loop.index if loop is defined }}{% for i in l %}{{ i }}{% endfor %})\n",
}
TEXTS = ["a", " ", "\n", "  \n  ", "x\n\n", "<|im_start|>", "é", "\t", "{", "%}", "}}", "# ", "'"]


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.names = []
        self.depth = 0
        self.blocks = 0

    def one(self, *choices):
        return self.random.choice(choices)

    def chance(self, share):
        return self.random.random() < share

    def wrong(self, wanted):
        """Sometimes a value of another type."""
        return self.chance(0.03) and self.expression(self.one("string", "integer", "list", "dict", "boolean"))

    def expression(self, kind):
        self.depth += 1
        try:
            if self.depth > 4:
                return self.leaf(kind)
            return self.wrong(kind) or getattr(self, kind)()
        finally:
            self.depth -= 1

    def leaf(self, kind):
        if self.names and self.chance(0.15):
            return self.one(*self.names)
        return self.one(*{
            "string": ["s", "t", "empty", "word", "html", "'lit'", "\"a\\n'b\\u00e9\"", "messages[1].content", "role",
                       "messages[0]['role']", "nil", "missing"],
            "integer": ["n", "neg", "zero", "1", "0x1f", "1_000", "loop.index", "l[0]", "d.a", "-2"],
            "number": ["n", "x", "2.5", "1e3", "tiny", "7", "-0.0"],
            "list": ["l", "words", "mixed", "none_left", "[1, 'a']", "messages", "(1, 2)", "range(4)", "people", "[]"],
            "dict": ["d", "messages[2]", "{}", "{'k': n, 2: 'v'}", "people[0]"],
            "boolean": ["flag", "off", "true", "nil", "loop.first", "loop.last", "missing"],
        }[kind])

    def string(self):
        e = self.expression
        pick = self.random.randrange(26)
        if pick < 5:
            return self.leaf("string")
        if pick < 9:
            return f"{e('string')} | {self.one('upper', 'lower', 'title', 'capitalize', 'trim', 'string', 'e', 'length', 'default(1)', 'list', 'first', 'last', 'reverse', 'wordcount', 'tojson', 'center(9)', 'indent(2)', 'indent(1, true)', 'truncate(5)')}"
        if pick < 13:
            return f"({e('string')}).{self.one('upper()', 'lower()', 'title()', 'capitalize()', 'strip()', 'lstrip()', 'rstrip()', 'swapcase()', 'zfill(8)', 'center(7)', 'ljust(6)', 'rjust(6)', 'isupper()', 'isdigit()', 'isalpha()', 'isspace()', 'splitlines()')}"
        if pick == 13:
            return f"({e('string')}).replace({e('string')}, {e('string')})"
        if pick == 14:
            return f"({e('string')}).{self.one('strip', 'lstrip', 'rstrip')}({self.one(chr(39) + ' a' + chr(39), e('string'))})"
        if pick == 15:
            return f"({e('string')}).{self.one('split', 'rsplit')}({self.one('', chr(39) + ',' + chr(39), e('string'))}){self.one('', '[0]', '[-1]', '[5]')}"
        if pick == 16:
            return f"({e('string')})[{self.slice()}]"
        if pick == 17:
            return f"({e('string')}) {self.one('+', '~')} ({e('string')})"
        if pick == 18:
            return f"{e('number')} ~ {e('list')}"
        if pick == 19:
            return f"({e('list')}) | join({self.one(chr(39) + '-' + chr(39), e('string'), '')})"
        if pick == 20:
            return f"({e(self.one('dict', 'list', 'number', 'boolean', 'string'))}) | tojson({self.one('', 'indent=2', 'sort_keys=true', 'ensure_ascii=true', 'separators=(chr, 1)' if self.chance(0.1) else 'indent=1')})"
        if pick == 21:
            return f"'{self.one('%s', '%5s|', '%-4s|', '%r', '%d', '%03d', '%.2f', '%+d', '%x', '%e', '%g', '%s %s', '%%')}' % {self.one(e('string'), e('number'), '(' + e('integer') + ',)')}"
        if pick == 22:
            return f"({e('string')} if {e('boolean')} else {e('string')})"
        if pick == 23:
            return f"({e('string')}).{self.one('find', 'count', 'startswith', 'endswith', 'removeprefix', 'partition')}({e('string')})"
        if pick == 24:
            return f"({e('string')}) | replace({e('string')}, {e('string')})"
        return f"({e('string')}) * {self.one('0', '2', '-1', 'n')}"

    def integer(self):
        e = self.expression
        pick = self.random.randrange(8)
        if pick < 3:
            return self.leaf("integer")
        if pick == 3:
            return f"({e('integer')}) {self.one('+', '-', '*', '//', '%')} ({e('integer')})"
        if pick == 4:
            return f"({e(self.one('list', 'string', 'dict'))}) | {self.one('length', 'count')}"
        if pick == 5:
            return f"({e(self.one('string', 'number'))}) | int{self.one('', '(5)')}"
        if pick == 6:
            return f"-{e('integer')} | abs"
        return f"({e('integer')}) ** {self.one('0', '1', '2', '-1')}"

    def number(self):
        e = self.expression
        pick = self.random.randrange(8)
        if pick < 3:
            return self.leaf("number")
        if pick < 5:
            return f"({e('number')}) {self.one('+', '-', '*', '/', '//', '%')} ({e('number')})"
        if pick == 5:
            return f"({e('number')}) | round({self.one('', '1', '2', '0, %sfloor%s' % (chr(39), chr(39)), '1, %sceil%s' % (chr(39), chr(39)))})"
        if pick == 6:
            return f"({e(self.one('string', 'integer'))}) | float"
        return f"({e('list')}) | {self.one('sum', 'max', 'min')}"

    def list(self):
        e = self.expression
        pick = self.random.randrange(14)
        if pick < 3:
            return self.leaf("list")
        if pick == 3:
            return f"({e('list')})[{self.slice()}]"
        if pick == 4:
            return f"({e('list')}) | {self.one('sort', 'sort(reverse=true)', 'list', 'unique | list', 'reverse | list', 'first', 'last', 'batch(2) | list', 'batch(3, 0) | list', 'length')}"
        if pick == 5:
            return f"({e('list')}) | map({self.one(*['%s%s%s' % (chr(39), f, chr(39)) for f in ['upper', 'string', 'length', 'int', 'tojson', 'nothing', 'default']], 'attribute=%srole%s' % (chr(39), chr(39)), 'attribute=%sname%s, default=1' % (chr(39), chr(39)), 'attribute=0')}) | list"
        if pick == 6:
            return f"({e('list')}) | {self.one('select', 'reject')}({self.one('', *['%s%s%s' % (chr(39), t, chr(39)) for t in ['string', 'none', 'odd', 'number', 'mapping', 'defined', 'true']], '%sequalto%s, 1' % (chr(39), chr(39)), '%sin%s, l' % (chr(39), chr(39)))}) | list"
        if pick == 7:
            return f"(messages if {e('boolean')} else people) | {self.one('selectattr', 'rejectattr')}({self.one('%srole%s' % (chr(39), chr(39)), '%srole%s, %sequalto%s, %suser%s' % ((chr(39),) * 6), '%sage%s, %sdefined%s' % ((chr(39),) * 4), '%sage%s, %s>%s, 9' % ((chr(39),) * 4), '%stool_calls.0%s' % ((chr(39),) * 2))}) | list"
        if pick == 8:
            return f"({e('list')}) + ({e('list')})"
        if pick == 9:
            return f"[{e('string')}, {e('integer')}, {e('boolean')}]"
        if pick == 10:
            return f"({e('dict')}) | {self.one('items | list', 'dictsort', 'list', 'dictsort(by=%svalue%s)' % (chr(39), chr(39)), 'dictsort(reverse=true)')}"
        if pick == 11:
            return f"({e('dict')}).{self.one('items()', 'keys()', 'values()')} | list"
        if pick == 12:
            return f"people | sort(attribute={self.one('%sname%s' % (chr(39), chr(39)), '%sage%s' % (chr(39), chr(39)))})"
        return f"range({e('integer')}, {self.one('5', '-3', 'n')}, {self.one('1', '2', '-1', '0')}) | list"

    def dict(self):
        e = self.expression
        pick = self.random.randrange(5)
        if pick < 2:
            return self.leaf("dict")
        if pick == 2:
            return "{" + f"'a': {e('string')}, {e(self.one('string', 'integer'))}: {e('list')}" + "}"
        if pick == 3:
            return f"dict({self.one('', 'd', 'pairs')}{'' if self.chance(0.5) else ''})"
        return f"dict(a={e('integer')}, b={e('string')})"

    def boolean(self):
        e = self.expression
        pick = self.random.randrange(11)
        any_kind = self.one("string", "integer", "list", "dict", "boolean", "number")
        if pick < 2:
            return self.leaf("boolean")
        if pick == 2:
            return f"({e('boolean')}) {self.one('and', 'or')} ({e('boolean')})"
        if pick == 3:
            return f"not {e('boolean')}"
        if pick < 6:
            return f"({e(any_kind)}) is {self.one('', 'not ')}{self.one('defined', 'undefined', 'none', 'string', 'number', 'integer', 'float', 'boolean', 'mapping', 'iterable', 'sequence', 'callable', 'true', 'false', 'lower', 'upper', 'odd', 'even', 'divisibleby 3', 'divisibleby(2)', 'eq 1', 'in [1, 2]', 'sameas none', 'equalto(n)', 'ne n', 'gt 2', 'le 3', 'test', 'filter')}"
        if pick == 6:
            return f"({e(any_kind)}) {self.one('==', '!=')} ({e(any_kind)})"
        if pick == 7:
            return f"({e('number')}) {self.one('<', '<=', '>', '>=')} ({e('number')})"
        if pick == 8:
            return f"({e('string')}) {self.one('in', 'not in')} ({e(self.one('string', 'list', 'dict'))})"
        if pick == 9:
            return f"{e('integer')} < {e('integer')} <= {e('number')}"
        return f"({e('dict')}).get({self.one('%sa%s' % (chr(39), chr(39)), e('string'))}{self.one('', ', 5')})"

    def slice(self):
        bound = lambda: self.one("", "", "1", "-1", "2", "n", "neg", "0")
        return self.one(f"{bound()}:{bound()}", f"{bound()}:{bound()}:{self.one('', '1', '2', '-1', '-2')}", "0", "-1", "1", "99",
                        "n")

    def any(self):
        return self.expression(self.one("string", "string", "integer", "number", "list", "dict", "boolean"))

    def tag(self, inner):
        return "{%" + self.one("", "", "-", "+") + f" {inner} " + self.one("", "", "-", "") + "%}"

    def body(self, size=3):
        return "".join(self.statement() for _ in range(self.random.randrange(size + 1)))

    def name(self):
        name = self.one("a", "b", "c", "role", "word", "n")
        self.names.append(name)
        return name

    def statement(self):
        self.depth += 1
        try:
            pick = self.random.randrange(30)
            if self.depth > 4 or pick < 5:
                return "".join(self.one(*TEXTS) for _ in range(self.random.randrange(1, 4)))
            if pick < 13:
                return "{{" + self.one("", "-") + f" {self.any()} " + self.one("", "-") + "}}"
            return self.block(pick)
        finally:
            self.depth -= 1

    def block(self, pick):
        tag = self.tag
        if pick < 16:
            return (tag(f"if {self.expression('boolean')}") + self.body()
                    + (tag(f"elif {self.any()}") + self.body() if self.chance(0.3) else "")
                    + (tag("else") + self.body() if self.chance(0.5) else "") + tag("endif"))
        if pick < 20:
            target, source = self.one(("m", self.expression("list")), ("role", self.expression("list")),
                                      ("k, v", f"({self.expression('dict')}).items()"), ("c", self.leaf("string")))
            condition = self.one("", "", f" if {self.expression('boolean')}")
            body = self.body(4) + self.one("", "", "{{ loop.index0 }}{{ loop.revindex }}", "{{ loop.length }}",
                                           "{{ loop.cycle('p', 'q') }}", "{{ loop.previtem }}{{ loop.nextitem }}",
                                           tag(f"if {self.expression('boolean')}") + tag(self.one("break", "continue"))
                                           + tag("endif"))
            other = tag("else") + self.body(1) if self.chance(0.2) else ""
            return tag(f"for {target} in {source}{condition}") + body + other + tag("endfor")
        if pick == 20:
            return tag(f"set {self.name()} = {self.any()}")
        if pick == 21:
            # A new name each time: within the body jinja2 takes it for undefined, and we for what it was before.
            self.blocks += 1
            name = f"block{self.blocks}"
            made = tag(f"set {name}{self.one('', ' | upper', ' | trim | length')}") + self.body() + tag("endset")
            self.names.append(name)
            return made
        if pick == 22:
            return (tag("set ns = namespace(x=0, y='')") + tag("for i in l") + tag(f"set ns.x = ns.x + {self.leaf('integer')}")
                    + tag(f"set ns.y = {self.any()}") + tag("endfor") + "{{ ns.x }}{{ ns.y }}")
        if pick == 23:
            name = self.one("m1", "m2")
            return (tag(f"macro {name}(a, b={self.any()})") + self.body() + "{{ a }}{{ b }}"
                    + self.one("", "{{ caller() if caller }}", "{{ varargs }}{{ kwargs }}") + tag("endmacro")
                    + "{{ " + f"{name}({self.any()}{self.one('', ', b=1', ', 2', ', 2, 3', ', z=4')})" + " }}"
                    + (tag(f"call {name}(1)") + self.body(1) + tag("endcall") if self.chance(0.3) else ""))
        if pick == 24:
            return tag(f"with {self.name()} = {self.any()}, q = 2") + self.body() + tag("endwith")
        if pick == 25:
            return tag(f"filter {self.one('upper', 'trim', 'title | e', 'replace(%sa%s, %sb%s)' % ((chr(39),) * 4))}") + self.body() + tag("endfilter")
        if pick == 26:
            return "{#" + self.one("", "-", "+") + " note " + self.one("", "-") + "#}"
        if pick == 27:
            return tag("raw") + self.one("{{ x }}", "{% if %}", " \n ", "{#") + tag("endraw")
        if pick == 28:
            return tag("include " + self.one("'part.jinja'", "'base.jinja'", "'none.jinja' ignore missing",
                                             "['none.jinja', 'part.jinja']", "'part.jinja' ignore missing with context"))
        return tag("generation") + self.body() + tag("endgeneration")

    def template(self):
        if self.chance(0.1):
            head = self.tag(f"extends '{self.one('base.jinja', 'mid.jinja')}'")
            return (head + self.body() + self.tag("block head") + self.body() + self.one("", "{{ super() }}")
                    + self.tag("endblock") + self.tag("block body") + self.body() + self.tag("endblock"))
        return self.body(6)

    def damaged(self):
        """A template with a few characters gone, doubled or moved: mostly wrong, and both must say so."""
        text = self.template()
        for _ in range(self.random.randrange(1, 3)):
            if text:
                at = self.random.randrange(len(text))
                end = at + self.random.randrange(1, 4)
                text = self.one(text[:at] + text[end:], text[:end] + text[at:], text[:at] + self.one(*"{}%()[]|'\".,:=~-") + text[at:])
        return text
