package grammar

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestSchemaTexts(t *testing.T) {
	f := func(schema string, o Options, yes, no []string) {
		t.Helper()
		g, err := CompileSchema(json.RawMessage(schema), o)
		if err != nil {
			t.Errorf("%s: %v", schema, err)
			return
		}
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
	var loose Options
	open := Options{Open: true}
	f(`true`, loose, []string{`1`, `"a"`, `null`, `[1, {"a":[]}]`, `{"a": {"b": -1.5e+10}}`}, []string{``, `01`, `"`, `[1,]`, `{"a"}`, `+1`, `1.`, `"\x"`, `nul`, `"\ud800"`})
	f(`{"type":"string"}`, loose, []string{`""`, `"é\n\u00e9\ud83d\ude00😀"`, `"\/"`}, []string{"\"\n\"", `"\ud83d"`, `"\ude00"`, "\"\xff\"", `"a`, `1`})
	f(`{"type":"string","minLength":2,"maxLength":3}`, loose, []string{`"ab"`, `"日本語"`, `"\ud83d\ude00a"`}, []string{`"a"`, `"abcd"`})
	f(`{"type":"string","maxLength":100000,"minLength":1}`, loose, []string{`"ab"`, `"` + strings.Repeat("é", 1000) + `"`}, []string{`""`})
	f(`{"type":"string","pattern":"^a+b$"}`, loose, []string{`"ab"`, `"aaab"`}, []string{`"b"`, `"abc"`})
	f(`{"type":"string","pattern":"b"}`, loose, []string{`"abc"`, `"b"`, `"\"b\\\n"`}, []string{`"ac"`})
	f(`{"type":"string","pattern":"^.+$","maxLength":2}`, loose, []string{`"ab"`, `"é"`}, []string{`""`, `"abc"`})
	f(`{"type":"integer"}`, loose, []string{`0`, `-12`, `123456`}, []string{`01`, `1.0`, `1e3`, `-`})
	f(`{"type":"integer","minimum":-5,"maximum":120}`, loose, []string{`-5`, `0`, `9`, `99`, `120`, `-1`}, []string{`-6`, `121`, `-10`, `200`, `1000`, `-0`})
	f(`{"type":"integer","exclusiveMinimum":9.5,"exclusiveMaximum":11}`, loose, []string{`10`}, []string{`9`, `11`})
	f(`{"type":"integer","multipleOf":7,"minimum":0}`, loose, []string{`0`, `7`, `14`, `700`}, []string{`1`, `15`, `-7`})
	f(`{"type":"number","minimum":0.25,"exclusiveMaximum":3.5}`, loose, []string{`0.25`, `0.250`, `1`, `3.49`, `3`, `2.0`}, []string{`0.2`, `0`, `3.5`, `3.50`, `3.6`, `4`, `-1`})
	f(`{"type":"number","minimum":-1.5,"maximum":-0.5}`, loose, []string{`-1.5`, `-1`, `-0.5`, `-0.51`}, []string{`0`, `-0.49`, `-1.51`, `1`, `-2`})
	f(`{"type":"number","multipleOf":0.25,"minimum":0}`, loose, []string{`0`, `0.25`, `1.5`, `3`, `2.0`}, []string{`0.1`, `1.3`})
	f(`{"type":"number","exclusiveMinimum":0}`, loose, []string{`1`, `0.5`, `0.001`}, []string{`0`, `0.0`, `-1`})
	f(`{"type":["integer","null"]}`, loose, []string{`1`, `null`}, []string{`1.5`, `"a"`})
	f(`{"enum":["a",1,null,{"x":[1,2]}]}`, loose, []string{`"a"`, `1`, `null`, `{"x":[1,2]}`}, []string{`"b"`, `2`})
	f(`{"type":"string","enum":["a","bb",3],"minLength":2}`, loose, []string{`"bb"`}, []string{`"a"`, `3`})
	f(`{"const":{"a":1}}`, loose, []string{`{"a":1}`}, []string{`{}`})
	f(`{"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":3}`, loose, []string{`[1]`, `[1, 2,3]`, "[\n  1\n]"}, []string{`[]`, `[1,2,3,4]`, `["a"]`})
	f(`{"type":"array","items":{"type":"integer"},"maxItems":1000000000}`, loose, []string{`[]`, `[1,2,3]`}, []string{`[1,]`})
	f(`{"type":"array","prefixItems":[{"type":"integer"},{"type":"string"}],"items":false}`, loose, []string{`[]`, `[1]`, `[1,"a"]`}, []string{`["a"]`, `[1,"a",2]`})
	f(`{"type":"array","items":[{"type":"integer"}],"additionalItems":{"type":"boolean"},"minItems":2}`, loose, []string{`[1,true]`, `[1,true,false]`}, []string{`[1]`, `[1,2]`})
	f(`{"type":"array","maxItems":0}`, loose, []string{`[]`}, []string{`[1]`})
	obj := `{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"},"c":{"type":"boolean"}},"required":["b"]}`
	f(obj, loose, []string{`{"b":""}`, `{"a":1,"b":"x"}`, `{"b":"x", "c": true}`, "{\n\t\"a\": 1,\n\t\"b\": \"\"\n}"}, []string{`{}`, `{"a":1}`, `{"b":"","a":1}`, `{"b":"","d":1}`, `{"b":"",}`, `{,"b":""}`})
	f(obj, open, []string{`{"b":"","d":1}`, `{"b":"","c":true,"dd":[{}]}`, `{"b":"","\"":1}`, `{"b":"","cc":1,"":2}`}, []string{`{"d":1,"b":""}`, `{"b":"","a":1}`, `{"b":"","b":"x"}`})
	f(obj, Options{AnyOrder: true, Compact: true}, []string{`{"b":""}`, `{"c":true,"b":"","a":1}`, `{"b":"","a":1}`}, []string{`{"a":1,"c":true}`, `{"b":"","b":""}`, `{"b": ""}`, `{}`, `{"b":"",}`})
	f(`{"type":"object","additionalProperties":{"type":"integer"}}`, loose, []string{`{}`, `{"x":1}`, `{"x":1,"y":2}`}, []string{`{"x":"1"}`})
	f(`{"type":"object","patternProperties":{"^n_":{"type":"integer"}},"additionalProperties":false}`, loose, []string{`{}`, `{"n_x":1}`}, []string{`{"x":1}`, `{"n_":""}`})
	f(`{"type":"object","properties":{"n_a":true},"patternProperties":{"^n_":{"type":"integer"},"^s_":{"type":"string"}},"additionalProperties":{"type":"null"}}`, loose,
		[]string{`{"n_a":1,"s_x":"","q":null}`}, []string{`{"n_a":"x"}`, `{"s_x":null}`, `{"q":1}`})
	f(`{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"},"c":{"type":"integer"}},"minProperties":2,"maxProperties":2}`, loose,
		[]string{`{"a":1,"b":2}`, `{"b":1,"c":2}`, `{"a":1,"c":1}`}, []string{`{}`, `{"a":1}`, `{"a":1,"b":2,"c":3}`})
	f(`{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"},"c":{"type":"integer"}},"minProperties":2,"maxProperties":2,"required":["c"]}`, Options{AnyOrder: true, Compact: true},
		[]string{`{"a":1,"c":2}`, `{"c":1,"b":2}`}, []string{`{"a":1,"b":2}`, `{"c":1}`})
	f(`{"type":"object","required":["z"]}`, loose, []string{`{"z":[1]}`}, []string{`{}`})
	f(`{"type":"object"}`, loose, []string{`{}`, `{"z":[1]}`}, []string{`[]`})
	f(`{"type":"object","properties":{"a":false,"b":{"type":"integer"}}}`, loose, []string{`{}`, `{"b":1}`}, []string{`{"a":1}`})
	f(`{"anyOf":[{"type":"integer"},{"type":"string","maxLength":1}]}`, loose, []string{`1`, `"a"`}, []string{`"ab"`, `null`})
	f(`{"type":"object","properties":{"k":{"type":"string"}},"required":["k"],"anyOf":[{"properties":{"x":{"type":"integer"}},"required":["x"]},{"properties":{"y":{"type":"integer"}},"required":["y"]}]}`, loose,
		[]string{`{"k":"","x":1}`, `{"k":"","y":1}`}, []string{`{"k":""}`})
	f(`{"oneOf":[{"type":"object","properties":{"t":{"const":"a"},"v":{"type":"integer"}},"required":["t","v"]},{"type":"object","properties":{"t":{"const":"b"}},"required":["t"]}]}`, loose,
		[]string{`{"t":"a","v":1}`, `{"t":"b"}`}, []string{`{"t":"a"}`})
	f(`{"oneOf":[{"type":"integer","maximum":3},{"type":"integer","minimum":4}]}`, loose, []string{`3`, `4`}, nil)
	f(`{"allOf":[{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]},{"properties":{"a":{"maximum":5},"b":{"type":"null"}}}]}`, loose,
		[]string{`{"a":5}`, `{"a":1,"b":null}`}, []string{`{"a":6}`, `{}`})
	f(`{"$ref":"#/$defs/n","$defs":{"n":{"type":"object","properties":{"v":{"type":"integer"},"next":{"anyOf":[{"$ref":"#/$defs/n"},{"type":"null"}]}},"required":["v","next"],"additionalProperties":false}}}`, loose,
		[]string{`{"v":1,"next":null}`, `{"v":1,"next":{"v":2,"next":null}}`}, []string{`{"v":1}`})
	f(`{"type":"object","properties":{"c":{"type":"array","items":{"$ref":"#"}}}}`, loose, []string{`{}`, `{"c":[{"c":[]},{}]}`}, []string{`{"c":[1]}`})
	f(`{"type":"string","format":"date"}`, loose, []string{`"2024-02-29"`, `"2023-12-31"`, `"0001-01-01"`, `"2000-02-29"`}, []string{`"2023-02-29"`, `"1900-02-29"`, `"2024-13-01"`, `"0000-01-01"`, `"2024-04-31"`})
	f(`{"type":"string","format":"date-time"}`, loose, []string{`"2024-02-29T23:59:59Z"`, `"2024-02-29T23:59:59.123+05:30"`}, []string{`"2024-02-29 23:59:59Z"`, `"2024-02-29T24:00:00Z"`})
	f(`{"type":"string","format":"ipv6"}`, loose, []string{`"::"`, `"::1"`, `"1:2:3:4:5:6:7:8"`, `"fe80::1"`, `"::ffff:1.2.3.4"`, `"1:2:3:4:5:6:1.2.3.4"`, `"1::"`}, []string{`"1:2"`, `"1::2::3"`, `"1:2:3:4:5:6:7:8:9"`, `"::1:2:3:4:5:6:7:8"`})
	f(`{"type":"string","format":"email"}`, loose, []string{`"a.b+c@example.org"`}, []string{`"a"`, `"a@b"`, `"@b.c"`})
	f(`{"format":"uuid"}`, loose, []string{`"123e4567-e89b-12d3-a456-426614174000"`}, []string{`"123e4567e89b12d3a456426614174000"`, `1`})
	f(`{"type":"string","format":"uri"}`, loose, []string{`"https://example.org/a?b=c#d"`}, []string{`"example.org"`, `"http:// x"`})
	f(`{"type":"string","format":"hostname"}`, loose, []string{`"example.org"`, `"a-b"`}, []string{`"-a"`, `"a..b"`})
	f(`{"type":"integer","format":"int32"}`, loose, []string{`2147483647`, `-2147483648`}, []string{`2147483648`, `-2147483649`})
}

func TestSchemaErrors(t *testing.T) {
	f := func(schema, path string, words ...string) {
		t.Helper()
		start := time.Now()
		_, err := CompileSchema(json.RawMessage(schema), Options{})
		if d := time.Since(start); d > time.Minute {
			t.Errorf("%s took %v", shorten(schema), d)
		}
		if err == nil {
			t.Errorf("%s: no error", shorten(schema))
			return
		}
		var se *SchemaError
		if path != "" && (!errors.As(err, &se) || se.Path != path) {
			t.Errorf("%s: error %v, want path %s", shorten(schema), err, path)
		}
		for _, w := range words {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: error %q does not say %q", shorten(schema), err, w)
			}
		}
	}
	f(`{"type":"object","properties":{"a/b":{"type":"string","contains":1}}}`, "#/properties/a~1b/contains", "contains", "not supported")
	f(`{"not":{}}`, "#/not", `"not"`)
	f(`{"if":true}`, "#/if")
	f(`{"type":"array","uniqueItems":true}`, "#/uniqueItems", "cannot be enforced")
	f(`{"type":"strin"}`, "#/type", "strin")
	f(`{"type":[]}`, "#/type")
	f(`{"type":"string","format":"color"}`, "#/format", "color", "date-time")
	f(`{"type":"string","pattern":"(?=a)"}`, "#/pattern", "look-around")
	f(`{"type":"string","pattern":"a("}`, "#/pattern")
	f(`{"type":"string","pattern":"\\1"}`, "#/pattern")
	f(`{"$ref":"http://x/y"}`, "#/$ref", "http://x/y")
	f(`{"$ref":"#/$defs/x"}`, "#/$ref", "nowhere")
	f(`{"$ref":"#"}`, "#", "itself")
	f(`{"allOf":[{"$ref":"#/$defs/a"}],"$defs":{"a":{"anyOf":[{"$ref":"#/$defs/a"}]}}}`, "#/$defs/a", "itself")
	f(`{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}`, "", "nothing can satisfy")
	f(`{"oneOf":[{"type":"integer"},{"type":"number"}]}`, "#/oneOf", "anyOf")
	f(`{"type":"integer","minimum":"1"}`, "#/minimum")
	f(`{"type":"integer","exclusiveMinimum":true}`, "#/exclusiveMinimum", "draft 4")
	f(`{"type":"integer","multipleOf":0}`, "#/multipleOf")
	f(`{"type":"integer","multipleOf":1000003}`, "#", "remainders")
	f(`{"type":"integer","minimum":5,"maximum":4}`, "", "nothing can satisfy")
	f(`{"type":"array","minItems":3,"maxItems":2}`, "", "nothing can satisfy")
	f(`{"type":"array","minItems":1000000000}`, "#/minItems")
	f(`{"type":"string","minLength":-1}`, "#/minLength")
	f(`{"type":"object","required":"a"}`, "#/required")
	f(`{"type":"object","minProperties":3,"additionalProperties":{"type":"integer"}}`, "#/minProperties")
	f(`false`, "", "nothing can satisfy")
	f(`{"enum":[]}`, "#/enum")
	f(`{"type":"string","enum":[1]}`, "", "nothing can satisfy")
	f(`1`, "#")
	f(`{"a":1`, "", "not JSON")
	f(`{} {}`, "", "more text")
	f(`{"type":"string","type":"integer"}`, "", "twice")
	f(strings.Repeat(`{"items":`, 1000)+`{}`+strings.Repeat(`}`, 1000), "", "nests deeper")
	f(`{"const":1e999999999}`, "", "1e999999999")
	// Patterns that blow up, alone and together.
	f(`{"type":"string","pattern":"(a|b)*a(a|b){40}"}`, "#/pattern", "too large")
	f(`{"type":"string","pattern":"((((a{100}){100}){100}){100}){100}"}`, "#/pattern", "too large")
	f(`{"type":"string","pattern":"`+strings.Repeat("(", 5000)+`"}`, "#/pattern")
	f(`{"type":"string","pattern":"^a{0,9999}$","minLength":3,"maxLength":9000}`, "#")
	var b strings.Builder
	b.WriteString(`{"type":"object","properties":{`)
	for i := range 3000 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"p` + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + string(rune('0'+i%10)) + `_` + strings.Repeat("z", i/26) + `":{"pattern":"[^a]{0,9}(a|b)*a(a|b){9}x` + strings.Repeat("y", i%50) + string(rune('a'+i%26)) + `"}`)
	}
	b.WriteString(`}}`)
	f(b.String(), "", "too large")
	// Combinations that multiply.
	any := `{"anyOf":[{"minLength":1},{"minLength":2},{"minLength":3},{"minLength":4}]}`
	f(`{"allOf":[`+strings.Repeat(any+",", 20)+any+`]}`, "#", "combinations")
}
