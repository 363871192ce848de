package grammar

import (
	"encoding/json"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"strings"
	"testing"
)

// A dice makes the choices of a generator: a random source or rapid.
type dice interface{ intn(n int) int }

type randDice struct{ *rand.Rand }

func (r randDice) intn(n int) int { return r.IntN(n) }

// A shape is a random schema and the documents that satisfy it.
type shape struct {
	schema string
	doc    func(d dice) string
}

func fixed(schema string, docs ...string) shape {
	return shape{schema, func(d dice) string { return docs[d.intn(len(docs))] }}
}

var leafShapes = []shape{
	fixed(`{"type":"string"}`, `""`, `"plain"`, `"\u00e9 \ud83d\ude00 \" \\ \/"`, `"日本語"`),
	fixed(`{"type":"string","minLength":2,"maxLength":5}`, `"ab"`, `"abcde"`, `"日\n本"`),
	fixed(`{"type":"string","maxLength":300,"minLength":100}`, `"`+strings.Repeat("xyz ", 30)+`"`),
	fixed(`{"type":"string","pattern":"^[A-Z][a-z]{1,8}$"}`, `"Ab"`, `"Abcdefghi"`),
	fixed(`{"type":"string","pattern":"[0-9]+-[0-9]+"}`, `"1-2"`, `"x 10-20 y"`),
	fixed(`{"type":"string","pattern":"^(foo|ba[rz])*$","maxLength":12}`, `""`, `"foobarbaz"`),
	fixed(`{"type":"string","pattern":"^[^\\s\"]+\\\\$"}`, `"a\\"`, `"é\\\\"`),
	fixed(`{"type":"string","format":"date"}`, `"2024-02-29"`, `"1999-12-31"`),
	fixed(`{"type":"string","format":"date-time"}`, `"2024-02-29T12:00:00Z"`),
	fixed(`{"type":"string","format":"time"}`, `"12:00:00+01:00"`),
	fixed(`{"type":"string","format":"email"}`, `"a.b@example.org"`),
	fixed(`{"type":"string","format":"uuid"}`, `"123e4567-e89b-12d3-a456-426614174000"`),
	fixed(`{"type":"string","format":"ipv4"}`, `"255.0.10.1"`),
	fixed(`{"type":"string","format":"ipv6"}`, `"::1"`, `"1:2:3:4:5:6:7:8"`),
	fixed(`{"type":"string","format":"hostname"}`, `"example.org"`),
	fixed(`{"type":"string","format":"uri"}`, `"https://example.org/a?b#c"`),
	fixed(`{"type":"string","enum":["red","green","blue \"sky\"","é"]}`, `"red"`, `"blue \"sky\""`, `"é"`),
	fixed(`{"type":"integer"}`, `0`, `-7`, `123456789`),
	fixed(`{"type":"integer","minimum":-17,"maximum":1234}`, `-17`, `0`, `999`, `1234`),
	fixed(`{"type":"integer","exclusiveMinimum":99,"multipleOf":5}`, `100`, `105`, `1000`),
	fixed(`{"type":"integer","maximum":-3}`, `-3`, `-100`),
	fixed(`{"type":"number"}`, `0`, `-1.5`, `2e10`, `1.25E-3`),
	fixed(`{"type":"number","minimum":-0.5,"maximum":2.75}`, `-0.5`, `0`, `1.125`, `2.75`),
	fixed(`{"type":"number","exclusiveMinimum":10,"exclusiveMaximum":11}`, `10.5`, `10.0001`),
	fixed(`{"type":"number","multipleOf":0.25}`, `0`, `-1.75`, `3`),
	fixed(`{"type":"boolean"}`, `true`, `false`),
	fixed(`{"type":"null"}`, `null`),
	fixed(`{"type":["integer","null"]}`, `null`, `5`),
	fixed(`{"type":["string","boolean"],"maxLength":3}`, `true`, `"abc"`),
	fixed(`{"enum":[1,"two",null,[3],{"four":4}]}`, `1`, `"two"`, `null`, `[3]`, `{"four":4}`),
	fixed(`{"const":"x\ty"}`, `"x\ty"`),
	fixed(`{"type":"array"}`, `[]`, `[1,"a",{"b":[]}]`),
	fixed(`{"type":"object"}`, `{}`, `{"a":{"b":[1,2,{}]}}`),
	fixed(`true`, `1`, `"x"`, `[{}]`, `null`),
	fixed(`{"allOf":[{"type":"integer","minimum":3},{"type":"number","maximum":9}]}`, `3`, `9`),
	fixed(`{"allOf":[{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]},{"type":"object","properties":{"a":{"maximum":9},"b":{"type":"string"}}}]}`, `{"a":9}`, `{"a":1,"b":""}`),
	fixed(`{"$ref":"#/$defs/tree"}`, `{"v":1}`, `{"v":1,"kids":[{"v":2,"kids":[]},{"v":3}]}`),
	fixed(`{"$ref":"#/$defs/list"}`, `null`, `{"head":"x","tail":{"head":"y","tail":null}}`),
	fixed(`{"type":"object","patternProperties":{"^n_":{"type":"integer"},"^s_":{"type":"string"}},"additionalProperties":false}`, `{}`, `{"n_a":1,"s_":"x","n_b":2}`),
	fixed(`{"type":"object","properties":{"a":true,"b":true,"c":true},"minProperties":1,"maxProperties":2,"additionalProperties":false}`, `{"a":1}`, `{"b":2,"c":[]}`),
}

const defs = `"$defs":{"tree":{"type":"object","properties":{"v":{"type":"integer","minimum":0,"maximum":99},"kids":{"type":"array","items":{"$ref":"#/$defs/tree"},"maxItems":3}},"required":["v"],"additionalProperties":false},` +
	`"list":{"anyOf":[{"type":"null"},{"type":"object","properties":{"head":{"type":"string","maxLength":8},"tail":{"$ref":"#/$defs/list"}},"required":["head","tail"],"additionalProperties":false}]}}`

var propNames = []string{"name", "id", "é", "a b", "type", `q"t`, "x_1", "日", "items", "deep"}

// randomShape makes a schema. At the root, definitions are added.
func randomShape(d dice, depth int) shape {
	if depth <= 0 || d.intn(4) == 0 {
		return leafShapes[d.intn(len(leafShapes))]
	}
	switch d.intn(5) {
	case 0:
		return randomArray(d, depth)
	case 1:
		return randomUnion(d, depth)
	}
	return randomObject(d, depth)
}

func randomArray(d dice, depth int) shape {
	item := randomShape(d, depth-1)
	least := d.intn(3)
	most := least + d.intn(4)
	if d.intn(3) == 0 {
		first := randomShape(d, depth-1)
		return shape{
			fmt.Sprintf(`{"type":"array","prefixItems":[%s],"items":%s,"minItems":%d,"maxItems":%d}`, first.schema, item.schema, least, most+1),
			func(d dice) string {
				docs := []string{first.doc(d)}
				for range most {
					docs = append(docs, item.doc(d))
				}
				n := least + d.intn(most+2-least)
				return "[" + strings.Join(docs[:n], ",") + "]"
			},
		}
	}
	return shape{
		fmt.Sprintf(`{"type":"array","items":%s,"minItems":%d,"maxItems":%d}`, item.schema, least, most),
		func(d dice) string {
			var docs []string
			for range least + d.intn(most-least+1) {
				docs = append(docs, item.doc(d))
			}
			return "[" + strings.Join(docs, ",") + "]"
		},
	}
}

func randomObject(d dice, depth int) shape {
	type prop struct {
		name     string
		s        shape
		required bool
	}
	var props []prop
	var list, required []string
	at := d.intn(len(propNames))
	for i := range 1 + d.intn(5) {
		p := prop{propNames[(at+i)%len(propNames)], randomShape(d, depth-1), d.intn(2) == 0}
		props = append(props, p)
		list = append(list, quoted(p.name)+":"+p.s.schema)
		if p.required {
			required = append(required, quoted(p.name))
		}
	}
	extra := shape{}
	schema := `{"type":"object","properties":{` + strings.Join(list, ",") + `},"required":[` + strings.Join(required, ",") + `]`
	switch d.intn(3) {
	case 0:
		schema += `,"additionalProperties":false`
	case 1:
		extra = leafShapes[d.intn(len(leafShapes))]
		schema += `,"additionalProperties":` + extra.schema
	}
	return shape{schema + "}", func(d dice) string {
		var out []string
		for _, p := range props {
			if p.required || d.intn(2) == 0 {
				out = append(out, quoted(p.name)+":"+p.s.doc(d))
			}
		}
		if extra.doc != nil {
			for i := range d.intn(3) {
				out = append(out, fmt.Sprintf(`"more %d":`, i)+extra.doc(d))
			}
		}
		return "{" + strings.Join(out, ",") + "}"
	}}
}

func randomUnion(d dice, depth int) shape {
	a, b := randomShape(d, depth-1), randomShape(d, depth-1)
	if d.intn(2) == 0 {
		return shape{fmt.Sprintf(`{"anyOf":[%s,%s]}`, a.schema, b.schema), func(d dice) string {
			if d.intn(2) == 0 {
				return a.doc(d)
			}
			return b.doc(d)
		}}
	}
	branch := func(kind string, s shape) string {
		return fmt.Sprintf(`{"type":"object","properties":{"kind":{"const":%q},"v":%s},"required":["kind","v"],"additionalProperties":false}`, kind, s.schema)
	}
	return shape{fmt.Sprintf(`{"oneOf":[%s,%s]}`, branch("a", a), branch("b", b)), func(d dice) string {
		if d.intn(2) == 0 {
			return `{"kind":"a","v":` + a.doc(d) + `}`
		}
		return `{"kind":"b","v":` + b.doc(d) + `}`
	}}
}

// rootOf adds the definitions that shapes refer to.
func rootOf(s shape) string {
	if s.schema == "true" {
		return s.schema
	}
	return strings.TrimSuffix(s.schema, "}") + "," + defs + "}"
}

// generate draws tokens at random from what the mask allows, up to limit, and
// then ends the answer on a shortest way. It checks on the way that the mask
// and the matcher agree.
func generate(t testing.TB, m *Matcher, v *Vocabulary, r *rand.Rand, limit int) string {
	t.Helper()
	mask := make([]uint64, v.Words())
	var out []byte
	for n := 0; ; n++ {
		if err := m.Mask(mask); err != nil {
			t.Fatalf("mask after %q: %v", out, err)
		}
		id := int32(-1)
		if n < limit {
			id = pick(mask, r)
		} else if text := m.Closing(); text != nil {
			// A long token may run over the place of a special one, which it is not.
			if id = longestToken(t, v, mask, text); id >= 0 && v.text[id] != nil && n > limit+500 {
				id = longestToken(t, v, mask, text[:1])
			}
		} else {
			for _, e := range v.eog {
				if mask[e>>6]>>(e&63)&1 == 1 {
					id = e
				}
			}
		}
		if id < 0 {
			t.Fatalf("no token is allowed after %q", out)
		}
		if other := r.Int32N(int32(v.size)); m.Allows(other) != (mask[other>>6]>>(other&63)&1 == 1) {
			t.Fatalf("after %q token %d %q: the mask says %v", out, other, v.text[other], !m.Allows(other))
		}
		if err := m.Accept(id); err != nil {
			t.Fatalf("token %d of the mask after %q: %v", id, out, err)
		}
		if v.text[id] == nil {
			if m.now.ended {
				return string(out)
			}
			out = append(out, v.marks[id]...)
		}
		out = append(out, v.text[id]...)
	}
}

// pick draws one of the tokens of a mask. Now and then it prefers a token that
// is short or seldom, since long plain words are most of a vocabulary.
func pick(mask []uint64, r *rand.Rand) int32 {
	count := 0
	for _, w := range mask {
		count += bits.OnesCount64(w)
	}
	if count == 0 {
		return -1
	}
	k := r.IntN(count)
	if r.IntN(3) == 0 {
		k = r.IntN(min(count, 100)) // the first tokens are single bytes
	}
	for i, w := range mask {
		if n := bits.OnesCount64(w); k >= n {
			k -= n
			continue
		}
		for ; k > 0; k-- {
			w &= w - 1
		}
		return int32(i*64 + bits.TrailingZeros64(w))
	}
	return -1
}

// longestToken returns the longest token of the mask that text begins with.
func longestToken(t testing.TB, v *Vocabulary, mask []uint64, text []byte) int32 {
	best, length := int32(-1), 0
	for i, w := range mask {
		for ; w != 0; w &= w - 1 {
			id := int32(i*64 + bits.TrailingZeros64(w))
			b := v.text[id]
			if b == nil {
				b = []byte(v.marks[id])
			}
			if len(b) > length && strings.HasPrefix(string(text), string(b)) {
				best, length = id, len(b)
			}
		}
	}
	return best
}

// compile compiles a random schema, nil if nothing satisfies it.
func compileRandom(t testing.TB, schema string, o Options) *Grammar {
	t.Helper()
	g, err := CompileSchema(json.RawMessage(schema), o)
	if err != nil {
		if isEmpty(err) {
			return nil
		}
		t.Fatalf("%s\n%v", schema, err)
	}
	return g
}
