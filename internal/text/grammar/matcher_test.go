package grammar

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

var toyTexts = []string{"the", " the", "\"", "\":", "\",", "\"}", "},", "{\"", "ab", "abc", "é", "日本", "\xe6\x97", "\xa5\"", "\n\n", "  ", "true", "12", "123", "\\n", "\\u00", "</", "\", \"", "[[", "]]"}

func newMatcher(t testing.TB, g *Grammar, v *Vocabulary) *Matcher {
	t.Helper()
	m, err := NewMatcher(g, v)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func mustSchema(t testing.TB, schema string, o Options) *Grammar {
	t.Helper()
	g, err := CompileSchema(json.RawMessage(schema), o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// checkMask compares a mask with what the matcher says token by token.
func checkMask(t testing.TB, m *Matcher, v *Vocabulary, mask []uint64) {
	t.Helper()
	for id := range int32(v.size) {
		if got, want := mask[id>>6]>>(id&63)&1 == 1, m.Allows(id); got != want {
			t.Fatalf("token %d %q: mask %v, matcher %v", id, v.text[id], got, want)
		}
	}
}

// TestMaskIsExact: along random answers the mask has exactly the tokens that
// the matcher takes.
func TestMaskIsExact(t *testing.T) {
	v := toyVocabulary(toyTexts, []string{"<call>"})
	for i := range 200 {
		r := rand.New(rand.NewPCG(3, uint64(i)))
		g := compileRandom(t, rootOf(randomShape(randDice{r}, 2)), Options{AnyOrder: i%3 == 0, Open: i%5 == 0})
		if g == nil {
			continue
		}
		g = Concat(g, Optional(Token("<call>")))
		m := newMatcher(t, g, v)
		mask := make([]uint64, v.Words())
		for range 30 {
			if err := m.Mask(mask); err != nil {
				t.Fatal(err)
			}
			checkMask(t, m, v, mask)
			if err := m.Accept(pick(mask, r)); err != nil {
				t.Fatal(err)
			}
			if m.now.ended {
				break
			}
		}
	}
}

func TestSpecialTokens(t *testing.T) {
	g := Concat(Text("a"), Token("<x>"), Optional(Text("b")))
	with := toyVocabulary([]string{"<x>", "a<x>"}, []string{"<x>", "<y>"})
	special, other, spelt, joined := with.special["<x>"], with.special["<y>"], int32(256), int32(257)
	m := newMatcher(t, g, with)
	if m.Allows(joined) || m.Allows(special) || m.Allows(with.eog[0]) || m.Accept('a') != nil {
		t.Error("the start allows the wrong tokens")
	}
	if !m.Allows(special) || m.Allows(other) || m.Allows(spelt) || m.Allows('<') {
		t.Error("only the special token may come")
	}
	mask := make([]uint64, with.Words())
	if err := m.Mask(mask); err != nil {
		t.Fatal(err)
	}
	checkMask(t, m, with, mask)
	if got := m.Forced(); string(got) != "<x>" {
		t.Errorf("forced %q", got)
	}
	if err := m.Accept(special); err != nil || !m.Done() || !m.Allows(with.eog[0]) || m.Ended() {
		t.Errorf("after the token: %v", err)
	}
	if err := m.Accept(with.eog[0]); err != nil || !m.Ended() || m.Allows('b') || m.Accept('b') == nil {
		t.Errorf("after the end: %v", err)
	}
	if err := m.Mask(mask); err != nil || slices.ContainsFunc(mask, func(w uint64) bool { return w != 0 }) {
		t.Error("a mask after the end")
	}
	// Without the token its text does.
	if m := newMatcher(t, g, bare); m.AcceptBytes([]byte("a<x>b")) != nil || !m.Ended() {
		t.Error("the text is not taken")
	}
}

func TestRollbackAndFork(t *testing.T) {
	g := mustSchema(t, `{"type":"array","items":{"type":"integer","minimum":0,"maximum":999}}`, Options{Compact: true})
	m := newMatcher(t, g, bare)
	for _, c := range "[12,3" {
		if err := m.Accept(int32(c)); err != nil {
			t.Fatal(err)
		}
	}
	f := m.Fork()
	if err := m.AcceptBytes([]byte("45]")); err != nil || !m.Done() {
		t.Fatal(err)
	}
	if err := m.Accept(bare.eog[0]); err != nil {
		t.Fatal(err)
	}
	if err := m.Rollback(3); err != nil { // the end, the text, the 3
		t.Fatal(err)
	}
	if m.Done() || m.Allows(',') || !m.Allows('7') {
		t.Error("not where it was")
	}
	if m.Rollback(100) == nil || m.Rollback(-1) == nil {
		t.Error("an impossible rollback")
	}
	if !f.Allows(']') || f.AcceptBytes([]byte("99]")) != nil || !f.Done() || m.Done() {
		t.Error("the fork does not go its own way")
	}
	if f.Rollback(2) == nil {
		t.Error("a fork cannot go back behind its start")
	}
}

func TestForced(t *testing.T) {
	f := func(g *Grammar, before, want string) {
		t.Helper()
		m := newMatcher(t, g, bare)
		if err := m.AcceptBytes([]byte(before)); err != nil {
			t.Fatal(err)
		}
		if got := string(m.Forced()); got != want {
			t.Errorf("after %q: forced %q, want %q", before, got, want)
		}
	}
	g := mustSchema(t, `{"type":"object","properties":{"name":{"type":"string"},"kind":{"enum":["one","other"]}},"required":["name","kind"]}`, Options{Compact: true})
	f(g, "", `{"name":"`)
	f(g, `{"name":"x`, "")
	f(g, `{"name":"x"`, `,"kind":"o`)
	f(g, `{"name":"x","kind":"on`, `e"}`)
	f(Concat(Text("é"), OneOf(Text("日x"), Text("早y"))), "", "é") // not a part of a character
	f(Repeat(Text("a"), 10000, 10000), "", strings.Repeat("a", maxForced))
	f(Optional(Text("abc")), "", "")
}

func TestClosing(t *testing.T) {
	f := func(schema, before, want string) {
		t.Helper()
		m := newMatcher(t, mustSchema(t, schema, Options{Compact: true}), bare)
		if err := m.AcceptBytes([]byte(before)); err != nil {
			t.Fatal(err)
		}
		if got := string(m.Closing()); got != want {
			t.Errorf("%s after %q: %q, want %q", schema, before, got, want)
		}
	}
	f(`{"type":"object","properties":{"a":{"type":"string","minLength":3},"b":{"type":"array","items":{"type":"null"},"minItems":2},"c":{"type":"integer"}},"required":["a","b"]}`,
		`{"a":"x`, `  ","b":[null,null]}`)
	f(`{"type":"integer"}`, "12", "")
	f(`{"type":"array","items":{"$ref":"#"}}`, "[[[", "]]]")
}

// TestLongAnswers: an arena that fills up is emptied without changing a thing.
func TestLongAnswers(t *testing.T) {
	g := mustSchema(t, `{"type":"array","items":{"type":"object","properties":{"text":{"type":"string","maxLength":5000}},"required":["text"]},"maxItems":1000000000}`, Options{})
	v := toyVocabulary(toyTexts, nil)
	m := newMatcher(t, g, v)
	mask := make([]uint64, v.Words())
	text := `[` + strings.Repeat(`{"text": "`+strings.Repeat("the é abc \\n", 400)+`"}, `, 4) + `{"text": ""}]`
	for i := range len(text) {
		if i%7 == 0 {
			if err := m.Mask(mask); err != nil {
				t.Fatal(err)
			}
			if mask[text[i]>>6]>>(text[i]&63)&1 == 0 {
				t.Fatalf("byte %d is not allowed", i)
			}
		}
		if i%500 == 499 {
			if err := m.Rollback(3); err != nil {
				t.Fatal(err)
			}
			for _, c := range []byte(text[i-3 : i]) {
				if err := m.Accept(int32(c)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := m.Accept(int32(text[i])); err != nil {
			t.Fatalf("byte %d: %v", i, err)
		}
		if len(m.a.configs) > 2*softConfigs || len(m.a.nodes) > 2*softNodes {
			t.Fatalf("the arena has %d configurations and %d nodes", len(m.a.configs), len(m.a.nodes))
		}
	}
	if !m.Done() {
		t.Error("not done")
	}
}

func TestNoAllocationPerToken(t *testing.T) {
	g := mustSchema(t, `{"type":"array","items":{"type":"string","maxLength":200000}}`, Options{Compact: true})
	v := toyVocabulary(toyTexts, nil)
	m := newMatcher(t, g, v)
	mask := make([]uint64, v.Words())
	next := func() {
		if err := m.Mask(mask); err != nil {
			t.Fatal(err)
		}
		if err := m.Accept('x'); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.AcceptBytes([]byte(`["`)); err != nil {
		t.Fatal(err)
	}
	for range 5000 { // until the arena has been emptied a few times
		next()
	}
	if n := testing.AllocsPerRun(3000, next); n > 0 {
		t.Errorf("%v allocations per token", n)
	}
}

// TestHostileAmbiguity: a grammar with very many readings ends in an error, not
// in a machine at a standstill.
func TestHostileAmbiguity(t *testing.T) {
	g, err := ParseGBNF("root ::= s\ns ::= \"a\" s s \"x\"? | \"a\" s \"y\"? | \"a\" t s | \"a\"\nt ::= \"a\" t s | \"a\" s t | \"a\"\n")
	if err != nil {
		t.Fatal(err)
	}
	v := toyVocabulary([]string{"aaaa", strings.Repeat("a", 64)}, nil)
	m := newMatcher(t, g, v)
	mask := make([]uint64, v.Words())
	for range 200 {
		if err = m.Mask(mask); err != nil {
			break
		}
		if err = m.Accept(257); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrTooComplex) {
		t.Errorf("error %v", err)
	}
	if err2 := m.Mask(mask); !errors.Is(err2, ErrTooComplex) || slices.Max(mask) != 0 {
		t.Errorf("after it: %v", err2)
	}
}

func TestGate(t *testing.T) {
	v := toyVocabulary([]string{"think", ">\n\n", "42"}, []string{"</think>"})
	end := v.eog[0]
	f := func(after string, tokens []int32, ok bool) {
		t.Helper()
		gate := NewGate(newMatcher(t, Text("42"), v), after)
		for i, id := range tokens {
			logits := make([]float32, v.size+5)
			gate.Apply(logits)
			if allowed := gate.Allows(id); allowed != !math.IsInf(float64(logits[id]), -1) {
				t.Errorf("%q token %d: Allows %v, logit %v", after, i, allowed, logits[id])
			}
			gate.Accept(id)
		}
		if (gate.Err() == nil && !gate.Waiting() && gate.Matcher().Done()) != ok {
			t.Errorf("%q %v: %v", after, tokens, gate.Err())
		}
	}
	mark := v.special["</think>"]
	f("", []int32{258}, true)
	f("", []int32{'4', '2', end}, true)
	f("", []int32{'5'}, false)
	f("</think>", []int32{'x', 'y', mark, 258, end}, true)
	f("</think>", []int32{'<', '/', 256, 257, '4', '2'}, true)
	f("</think>", []int32{'x', '5', 256}, false)
	f("</think>", []int32{mark, 'x'}, false)
	f("</think>", []int32{int32(v.size)}, false)
	gate := NewGate(newMatcher(t, Text("42"), v), "</think>")
	if gate.Allows(end) || !gate.Allows(mark) {
		t.Error("the reasoning must end before the answer does")
	}
	calls := toyVocabulary(nil, []string{"</think>", "<call>"})
	gate = NewGate(newMatcher(t, Token("<call>"), calls), "</think>")
	logits := make([]float32, calls.size)
	gate.Apply(logits)
	if id := calls.special["<call>"]; gate.Allows(id) || !math.IsInf(float64(logits[id]), -1) {
		t.Error("a call begins in the reasoning")
	}
}
