package grammar

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

// drive draws a few tokens and checks masks on the way.
func drive(t *testing.T, g *Grammar, seed uint64) {
	v := fuzzVocabulary
	m, err := NewMatcher(g, v)
	if err != nil {
		return
	}
	r := rand.New(rand.NewPCG(seed, 1))
	mask := make([]uint64, v.Words())
	for range 12 {
		if m.Mask(mask) != nil {
			return // too ambiguous
		}
		checkMask(t, m, v, mask)
		id := pick(mask, r)
		if id < 0 {
			t.Fatal("a dead end")
		}
		if err := m.Accept(id); err != nil {
			t.Fatal(err)
		}
		m.Forced()
		if m.now.ended {
			return
		}
	}
}

var fuzzVocabulary = toyVocabulary(toyTexts, []string{"<think>", dsmlToken})

func FuzzSchema(f *testing.F) {
	for _, s := range leafShapes {
		f.Add(rootOf(s), uint64(1))
	}
	f.Add(weatherSchema, uint64(2))
	f.Add(`{"oneOf":[{"type":"integer","maximum":3},{"const":"x"}],"minLength":0}`, uint64(3))
	f.Fuzz(func(t *testing.T, schema string, seed uint64) {
		o := Options{Compact: seed&1 == 0, AnyOrder: seed&2 == 0, Open: seed&4 == 0}
		g, err := CompileSchema(json.RawMessage(schema), o)
		if err != nil {
			return
		}
		drive(t, g, seed)
	})
}

func FuzzGBNF(f *testing.F) {
	f.Add("root ::= \"a\" | [b-c]{1,3} (x y?)* <think>\nx ::= \"é\" .\ny ::= [^\\n]+ # end\n", uint64(1))
	f.Add("root ::= e\ne ::= t (\"+\" t)*\nt ::= [0-9]+ | \"(\" e \")\"", uint64(2))
	f.Add("root ::= \"a\"{2,900} root?", uint64(3))
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		if g, err := ParseGBNF(text); err == nil {
			drive(t, g, seed)
		}
	})
}

func FuzzRegex(f *testing.F) {
	f.Add(`^(a|b?){2,60}[^c-d]\u00e9.*$`, "ab")
	f.Add(`((x?){0,100}y?){3,90}\p{L}`, "xy")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		p, err := parsePattern(pattern)
		if err != nil {
			return
		}
		w := &work{200_000}
		d, err := toDFA(w, p.whole(nil))
		if err != nil {
			return
		}
		g := newGrammar(p.whole(nil))
		if g.Check() != nil {
			return
		}
		// The automaton with a stack and the one without agree.
		m, err := NewMatcher(g, bare)
		if err != nil {
			return
		}
		if utf8.ValidString(text) && len(text) < 200 {
			if got, want := m.AcceptBytes([]byte(text)) == nil && m.Done(), d.match(text); got != want && m.a.err == nil {
				t.Fatalf("%q on %q: %v, the finite automaton %v", pattern, text, got, want)
			}
		}
	})
}

// FuzzMatcher plays accept, rollback, fork and masks against plain matching of
// the bytes accepted so far.
func FuzzMatcher(f *testing.F) {
	f.Add([]byte("\x00{\"a\":[1,"), uint64(1))
	f.Add([]byte("abc\x80\xff\x01\x02"), uint64(2))
	schema := `{"type":"object","properties":{"a":{"type":"array","items":{"$ref":"#"},"maxItems":70},"b":{"type":"string","maxLength":60},"c":{"type":"number"}}}`
	g, err := CompileSchema(json.RawMessage(schema), Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, moves []byte, seed uint64) {
		if len(moves) > 200 {
			return
		}
		v := fuzzVocabulary
		m := newMatcher(t, g, v)
		r := rand.New(rand.NewPCG(seed, 5))
		mask := make([]uint64, v.Words())
		var ids []int32
		for _, mv := range moves {
			switch {
			case mv < 16 && len(ids) > 0:
				n := min(int(mv), len(ids))
				if m.Rollback(n) == nil {
					ids = ids[:len(ids)-n]
				}
			case mv < 24:
				m = m.Fork()
			case mv < 40:
				m.keep = append(m.keep[:0], m.now.config)
				m.a.compact(m.keep)
				m.now.config, m.history = m.keep[0], m.history[:0]
			default:
				if err := m.Mask(mask); err != nil {
					t.Fatal(err)
				}
				id := pick(mask, r)
				if id < 0 {
					return // ended
				}
				if err := m.Accept(id); err != nil {
					t.Fatal(err)
				}
				ids = append(ids, id)
			}
		}
		again := newMatcher(t, g, v)
		var text strings.Builder
		for _, id := range ids {
			if v.text[id] == nil {
				continue
			}
			text.Write(v.text[id])
		}
		if err := again.AcceptBytes([]byte(text.String())); err != nil || again.Done() != m.Done() {
			t.Fatalf("%q: %v, done %v and %v", text.String(), err, again.Done(), m.Done())
		}
	})
}
