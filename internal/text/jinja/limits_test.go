package jinja

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestLimits(t *testing.T) {
	f := func(source string) {
		t.Helper()
		start := time.Now()
		out, err := renderText(source, NewDict())
		if KindOf(err) != KindLimit {
			t.Errorf("%.80q gave %.80q, %v, want a limit error", source, out, err)
		}
		if d := time.Since(start); d > patience {
			t.Errorf("%.80q took %v", source, d)
		}
	}
	f(`{{ 'x' * 10**10 }}`)
	f(`{{ [0] * 10**10 }}`)
	f(`{{ 2 ** 100000000 }}`)
	f(`{{ range(10**9) }}`)
	f(`{{ 'x'.ljust(10**10) }}`)
	f(`{{ '%1000000000d' % 1 }}`)
	f(`{{ '{:1000000000}'.format(1) }}`)
	f(`{{ 'x' | indent(10**9) }}`)
	f(`{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}`)
	f(`{% for x in [[1]] recursive %}{{ loop([x]) }}{% endfor %}`)
	f(`{% for a in range(1000) %}{% for b in range(1000) %}{% for c in range(1000) %}{% endfor %}{% endfor %}{% endfor %}`)
	f(`{% set ns = namespace(s='x') %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}`)
	f(`{% set ns = namespace(l=[]) %}{% for i in range(1000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}`)
	f(`{% set ns = namespace(l=[]) %}{% for i in range(1000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l | tojson }}`)
	f(`{% set ns = namespace() %}{% set ns.ns = ns %}{{ ns }}`)
	f(`{% set l = range(1000) | list %}{% for i in l %}{{ l | tojson | length }}{{ l | sort }}{{ l | map('string') | join }}{% endfor %}{% for i in range(90000) %}{{ l }}{% endfor %}`)
	if _, err := Parse("x", "{{ "+strings.Repeat("(", 1000)+"1"+strings.Repeat(")", 1000)+" }}"); KindOf(err) != KindSyntax {
		t.Errorf("deep parentheses gave %v", err)
	}
	if _, err := Parse("x", strings.Repeat("{% if 1 %}", 1000)); KindOf(err) != KindSyntax {
		t.Errorf("deep blocks gave %v", err)
	}
}

func TestErrorPlace(t *testing.T) {
	_, err := renderText("a\nb\n{{ x.y.z }}", NewDict())
	if got, want := err.Error(), "jinja: test line 3: 'x' is undefined"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	_, err = renderText("a\n{% if x %}\n{{ 1 + }}", NewDict())
	if KindOf(err) != KindSyntax || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("got %v", err)
	}
}

func TestFromJSON(t *testing.T) {
	f := func(data, want string) {
		t.Helper()
		v, err := FromJSON([]byte(data))
		if err != nil {
			t.Fatal(err)
		}
		if got := reprText(v); got != want {
			t.Errorf("%s: got %s, want %s", data, got, want)
		}
	}
	f(`{"z": 1, "a": [1.0, 2e3, -0.0, 12345678901234567890, null, true], "z": 2}`, `{'z': 2, 'a': [1.0, 2000.0, -0.0, 12345678901234567890, None, True]}`)
	f(`"\ud83d\ude00\u0000"`, `'😀\x00'`)
	for _, bad := range []string{``, `{`, `[1,]`, `{"a" 1}`, `1 2`, `nul`, strings.Repeat("[", 100000)} {
		if v, err := FromJSON([]byte(bad)); err == nil {
			t.Errorf("%.20q gave %v", bad, v)
		}
	}
}

// FuzzRender parses and renders arbitrary templates: no panic, no run away.
func FuzzRender(f *testing.F) {
	for s := range strings.SplitSeq(string(mustRead(f, filepath.Join("testdata", "statements.txt"))), "\n====\n") {
		f.Add(s)
	}
	ctx, err := FromJSON([]byte(`{"s": "Hello", "n": 7, "l": [3, 1, 2], "d": {"b": 1, "a": 2}, "messages": [{"role": "user", "content": "U"}], "no": null, "t": true}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, source string) {
		tmpl, err := Parse("fuzz", source)
		if err != nil {
			if KindOf(err) != KindSyntax {
				t.Errorf("parsing gave %v", err)
			}
			return
		}
		segs, err := tmpl.Render(ctx.(*Dict), Options{MaxSteps: 100_000, MaxBytes: 1 << 20})
		if err != nil && KindOf(err) == "" {
			t.Errorf("rendering gave an error without a kind: %v", err)
		}
		n := 0
		for _, s := range segs {
			n += len(s.Text)
		}
		if n > 1<<20 {
			t.Errorf("%d bytes came out", n)
		}
	})
}

func mustRead(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

const benchTemplate = `{{ bos_token }}{%- if messages[0].role == 'system' %}{{ messages[0].content + '\n\n' }}{%- endif %}
{%- for m in messages %}
{%- if m.role == 'user' %}{{ '<|user|>' + m.content | trim }}
{%- elif m.role == 'assistant' %}{{ '<|assistant|>' + (m.content.split('</think>') | last).lstrip('\n') + eos_token }}
{%- endif %}{%- endfor %}{%- if add_generation_prompt %}{{ '<|assistant|>' }}{%- endif %}`

func BenchmarkRender(b *testing.B) {
	tmpl, err := Parse("bench", benchTemplate)
	if err != nil {
		b.Fatal(err)
	}
	msgs := NewList(NewDict().Set("role", Text("system")).Set("content", User("Be brief.")))
	for range 50 {
		msgs.Append(NewDict().Set("role", Text("user")).Set("content", User(strings.Repeat("a question ", 20))))
		msgs.Append(NewDict().Set("role", Text("assistant")).Set("content", User("<think>hm</think>\n"+strings.Repeat("an answer ", 40))))
	}
	ctx := NewDict().Set("messages", msgs).Set("add_generation_prompt", true).Set("bos_token", Text("<s>")).Set("eos_token", Text("</s>"))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tmpl.Render(ctx, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	b.SetBytes(int64(len(benchTemplate)))
	for b.Loop() {
		if _, err := Parse("bench", benchTemplate); err != nil {
			b.Fatal(err)
		}
	}
}

// TestGrowingLists: a list that a namespace begins empty can grow, and nothing else.
func TestGrowingLists(t *testing.T) {
	f := func(source, want string, kind Kind) {
		t.Helper()
		tmpl, err := Parse("t", source)
		if err != nil {
			t.Fatal(err)
		}
		given := NewList(int64(1))
		segs, err := tmpl.Render(NewDict().Set("l", given).Set("empty", NewList()), Options{})
		var got string
		for _, s := range segs {
			got += s.Text
		}
		if KindOf(err) != kind || err == nil && got != want {
			t.Errorf("%s: %q, %v, want %q, %s", source, got, err, want, kind)
		}
		if given.Len() != 1 {
			t.Errorf("%s: the caller's list has %d items", source, given.Len())
		}
	}
	const n = "{% set n = namespace(a=[]) %}"
	f(n+"{% set _ = n.a.append('x') %}{% set _ = n.a.append(2) %}{{ n.a }}{{ n.a.pop(0) }}{{ n.a.pop() }}{{ n.a | length }}", "['x', 2]x20", "")
	f("{% set n = namespace() %}{% set n.a = [] %}{% for c in 'abc' %}{% set _ = n.a.append(c) %}{% endfor %}{{ n.a | join }}", "abc", "")
	f(n+"{% set _ = n.a.append(1) %}{% for x in n.a %}{% set _ = n.a.append(x + 1) %}{% endfor %}{{ n.a }}", "[1, 2]", "")
	f(n+"{% set _ = n.a.append(1) %}{% set b = n.a[:1] %}{% set _ = n.a.append(2) %}{{ b }}{{ n.a[-1] }}", "[1]2", "")
	f(n+"{{ n.a.pop() }}", "", KindRuntime)
	f(n+"{{ n.a.pop(-1) }}", "", KindRuntime)
	f(n+"{{ n.a.append(n.a) }}", "", KindSecurity)
	f(n+"{{ n.a.append(n) }}", "", KindSecurity)
	f(n+"{{ n.a.clear() }}", "", KindSecurity)
	f("{% set n = namespace(a=l) %}{{ n.a.append(2) }}", "", KindSecurity)
	f("{% set n = namespace(a=empty) %}{{ empty.append(2) }}", "", KindSecurity)
	f("{% set l = [] %}{{ l.append(2) }}", "", KindSecurity)
	f(n+"{% for i in range(100000) %}{% set _ = n.a.append(i) %}{% endfor %}", "", KindLimit)
}
