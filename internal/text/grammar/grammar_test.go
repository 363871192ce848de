package grammar

import (
	"encoding/json"
	"errors"
	"sync"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

func TestCombinators(t *testing.T) {
	must := func(g *Grammar, err error) *Grammar {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	f := func(g *Grammar, yes, no []string) {
		t.Helper()
		for _, s := range yes {
			if !matches(t, g, s) {
				t.Errorf("refuses %q", s)
			}
		}
		for _, s := range no {
			if matches(t, g, s) {
				t.Errorf("takes %q", s)
			}
		}
	}
	abc := must(Choice([]string{"a", "ab", "é", "ab"}))
	f(abc, []string{"a", "ab", "é"}, []string{"", "b", "abé"})
	f(Concat(Text("("), abc, Text(")")), []string{"(a)", "(é)"}, []string{"()", "a"})
	f(OneOf(Text("x"), abc), []string{"x", "ab"}, []string{"xa"})
	f(Optional(abc), []string{"", "a"}, []string{"aa"})
	f(Repeat(abc, 2, 3), []string{"aa", "aabé"}, []string{"a", "aaaa"})
	f(Repeat(abc, 1, -1), []string{"a", "ababab"}, []string{""})
	f(Repeat(must(Choice([]string{"", "a", "bb"})), 100, 200), []string{"", "a", "abba"}, []string{"b"})
	f(Repeat(Text("a"), 5, 3), nil, nil)
	f(must(Until("END", "STOP")), []string{"", "EN", "ENSTO", "日本\n"}, []string{"END", "a STOP b", "\xff"})
	f(JSONObject(), []string{`{}`, `{"a": [1, {"b": null}]}`}, []string{`[]`, `{`, `{"a":1} `})
	if abc.States() == 0 {
		t.Error("no states")
	}
	for _, err := range []error{
		func() error { _, err := Choice(nil); return err }(),
		OneOf().Check(), Concat(Text("a"), OneOf()).Check(), Repeat(Text("a"), 5, 3).Check(),
	} {
		if !errors.Is(err, ErrEmpty) {
			t.Errorf("error %v, want %v", err, ErrEmpty)
		}
	}
	if _, err := Until(""); err == nil {
		t.Error("an empty stop text is taken")
	}
	if _, err := NewMatcher(OneOf(), bare); err == nil {
		t.Error("a matcher of nothing")
	}
}

func TestMergedSchemas(t *testing.T) {
	f := func(schema string, yes, no []string) {
		t.Helper()
		g := mustSchema(t, schema, Options{})
		for _, s := range yes {
			if !matches(t, g, s) {
				t.Errorf("%s refuses %s", schema, s)
			}
		}
		for _, s := range no {
			if matches(t, g, s) {
				t.Errorf("%s takes %s", schema, s)
			}
		}
	}
	f(`{"allOf":[{"enum":[1,2,{"a":1},[1]]},{"enum":[2.0,{"a":1.0},[1,2],3]}]}`, []string{`2`, `{"a":1}`}, []string{`1`, `[1]`, `3`})
	f(`{"type":"integer","multipleOf":4,"allOf":[{"multipleOf":6,"minimum":0,"exclusiveMaximum":30}]}`, []string{`0`, `12`, `24`}, []string{`4`, `6`, `36`})
	f(`{"enum":[3,"abc",[1,2],{"a":1,"b":2},true],"anyOf":[{"type":"number","minimum":2},{"type":"array","minItems":2,"items":{"type":"integer"}},{"type":"object","required":["b"],"properties":{"a":{"const":1}}}]}`,
		[]string{`3`, `[1,2]`, `{"a":1,"b":2}`}, []string{`"abc"`, `true`})
	f(`{"enum":["x",7],"oneOf":[{"type":"string"},{"type":"integer","multipleOf":2}]}`, []string{`"x"`}, []string{`7`})
	f(`{"allOf":[{"type":"object","properties":{"a":{"type":"integer"}},"additionalProperties":false},{"type":"object","properties":{"a":{"minimum":0},"b":{"type":"string"}}}]}`,
		[]string{`{}`, `{"a":1}`}, []string{`{"a":-1}`, `{"b":""}`})
	f(`{"allOf":[{"type":"array","prefixItems":[{"type":"integer"}]},{"type":"array","items":{"maximum":5},"minItems":1,"maxItems":4}]}`, []string{`[5]`, `[1,2]`}, []string{`[]`, `[6]`, `["a"]`})
	f(`{"allOf":[{"type":"string","minLength":1,"maxLength":4},{"maxLength":2,"pattern":"^a"}]}`, []string{`"a"`, `"ab"`}, []string{`""`, `"abc"`, `"b"`})
	f(`{"oneOf":[{"type":"string","maxLength":2},{"type":"string","minLength":3}]}`, []string{`"ab"`, `"abcd"`}, nil)
	f(`{"oneOf":[{"type":"object","properties":{"a":true},"required":["a"],"additionalProperties":false},{"type":"object","properties":{"b":true},"required":["b"],"additionalProperties":false}]}`,
		[]string{`{"a":1}`, `{"b":1}`}, []string{`{}`})
	f(`{"type":"object","properties":{"a":{"type":"integer"}},"patternProperties":{"^a":{"minimum":3}}}`, []string{`{"a":3}`}, []string{`{"a":2}`})
}

func TestFixedArguments(t *testing.T) {
	tools := []chat.Tool{{Name: "set", Parameters: json.RawMessage(`{"enum":[{"mode":"on","level":3},{"mode":"off"},"x"]}`)}}
	g, err := ToolCalls(StyleDSMLV4, tools, ToolOptions{Opened: true})
	if err != nil {
		t.Fatal(err)
	}
	param := func(s string) string { return "<｜DSML｜parameter name=" + s + "</｜DSML｜parameter>\n" }
	in := func(s string) string {
		return "<｜DSML｜invoke name=\"set\">\n" + s + "</｜DSML｜invoke>\n</｜DSML｜tool_calls>"
	}
	if !matches(t, g, in(param(`"mode" string="true">on`)+param(`"level" string="false">3`))) || !matches(t, g, in(param(`"mode" string="true">off`))) {
		t.Error("a given object is refused")
	}
	if matches(t, g, in(param(`"mode" string="true">on`))) {
		t.Error("half an object is taken")
	}
	open := []chat.Tool{{Name: "any", Parameters: json.RawMessage(`{"type":"object","properties":{"a":{"type":"integer"}},"additionalProperties":{"type":"string"},"minProperties":1}`)}}
	if g, err = ToolCalls(StyleDSMLV4, open, ToolOptions{Opened: true}); err != nil {
		t.Fatal(err)
	}
	in = func(s string) string {
		return "<｜DSML｜invoke name=\"any\">\n" + s + "</｜DSML｜invoke>\n</｜DSML｜tool_calls>"
	}
	if !matches(t, g, in(param(`"a" string="false">3`)+param(`"b" string="true">x`))) || !matches(t, g, in(param(`"b" string="true">x`))) {
		t.Error("more parameters are refused")
	}
	if matches(t, g, in("")) || matches(t, g, in(param(`"b" string="false">3`))) || matches(t, g, in(param(`"a" string="true">x`))) {
		t.Error("wrong parameters are taken")
	}
}

// TestSharedByGoroutines: matchers of one grammar and vocabulary work side by
// side (with -race).
func TestSharedByGoroutines(t *testing.T) {
	g := mustSchema(t, weatherSchema, Options{})
	v := toyVocabulary(toyTexts, nil)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			m, err := NewMatcher(g, v)
			if err != nil {
				t.Error(err)
				return
			}
			mask := make([]uint64, v.Words())
			for i := range len(weatherAnswer) {
				if err := m.Mask(mask); err != nil {
					t.Error(err)
				}
				if err := m.Accept(int32(weatherAnswer[i])); err != nil {
					t.Error(err)
					return
				}
			}
			if !m.Done() {
				t.Error("not done")
			}
		})
	}
	wg.Wait()
}
