package jinja

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// shown renders a template with user text in braces, {like this}.
func shown(t testing.TB, source string) string {
	t.Helper()
	tmpl, err := Parse("test", source)
	if err != nil {
		t.Fatal(err)
	}
	ctx := NewDict().Set("u", User("Ab<c> d")).Set("d", Mark(NewDict().Set("k", Text("v\n")).Set("n", int64(1)))).
		Set("l", Mark(NewList(Text("x"), Text("y")))).Set("t", Text("T"))
	segs, err := tmpl.Render(ctx, Options{})
	if err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	var b strings.Builder
	for i, s := range segs {
		if i > 0 && segs[i-1].User == s.User || s.Text == "" {
			t.Errorf("%s: segments are not joined: %+v", source, segs)
		}
		if s.User {
			b.WriteString("{" + s.Text + "}")
		} else {
			b.WriteString(s.Text)
		}
	}
	return b.String()
}

func TestMarks(t *testing.T) {
	f := func(source, want string) {
		t.Helper()
		if got := shown(t, source); got != want {
			t.Errorf("%s:\n got %s\nwant %s", source, got, want)
		}
	}
	f(`a{{ u }}b`, `a{Ab<c> d}b`)
	f(`{{ 'x' + u + 'y' }}`, `x{Ab<c> d}y`)
	f(`{{ 'x' ~ u ~ 1 }}`, `x{Ab<c> d}1`)
	f(`{{ ('x' ~ u)[:3] }}|{{ ('x' ~ u)[::-1] }}|{{ u[0] }}`, `x{Ab}|{d >c<bA}x|{A}`)
	f(`{{ ('x' ~ u) | upper }}|{{ ('x' ~ u).title() }}|{{ ('x' ~ u) | capitalize }}`, `X{AB<C> D}|X{ab<C> D}|X{ab<c> d}`)
	f(`{{ u.split('<')[0] ~ '-' ~ u.split('<')[1] }}`, `{Ab}-{c> d}`)
	f(`{{ 'x-y' | replace('-', u) }}|{{ u | replace('<', '-') }}`, `x{Ab<c> d}y|{Ab}-{c> d}`)
	f(`{{ l | join('+') }}|{{ '+'.join(l) }}`, `{x}+{y}|{x}+{y}`)
	f(`{{ d | tojson }}`, "{\"{k}\": \"{v\\n}\", \"{n}\": 1}")
	f(`{{ d }}`, "{'{k}': '{v\\n}', '{n}': 1}")
	f(`{{ u | e }}|{{ u | trim('A') }}|{{ u | first }}|{{ u | list | last }}`, `{Ab&lt;c&gt; d}|{b<c> d}|{A}|{d}`)
	f(`{{ '<%s>' % u }}|{{ '<{}>'.format(u) }}|{{ '<%5.1s>' | format(u) }}`, `<{Ab<c> d}>|<{Ab<c> d}>|<    {A}>`)
	f(`{% set x %}[{{ u }}]{% endset %}{{ x | length }}{{ x }}`, `9[{Ab<c> d}]`)
	f(`{% macro m(a) %}({{ a }}){% endmacro %}{{ m(u) | upper }}`, `({AB<C> D})`)
	f(`{% filter upper %}x{{ u }}{% endfilter %}`, `X{AB<C> D}`)
	f(`{% for c in l %}{{ loop.index }}{{ c }}{% endfor %}`, `1{x}2{y}`)
	f(`{% set ns = namespace(s='') %}{% for c in l %}{% set ns.s = ns.s + c + ';' %}{% endfor %}{{ ns.s }}`, `{x};{y};`)
	f(`{{ ('x' ~ u) | indent }}|{{ ('a\n' ~ u) | indent(2) }}`, "x{Ab<c> d}|a\n  {Ab<c> d}")
	f(`{{ u if u == 'Ab<c> d' else t }}|{{ 'Ab<c> d' if 'Ab<c> d' in [u] }}`, `{Ab<c> d}|Ab<c> d`)
	f(`{{ ('{"a": "' ~ t ~ '"}') | from_json }}|{{ ('["' ~ u ~ '"]') | from_json | first }}`, `{'a': 'T'}|{Ab<c> d}`)
	f(`{{ u | center(9) }}|{{ u.partition('<') | join }}|{{ u | truncate(3, true, '~', 0) }}`, ` {Ab<c> d} |{Ab}<{c> d}|{Ab}~`)
}

// TestMarksSurvive is the law of marking: whatever filters do, text that the
// user typed never comes out as the template's own.
func TestMarksSurvive(t *testing.T) {
	filters := []string{
		"upper", "lower", "title", "capitalize", "trim", "e", "string", "tojson", "reverse", "list | join", "indent(1, true)", "center(30)", "truncate(9, true)",
		"replace('a', '-')", "urlencode", "wordwrap(3)", "striptags", "list | tojson", "sort | join('.')", "batch(2) | map('join') | join", "list | string", "pprint", "default('x')",
		"format", "safe | e", "forceescape", "unique | join", "map('upper') | join", "select | join", "random", "last",
	}
	rapid.Check(t, func(t *rapid.T) {
		chain := rapid.SliceOfN(rapid.SampledFrom(filters), 1, 4).Draw(t, "filters")
		source := "{{ ('t' ~ u ~ 't') | " + strings.Join(chain, " | ") + " }}"
		tmpl, err := Parse("test", source)
		if err != nil {
			t.Fatal(err)
		}
		// The user's characters occur nowhere else.
		segs, err := tmpl.Render(NewDict().Set("u", User("ЖЦ жц Щ")), Options{})
		if err != nil {
			return
		}
		for _, s := range segs {
			if !s.User && strings.ContainsAny(s.Text, "ЖЦжцЩщ") {
				t.Fatalf("%s: user text came out unmarked: %+v", source, segs)
			}
		}
	})
}

func TestTemplateKeepsValues(t *testing.T) {
	v, err := FromJSON([]byte(`{"l": [1, 2], "d": {"a": [3]}}`))
	if err != nil {
		t.Fatal(err)
	}
	ctx := v.(*Dict)
	const source = `{{ l + [3] }}{{ l | batch(2, 0) | list }}{{ l | sort(reverse=true) }}{{ dict(d, b=1) }}{{ (l | list) + [1] }}{{ l[:1] + [9] }}{{ d | items | list }}`
	first, err := renderText(source, ctx)
	if err != nil {
		t.Fatal(err)
	}
	second, err := renderText(source+"{{ l }}{{ d }}", ctx)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(first+"[1, 2]{'a': [3]}", second); d != "" {
		t.Error(d)
	}
}
