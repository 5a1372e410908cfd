"""Small templates, a few for each part of the language, and the data they are given."""
DATA = {
    "n": 3, "x": -2.5, "s": "a,b,,c", "v": "Xin chào thế giới", "html": "<b>'&\"</b>", "l": [3, 1, 2], "nil": None,
    "words": ["b", "A", "c"], "d": {"a": 1, "b": [1, {"c": None}], "items": 5}, "empty": "", "yes": True, "none_left": [],
    "people": [{"name": "Lan", "age": 31, "at": {"x": 1}}, {"name": "Bo", "age": 7, "at": {"x": 0}}],
}
FILES = {
    "base": "A{% block a %}a{{ n }}{% endblock %}B{% block b scoped %}b{% endblock %}C{% block c required %}{% endblock %}",
    "mid": "{% extends 'base' %}{% block a %}m{{ super() }}{% endblock %}{% block c %}mc{% endblock %}",
    "part": "[{{ n }}{{ only }}{{ loop.index }}]", "loop": "{% include 'loop' %}",
    "blocks": "{% for i in l %}{% block i scoped %}{{ i }}{% endblock %}{% endfor %}{% block j %}{{ i }}{% endblock %}",
}
WHITESPACE = [
    "a\n  {% if yes %}  \n b {{ n }}  \n  {% endif %}\n c\n", "a \n {%- if yes -%} \n b {%- endif -%} \n c",
    "  {%+ if yes %}x{%+ endif %}\n", "{% if yes +%}\n x\n{% endif +%}\n y", "{{ n -}} \n {{- n }} {{ n }}\n\n", "x\n\n", "x\n",
    "a {#- note -#} b {# c #}\nd\n  {# e #}\n  f", "{%- raw -%} {{ n }} {% x %} {#{%- endraw -%} y", "{% raw %}\n a{% endraw %}\n b",
    "a\r\nb\rc{{ '\r\n' }}", "{# a {{ b #} c", "{% if yes %}\n\n{% endif %}", "\t{% set q = 1 %}\t\n{{ q }}", "{{'}}'}} {{ {'a':{}} }}",
    "{%if yes%}1{%endif%}", "{{-n-}}", "{{ n", "{% if yes %}", "{# open", "{% raw %} x", "{% endif %}", "{{ ) }}", "{{ (] }}", "{%-%}",
    "a{{ '{%' }}b{{ '#}' }}", "{{ n }}}", "{", "{ {", "%} #} }}",
]
EXPRESSIONS = [
    "1 + 2 * 3 ** 2 // 4 % 5 - -6", "2 ** 3 ** 2", "-2 ** 2", "7 // -2", "-7 % 3", "7 % -3", "-7.5 // 2", "-7.5 % 2", "1 / 3", "6 / 3",
    "1e16", "1e15", "123456789.125", "1e-4", "1e-5", "0.1 + 0.2", "1_000", "0xff + 0b11 + 0o17", "5.", "1.e3", "9223372036854775807",
    "1 / 0", "1 % 0", "2 ** -1", "10 ** 15", "0 ** 0", "n ~ x ~ nil ~ yes", "'a' + 'b' ~ 1 + 2", "'a' + 1", "[1] + [2]", "(1,) + (2,)",
    "[1] + (2,)", "'ab' * 3", "3 * [1, 2]", "'a' * -1", "1 < 2 < 3", "1 < 2 > 3", "1 == 1.0 == true", "'a' < 'b'", "1 < 'a'", "[1, 2] < [1, 3]",
    "nil == none", "missing == nil", "1 in l", "'a' in s", "4 not in l", "'a' in d", "1 in 5", "1 in 'a'", "not yes or n", "yes and 0 or 'z'",
    "n if yes", "n if not yes", "n if not yes else 'e'", "1 if 0 else 2 if 0 else 3", "d.a", "d['a']", "d.items", "d['items']", "d.b[1].c",
    "d.b.1", "d.zz", "d.zz.y", "missing", "missing.x", "missing[0]", "missing()", "n.x", "nil.x", "l[5]", "l[-1]", "s[0]", "s[-1]", "v[8]",
    "l[::-1]", "v[::-2]", "l[1:]", "v[-4:]", "s[:3]", "l[10:]", "(1, 2, 3)[:2]", "l[::0]", "n[1:]", "()", "(1,)", "[]", "[1, 'a', 2.0, none]",
    "{'a': 1, 2: [true]}", "{(1, 2): 3}[(1, 2)]", "{[1]: 2}", "{1: 'a', 1.0: 'b', true: 'c'}", "['it\\'s', \"q\\\"\", 'é\\n\\x00\\u200b']",
    "'a' 'b'", "'\\x41\\u00e9\\U0001F600\\101\\q\\\\'", "'\\x4'", "'%s is %d' % ('a', 3)", "'%5.1f|%-4s|%04d|%+d|%x|%o|%e|%g' % (1.25, 'a', 5, 6, 255, 8, 12345.678, 0.00001)",
    "'%s' % [1]", "'%(a)s' % d", "'%d' % 'x'", "'%s %s' % 'a'", "'%s' % (1, 2)", "'100%%' % ()", "'%c%c' % ('a', 233)", "'{} {1} {a} {b[0]} {0!r}'.format('p', 'q', a=1, b=[2])",
    "'{}'.format()", "'a.b'.split('.')", "' a  b '.split()", "s.split(',', 1)", "s.rsplit(',', 1)", "' a b c '.rsplit(none, 1)", "s.split('')", "'a\\nb\\r\\nc\\n'.splitlines()",
    "'xxaxx'.strip('x')", "' a '.lstrip()", "' a '.rstrip() ~ '|'", "v.upper()", "'ΣΑΣ ΑΣ'.lower()", "'straße ŉ'.upper()", "'ǆ they\\'re'.title()", "'ÉCOLE'.capitalize()", "v.find('ch')", "v.index('zz')",
    "s.count(',')", "s.replace(',', ';', 2)", "'ab'.replace('', '-')", "s.startswith('a')", "s.endswith(('b', 'c'))", "s.startswith('b', 2)", "'-'.join(words)", "'-'.join(l)", "'a'.center(6, '*')",
    "'7'.zfill(3) ~ '-7'.zfill(4)", "'a'.ljust(3) ~ '|' ~ 'a'.rjust(3)", "'a=b=c'.partition('=')", "'a=b=c'.rpartition('=')", "'abc'.removeprefix('a').removesuffix('c')", "'٣'.isdigit()", "'aé'.isalpha()", "''.isspace()", "'Aa'.swapcase()",
    "d.get('a')", "d.get('q', 9)", "d.get('q')", "d.keys() | list", "d.values() | list", "d.items()", "d.copy() == d", "l.index(2)", "l.count(1)", "l.append(4)", "d.update({})", "d.pop", "d.__class__", "s.__len__", "(1, 2).index(2)",
    "range(3)", "range(1, 9, 3) | list", "range(3, 0, -1) | list", "range(0)", "range(1, 2, 0)", "range(100001)", "dict(a=1, b=2)", "dict(d, z=1).z", "dict([['k', 1]])", "namespace(a=1)", "namespace({'a': 1}).a", "raise_exception('no: ' ~ n)", "strftime_now('%Y-%m-%d %H:%M %%')",
]
FILTERS = [
    "v | upper", "v | title", "'hello-world (foo) [bar]' | title", "v | capitalize", "n | upper", "' x ' | trim", "'xax' | trim('x')", "s | replace(',', '.')", "s | replace(',', '.', 1)", "12 | replace(1, 2)",
    "'a\\nb\\n\\nc' | indent", "'a\\nb' | indent(2, true)", "'a\\n\\nb' | indent('> ', blank=true)", "n | indent", "n | string", "html | e", "html | safe | e", "html | forceescape", "('<' | e) + '<'", "v | truncate(9)", "v | truncate(9, true)", "v | truncate(9, true, '', 0)", "'foo' | center(9)", "v | wordcount",
    "'%s-%s' | format(1, 2)", "'%(a)s' | format(a=3)", "d | tojson", "d | tojson(indent=2)", "v | tojson(ensure_ascii=true)", "'😀\\x7f' | tojson(ensure_ascii=true)", "{'b': 1, 'a': 2} | tojson(sort_keys=true)", "l | tojson(separators=(',', ':'))", "html | tojson", "missing | tojson", "{1: 2, none: 3, true: 4, 1.5: 6} | tojson", "(1, 2.0, 1e20) | tojson", "range(2) | tojson", "[[], {}, [[]]] | tojson(indent=1)",
    "missing | default('d')", "nil | default('d')", "nil | default('d', true)", "missing | d", "'' | default('d', boolean=true)", "'12' | int", "'1.9' | int", "'z' | int", "'z' | int(7)", "'ff' | int(0, 16)", "'0x1F' | int(0, 16)", "'0b11' | int(0, 0)", "' 1_0 ' | int", "nil | int", "-1.9 | int", "missing | int", "'1e3' | float", "'z' | float(1.5)", "n | float", "'inf' | float", "'nan' | float", "2.5 | round", "3.5 | round", "-0.5 | round", "42 | round", "2.675 | round(2)", "1234.5 | round(-2)", "1250 | round(-2)", "2.1 | round(0, 'ceil')", "-2.1 | round(method='floor')", "x | abs", "-3 | abs", "'a' | abs",
    "l | length", "v | length", "d | count", "n | length", "missing | length", "l | first", "none_left | first", "l | last", "v | last", "v | first", "v | list", "d | list", "l | join", "l | join(', ')", "people | join(', ', attribute='name')", "v | reverse", "l | reverse | list", "l | sort", "words | sort", "words | sort(case_sensitive=true)", "words | sort(reverse=true)", "people | sort(attribute='age') | map(attribute='name') | list", "people | sort(attribute='at.x,name') | map(attribute='name') | join", "[1, 'a'] | sort", "['a', 'A', 'b'] | unique | list", "people | unique(attribute='age') | list | length", "l | min", "words | max", "people | max(attribute='age')", "none_left | min", "l | sum", "people | sum(attribute='age')", "l | sum(start=10)", "words | sum", "l | batch(2) | list", "l | batch(2, 'z') | list", "d | dictsort", "d | dictsort(reverse=true)", "{'b': 1, 'a': 2} | dictsort(by='value')", "d | items | list", "missing | items | list", "n | items | list",
    "people | map(attribute='name') | list", "people | map(attribute='zip', default='?') | list", "words | map('upper') | list", "[' a '] | map('replace', ' ', '-') | list", "l | select('odd') | list", "l | select('gt', 1) | list", "[0, 1, '', 'a'] | select | list", "l | reject('odd') | list", "people | selectattr('age', '>', 9) | map(attribute='name') | list", "people | selectattr('at.x') | list | length", "people | rejectattr('name', 'in', ['Bo']) | list | length", "people | selectattr('zip', 'defined') | list", "l | map('nothing') | list", "l | select('nothing') | list", "l | nothing", "l is nothing", "words | map('upper') | map('lower') | join", "l | map('string') | length", "l | select('odd') | first",
]
TESTS = [f"{value} is {test}" for value in ["missing", "nil", "yes", "n", "x", "s", "l", "d", "(1, 2)", "range", "l | map('abs')"]
         for test in ["defined", "none", "boolean", "integer", "float", "number", "string", "mapping", "iterable", "sequence", "callable", "true"]]
TESTS += ["3 is odd", "3 is even", "9 is divisibleby 3", "9 is divisibleby(2)", "'A' is upper", "'a1' is lower", "'' is lower", "1 is eq 1", "1 is ne(2)", "1 is sameas true", "yes is sameas true", "n is in [1, 3]", "n is not in [1, 3]",
          "n is ge 3", "n is not defined", "not n is defined", "html | safe is escaped", "'trim' is filter", "'odd' is test", "n is eq 3 and true", "1 is 2 is 3", "n is lessthan 4", "'x' is odd"]
STATEMENTS = [
    "{% for i in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.cycle('o', 'e') }} {% endfor %}",
    "{% for i in l %}{{ loop.previtem }}<{{ i }}>{{ loop.nextitem }}{{ loop.changed(i > 1) }}{% endfor %}", "{% for i in none_left %}{% else %}none{% endfor %}", "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}",
    "{% for i in l if i > 1 %}{{ i }}{{ loop.index }}/{{ loop.length }}{% endfor %}", "{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}", "{% for a, b in [1] %}{% endfor %}", "{% for i in n %}{% endfor %}", "{% for i in missing %}x{% endfor %}", "{% for c in v %}{{ c }}.{% endfor %}", "{% for k in d %}{{ k }}{% endfor %}",
    "{% for i in l %}{% if i == 1 %}{% continue %}{% endif %}{{ i }}{% if i == 2 %}{% break %}{% endif %}{% endfor %}", "{% for i in l %}{% continue %}{% else %}e{% endfor %}", "{% break %}", "{% for i in l %}{% for j in l %}{% if j == 1 %}{% break %}{% endif %}{{ i }}{{ j }} {% endfor %}{% endfor %}", "{% for loop in l %}{% endfor %}",
    "{% set a = 1 %}{% for i in l %}{{ a }}{% set a = i %}{% endfor %}{{ a }}", "{% set a = 1 %}{% if yes %}{% set a = 2 %}{% endif %}{{ a }}", "{% set ns = namespace(t=0) %}{% for i in l %}{% set ns.t = ns.t + i %}{% endfor %}{{ ns.t }}{{ ns.q }}", "{% set a, b = 1, 2 %}{{ b }}{{ a }}", "{% set a, b = [1] %}", "{% set d.a = 2 %}", "{% set 1 = 2 %}", "{% set none = 2 %}", "{% set t %}<{{ n }}>{% endset %}{{ t }}{{ t | length }}", "{% set t | upper | replace('B', 'c') %}abc{% endset %}{{ t }}", "{% with a = 1, b = n %}{{ a }}{{ b }}{% endwith %}{{ a }}", "{% filter upper | replace('A', 'b') %}a{{ v }}{% endfilter %}",
    "{% if missing %}a{% elif nil %}b{% elif l %}c{% else %}d{% endif %}", "{% if 0.0 or '' or [] or {} or () %}a{% else %}b{% endif %}", "{% macro m(a, b=2, c=a) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ m(1) }}|{{ m(1, c=5) }}|{{ m() }}|{{ m.name }}{{ m.arguments }}", "{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, z=3) }}", "{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", "{% macro m(a) %}{% endmacro %}{{ m(q=1) }}", "{% macro m(a=1, b) %}{% endmacro %}",
    "{% macro f(i) %}{{ i }}{% if i > 0 %}{{ f(i - 1) }}{% endif %}{% endmacro %}{{ f(4) }}", "{% macro m(x) %}[{{ caller(x, 2) }}]{% endmacro %}{% call(p, q) m(1) %}{{ p }}{{ q }}{{ n }}{% endcall %}", "{% macro m() %}{{ caller is defined }}{% endmacro %}{{ m() }}", "{% macro m() %}x{% endmacro %}{% call m() %}y{% endcall %}", "{% for i in l %}{% macro m() %}{{ i }}{% endmacro %}{{ m() }}{% endfor %}", "{% macro m() %}{{ later }}{% endmacro %}{% set later = 5 %}{{ m() }}", "{% set m = range %}{{ m(2) | list }}", "{{ m(1) }}", "{{ n(1) }}", "{% print n %}", "{% autoescape true %}{{ html }}{{ html | safe }}{% endautoescape %}{{ html }}", "{% generation %}{{ n }}{% endgeneration %}", "{% unknown %}", "{% do l.append(1) %}", "{% if yes %}{{ n | nothing }}{% endif %}", "{% if nil %}{{ n | nothing }}{{ n is nothing }}{% endif %}ok",
    "{% extends 'base' %}{% block c %}c{{ self.a() }}{% endblock %}", "{% extends 'mid' %}dropped{% set n = 8 %}{% block a %}t{{ super() }}{{ super.super() }}{% endblock %}", "{% extends 'base' %}", "{% if yes %}{% extends 'mid' %}{% endif %}x", "{% block a %}{{ super() }}{% endblock %}", "{% block a %}1{% endblock %}{% block a %}2{% endblock %}", "{% block a %}x{% endblock a %}", "{% extends 'none' %}", "{% include 'none' %}", "{% include 'none' ignore missing %}ok", "{% include ['none', 'part'] %}", "{% set only = 'o' %}{% for i in l %}{{ loop.index }}{% include 'part' %}{% endfor %}", "{% set only = 1 %}{% include 'part' without context %}", "{% include 'loop' %}", "{% include 'blocks' %}", "{% extends 'blocks' %}{% block i %}<{{ i }}>{% endblock %}", "{% extends '../secret' %}", "{% include '/etc/passwd' %}", "{{ self.zz() }}{% block q %}{% endblock %}", "{% block a %}{% block b %}in{% endblock %}{% endblock %}{{ self.b() }}",
]


def cases():
    templates = [(t, False) for t in WHITESPACE + STATEMENTS]
    templates += [("{{ " + e + " }}", False) for e in EXPRESSIONS + FILTERS + TESTS]
    escaped = ["{{ html }}{{ html | safe }}{{ html | e }}{{ html | upper }}{{ html ~ 1 }}{{ [html] }}", "{% macro m() %}{{ html }}<i>{% endmacro %}{{ m() }}{{ m() ~ html }}",
               "{% set t %}<p>{{ html }}{% endset %}{{ t }}{{ t + html }}{{ t | replace('p', '<') }}", "{{ ['<', '<' | safe] | join('&') }}", "{% extends 'mid' %}{% block a %}{{ html }}{{ super() }}<br>{% endblock %}", "{{ html | tojson }}"]
    templates += [(t, True) for t in escaped]
    return [{"template": t, "escape": e, "data": DATA, "files": FILES} for t, e in templates]
