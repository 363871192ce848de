#!/usr/bin/env python3
"""Writes oracle.json: snippets with what Jinja2 makes of them.

The environment is that of apply_chat_template: sandboxed and immutable,
trim_blocks, lstrip_blocks, loop controls, tojson by json.dumps. Run it with
Jinja2 3.1.6; the file is kept, so that the tests need no Python.
"""
import copy
import itertools
import json
import os
import re
import sys

import jinja2
import jinja2.ext
from jinja2.exceptions import SecurityError, TemplateSyntaxError, TemplateRuntimeError, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

CONTEXT = json.loads("""{"s": "Hello, World", "e": "", "u": "Größe 漢字 🚀 é", "multi": "one\\ntwo\\n\\nthree", "pad": "  x y  ",
"n": 7, "neg": -3, "z": 0, "f": 2.5, "big": 12345678901234567890, "small": 1e-07, "t": true, "fa": false, "no": null,
"l": [3, 1, 2], "ls": ["b", "A", "c", "a"], "el": [], "mixed": [1, "a", null, 2.5, true], "d": {"b": 1, "a": 2, "C": 3}, "ed": {},
"users": [{"name": "Bob", "age": 30}, {"name": "alice", "age": 25}, {"name": "Cyd", "age": 30}], "html": "<a href=\\"x\\">T&C's</a>"}""")

RAISED = "raise_exception: "


def raise_exception(msg):
    raise jinja2.exceptions.TemplateError(RAISED + str(msg))


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols])
env.filters["tojson"] = tojson
env.globals["raise_exception"] = raise_exception


def kind(e):
    if isinstance(e, TemplateSyntaxError):
        return "syntax"
    if isinstance(e, UndefinedError):
        return "undefined"
    if isinstance(e, SecurityError):
        return "security"
    if isinstance(e, TemplateRuntimeError):
        return "runtime"
    if isinstance(e, jinja2.exceptions.TemplateError) and str(e).startswith(RAISED):
        return "raise_exception"
    if isinstance(e, ZeroDivisionError):
        return "zero"
    if isinstance(e, OverflowError):
        return "limit"
    if isinstance(e, TypeError):
        return "type"
    if isinstance(e, (ValueError, LookupError)):
        return "value"
    return "runtime"


def run(template):
    try:
        out = env.from_string(template).render(**copy.deepcopy(CONTEXT))
    except Exception as e:
        return {"error": kind(e)}
    return {"out": out}


def snippets():
    values = ["s", "e", "u", "n", "neg", "f", "t", "no", "l", "el", "d", "mixed", "missing", "big", "range(4)", "(1, 'x')", "d.items()"]
    few = ["s", "u", "n", "f", "no", "l", "d", "missing"]
    for op in ["+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", ">=", "in", "not in", "and", "or"]:
        for a, b in itertools.product(["s", "n", "neg", "f", "t", "no", "l", "d", "missing", "(1, 'x')"], ["'l'", "2", "-2", "0.5", "fa", "no", "[1]", "missing"]):
            yield "{{ %s %s %s }}" % (a, op, b)
    args = ["", "(1)", "(2, 'x')", "('a')", "(true)", "('l', 'L')", "(attribute='name')", "(0)", "(-1)"]
    skip = {"random", "pprint", "urlize", "lipsum", "tojson", "filesizeformat", "xmlattr", "striptags", "urlencode"}
    for f in sorted(env.filters):
        if f in skip:
            continue
        for v in values:
            yield "{{ %s | %s }}" % (v, f)
        for v, a in itertools.product(few, args[1:]):
            yield "{{ %s | %s%s }}" % (v, f, a)
    for f in ["map", "select", "reject", "unique", "batch(2)", "slice(2)", "items", "reverse"]:
        for v in values:
            yield "{{ %s | %s | list }}" % (v, f)
    for v in values + ["html", "multi", "users"]:
        for a in ["", "(indent=2)", "(sort_keys=true)", "(ensure_ascii=true)", "(separators=(',', ':'))"]:
            yield "{{ %s | tojson%s }}" % (v, a)
    for x in ["0", "1", "999", "1000", "12345", "1e9", "'2000'", "-5", "123456789012"]:
        yield "{{ %s | filesizeformat }}|{{ %s | filesizeformat(true) }}" % (x, x)
    for x in ["html", "'a b/ü&=?'", "{'a': 'x y', 'b': 2}", "[['k', 'v w']]", "n", "'<!-- c --><p>a  <b>b</b></p>&amp;'"]:
        yield "{{ %s | urlencode }}" % x
        yield "{{ %s | striptags }}" % x
    for t in sorted(env.tests):
        for v in values:
            yield "{{ %s is %s }}" % (v, t)
            yield "{{ %s is not %s 2 }}" % (v, t)
            yield "{{ %s is %s('a') }}" % (v, t)
    strings = ["'Hello, World'", "'  a b  c '", "''", "'ab-cd ef'", "'ÄÖß ﬁ'", "'a,b,,c'", "'123'", "'x\\ty\\nz'"]
    for m in sorted(x for x in dir(str) if x[0] != "_" and x not in ("encode", "maketrans", "translate", "format", "format_map")):
        for s in strings:
            for a in ["", "'a'", "','", "8", "'l', 1", "'l', 'L'", "'a', -2", "none", "'a', 2, 5"]:
                yield "{{ %s.%s(%s) }}" % (s, m, a)
    for v in ["l", "d", "(1, 2, 1)", "n", "f", "range(5)"]:
        for m in ["count(1)", "index(1)", "copy()", "keys()|list", "values()|list", "items()|list", "get('a')", "get('q', 5)", "pop()", "append(1)", "update({})", "bit_length()", "is_integer()", "real", "start", "__class__", "nope", "nope()"]:
            yield "{{ %s.%s }}" % (v, m)
    bounds = ["", "0", "2", "-2", "9", "-9", "none", "true", "'x'"]
    for a, b in itertools.product(bounds, bounds):
        yield "{{ s[%s:%s] }}|{{ l[%s:%s] }}" % (a, b, a, b)
        for c in ["2", "-1", "-3", "0"]:
            yield "{{ s[%s:%s:%s] }}|{{ (1, 2, 3, 4)[%s:%s:%s] }}|{{ range(9)[%s:%s:%s] }}" % ((a, b, c) * 3)
    for v, i in itertools.product(["s", "u", "l", "d", "n", "no", "(1, 2)", "range(3)", "missing"], ["0", "-1", "9", "'a'", "'upper'", "none", "1.0", "true", "[1]", "'__class__'"]):
        yield "{{ %s[%s] }}|" % (v, i)
    specs = ["", "5", "<6", ">6", "^7", "*^9", "06", "+", " ", "d", "x", "#X", "b", "#o", "e", ".2f", ".0f", "g", ".3g", "%", ".1%", ",", "_", "010,", "+.3e", "c", "s", ".3", "=+8", "n", "z", "5.1f", "G", "#.3g"]
    for spec, v in itertools.product(specs, ["42", "-7", "3.14159", "1e20", "0.00001234", "'text'", "true", "none", "1234567.891", "0", "-0.0"]):
        yield "{{ '{:%s}'.format(%s) }}" % (spec, v)
    for spec, v in itertools.product(["%d", "%5d", "%-5d|", "%05d", "%+d", "% d", "%x", "%#x", "%X", "%o", "%e", "%.2f", "%8.3f", "%g", "%s", "%r", "%10s", "%-10s|", "%.2s", "%c", "%i", "%%", "%5.3d", "%q", "%"], ["42", "-7", "3.7", "'text'", "true", "none", "l", "(5,)", "65", "missing", "1e10"]):
        yield "{{ '%s' %% %s }}" % (spec, v)
    for x in ["'%s %s' | format('a', 1)", "'%(a)s' | format(a=3)", "'%(a)s %(b)d' % {'a': 1, 'b': 2}", "'%s' % (1, 2)", "'%*d' % (5, 3)", "'%.*f' % (2, 3.14159)", "'{0[0]} {1.a} {2}'.format(l, d, 'x')", "'{a!r:>8}'.format(a='x')", "'{:{w}}'.format('a', w=5)", "'{{}} {}'.format(1)", "'{'.format(1)", "'}'.format(1)", "'{a}'.format(b=1)", "'{} {}'.format(1)", "'{0} {}'.format(1, 2)", "'{x.y}'.format(x={'y': 1})"]:
        yield "{{ %s }}" % x
    numbers = ["0.1 + 0.2", "1e15", "1e16", "123456789.123456789", "1e-4", "1e-5", "5e-324", "1.7976931348623157e308", "2 ** 63", "-(2 ** 63)", "9223372036854775807 + 1", "-9223372036854775808 - 1", "3037000500 * 3037000500", "2 ** 200 // 3 ** 50", "7 // -2", "7 % -2", "-7 % 2", "7.5 % -2", "-7.5 // 2", "10 ** -2", "0 ** 0", "2 ** 0.5", "(-8) ** 2", "1 / 3", "6 / 3", "2 ** 1023 * 1.0", "0x1F", "0b101", "0o17", "1_000", "1_0.5_0", "1e3", ".5 is defined", "00", "1.", "True + True", "-true", "+false", "true // 1", "1 < 2 < 3", "3 > 2 > 2", "1 == 1.0 == true", "2 ** 3 ** 2", "-2 ** 2", "2 * 3 + 4 ~ 5", "1 + 2 ~ 3 * 4", "not 1 == 2", "not n in l", "1 if 0 else 2 if 0 else 3", "(1, ) + (2, )", "()", "(1)", "(1,)", "1, 2", "[1, 2,]", "{'a': 1,}", "{1: 2, 1.0: 3, true: 4}", "'a' 'b'", "'a' if t", "l.0", "users.0.name", "l[0, 1]", "{(1, 2): 3}[1, 2]"]
    for x in numbers:
        yield "{{ %s }}" % x
    for x, p, m in itertools.product(["2.5", "3.5", "-2.5", "0.125", "2.675", "1234.5678", "5", "15", "25", "1e300"], ["", "1", "2", "-1", "-2"], ["", "'ceil'", "'floor'"]):
        yield "{{ %s | round(%s) }}" % (x, (p or "0") + (", " + m if m else ""))
    for x in ["'12'", "'0x1f'", "' 7 '", "'1_000'", "'-5.9'", "'1e3'", "'abc'", "'inf'", "''", "'٣'", "1e20", "true", "l", "'12', 0, 8", "'0b11', 9, 2", "'z', 1, 36", "'0x', 3, 16"]:
        a = x.split(", ")
        rest = "(%s)" % ", ".join(a[1:]) if len(a) > 1 else ""
        yield "{{ %s | int%s }}|{{ %s | float }}" % (a[0], rest, a[0])
    yield from statements()


def statements():
    yield from open(os.path.join(os.path.dirname(__file__), "statements.txt"), encoding="utf-8").read().split("\n====\n")


def main():
    seen, cases = set(), []
    for t in snippets():
        if t in seen:
            continue
        seen.add(t)
        r = run(t)
        if re.search(r" at 0x|<built-in|<(class|slot|method)", r.get("out", "")):
            continue
        cases.append({"t": t, **r})
    path = os.path.join(os.path.dirname(__file__), "oracle.json")
    with open(path, "w", encoding="utf-8") as f:
        f.write('{"oracle": "jinja2 %s, python %s",\n"context": %s,\n"cases": [\n' % (jinja2.__version__, sys.version.split()[0], json.dumps(CONTEXT, ensure_ascii=False)))
        f.write(",\n".join(json.dumps(c, ensure_ascii=False) for c in cases))
        f.write("\n]}\n")
    print(len(cases), "cases")


main()
