package tokenizer

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func TestEncode(t *testing.T) {
	tok := toy(t, "deepseek-v3", nil)
	f := func(want string, spans ...Span) {
		t.Helper()
		if got := pieces(tok, tok.Encode(nil, spans...)); got != want {
			t.Errorf("%+v: %q, want %q", spans, got, want)
		}
	}
	user := func(s string) Span { return Span{Text: s} }
	template := func(s string) Span { return Span{Text: s, Template: true} }
	f("")
	f("", user(""), template(""))
	f("hello| wor|ld", user("hello world"))
	f("a|<think>|b", template("a<think>b"))
	f("a|<|t|h|i|n|k|>|b", user("a<think>b"))
	f("a|<think>x|y", template("a<think>xy"))
	f("<think>|<think>|<", template("<think><think><"))
	f("<|t|h|i|n|k|>", template("<thi"), template("nk>"))
	f("a|ü|b", user("aüb"))
	f("[|P|A|D|9|]|[|P|A|D|1|0|]", template("[PAD9][PAD10]"))
	f("<unk>", template("<unk>"))
	f("hello| wor|ld|<|EOT|>", template("he"), user("llo wo"), template("rld<|EOT|>"))
	f("123|4", template("12"), user("34"))
	f("a|\xef|\xbf|\xbd|b", user("a\xe4\xb8b"))
	f("中", user("\xe4"), user("\xb8\xad"))
}

func TestEncodeAppends(t *testing.T) {
	tok := toy(t, "gpt-2", nil)
	got := tok.Encode([]int32{7}, Span{Text: "ab"})
	if len(got) != 2 || got[0] != 7 || tok.Piece(got[1]) != "ab" {
		t.Errorf("got %v", got)
	}
}

func TestWholeWordsAreNotMerged(t *testing.T) {
	// Without the merge "l|l" nothing makes "hello", but it is a token.
	change := func(v *vocabulary) { v.merges = v.merges[:1] }
	for pre, want := range map[string]string{"llama-bpe": "hello", "gpt-2": "he|l|l|o"} {
		tok := toy(t, pre, change)
		if got := pieces(tok, tok.Encode(nil, Span{Text: "hello"})); got != want {
			t.Errorf("%s: %q, want %q", pre, got, want)
		}
	}
}

func TestBytesWithoutTokenAreLeftOut(t *testing.T) {
	tok := toy(t, "smollm", func(v *vocabulary) { v.types[4] = Unused })
	if got := pieces(tok, tok.Encode(nil, Span{Text: "\x04\x04!"})); got != "!" {
		t.Errorf("got %q", got)
	}
}

func TestNFC(t *testing.T) {
	for pre, want := range map[string]string{"qwen2": "é", "gpt-2": "e|\xcc|\x81"} {
		tok := toy(t, pre, nil)
		if got := pieces(tok, tok.Encode(nil, Span{Text: "e\u0301"})); got != want {
			t.Errorf("%s: %q, want %q", pre, got, want)
		}
	}
}

func TestSPM(t *testing.T) {
	f := func(tok *Tokenizer, spans []Span, want, decoded string) {
		t.Helper()
		ids := tok.Encode(nil, spans...)
		if got := pieces(tok, ids); got != want {
			t.Errorf("%+v: %q, want %q", spans, got, want)
		}
		if got := tok.Decode(ids, true); got != decoded {
			t.Errorf("%+v: decoded %q, want %q", spans, got, decoded)
		}
		if got := strings.Join(streamed(tok, ids), ""); got != decoded {
			t.Errorf("%+v: streamed %q, want %q", spans, got, decoded)
		}
	}
	tok := toySPM(t, nil)
	f(tok, []Span{{"hello world", false}}, " hello| world", "hello world")
	f(tok, []Span{{"hello  world", false}}, " hello| | world", "hello  world")
	f(tok, []Span{{"<s>hello</s>", true}}, "<s>| hello|</s>", "<s> hello</s>")
	f(tok, []Span{{"hé中", false}}, " |h|é|\xe4|\xb8|\xad", "hé中")
	f(tok, []Span{{"    ", false}}, "  |  | ", "    ")
	bare := toySPM(t, func(v *vocabulary) { v.noPrefix = true })
	f(bare, []Span{{"hello world", false}}, "hello| world", "hello world")
	f(bare, []Span{{" hello", false}}, " hello", " hello")
}

// A vocabulary with a token that reaches over a word's beginning must be merged
// over it.
func TestSPMAcrossWords(t *testing.T) {
	tok := toySPM(t, func(v *vocabulary) {
		v.tokens = append(v.tokens, "o▁w")
		v.types = append(v.types, Normal)
		v.scores = append(v.scores, 1)
	})
	if got := pieces(tok, tok.Encode(nil, Span{Text: "o w"})); got != " |o w" {
		t.Errorf("got %q", got)
	}
}

func TestDecode(t *testing.T) {
	tok := toy(t, "deepseek-v3", nil)
	id := func(text string) int32 {
		id, ok := tok.Lookup(text)
		if !ok {
			t.Fatalf("no token %q", text)
		}
		return id
	}
	ids := []int32{id("<｜begin▁of▁sentence｜>"), id("hello"), -1, 9999, 0xE4, id("<think>"), id("ü"), 0xFC}
	if got, want := tok.Decode(ids, true), "<｜begin▁of▁sentence｜>hello\uFFFD<think>ü\uFFFD"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := tok.Decode(ids, false), "hello\uFFFD<think>ü\uFFFD"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if tok.Bytes(9999) != nil || tok.Piece(-1) != "" || tok.Kind(9999) != 0 {
		t.Error("ids outside the vocabulary stand for something")
	}
}

func TestRoundTrip(t *testing.T) {
	for _, pre := range PreTokenizers() {
		tok := toy(t, pre, nil)
		if tok.rule.nfc {
			continue // normalization changes the text
		}
		t.Run(pre, func(t *testing.T) {
			text := rapid.OneOf(unicodeText(), rapid.Custom(func(t *rapid.T) string {
				return string(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "bytes"))
			}))
			rapid.Check(t, func(rt *rapid.T) {
				s := text.Draw(rt, "text")
				span := Span{s, rapid.Bool().Draw(rt, "template")}
				if got, want := tok.Decode(tok.Encode(nil, span), true), Valid(s); got != want {
					rt.Fatalf("%q: got %q, want %q", s, got, want)
				}
			})
		})
	}
}

func TestStreamEqualsDecode(t *testing.T) {
	tok := toy(t, "deepseek-v3", nil)
	rapid.Check(t, func(rt *rapid.T) {
		ids := rapid.SliceOfN(rapid.OneOf(
			rapid.Int32Range(-1, int32(tok.Size())),
			rapid.SampledFrom([]int32{0xE4, 0xB8, 0xAD, 0xF0, 0x9F, 0x80, 0xED, 0xA0, 0xF4, 0x8F, 0xC3}),
		), 0, 40).Draw(rt, "ids")
		special := rapid.Bool().Draw(rt, "special")
		s := tok.NewStream(special)
		var b strings.Builder
		for _, id := range ids {
			b.WriteString(s.Push(id))
			if s.n > 3 {
				rt.Fatalf("%d bytes held back", s.n)
			}
		}
		b.WriteString(s.Flush())
		if got, want := b.String(), tok.Decode(ids, special); got != want {
			rt.Fatalf("%v: streamed %q, decoded %q", ids, got, want)
		}
	})
}

func TestConcurrentEncode(t *testing.T) {
	tok := toy(t, "deepseek-v3", nil)
	text := strings.Repeat("hello world abab 123 中 ", 50)
	want := tok.Encode(nil, Span{Text: text})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if got := tok.Encode(nil, Span{Text: text}); !slices.Equal(got, want) {
					t.Error("ids differ")
					return
				}
			}
		})
	}
	wg.Wait()
}
