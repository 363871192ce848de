package chat

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// answer is what a parser made of a text.
type answer struct {
	reasoning, content string
	reason             FinishReason
	stop               string
}

// pieces cuts a text into pieces of n bytes.
func pieces(s string, n int) []string {
	var out []string
	for len(s) > n {
		out = append(out, s[:n])
		s = s[n:]
	}
	return append(out, s)
}

func parsePieces(p Parser, pieces []string, cut bool) answer {
	var a answer
	add := func(events []Event) {
		for _, e := range events {
			switch e := e.(type) {
			case ThinkingDelta:
				a.reasoning += e.Text
			case TextDelta:
				a.content += e.Text
			case Done:
				a.reason, a.stop = e.Reason, e.Stop
			}
		}
	}
	for _, s := range pieces {
		add(p.Push(s))
	}
	add(p.Close(cut))
	return a
}

func TestStopTexts(t *testing.T) {
	f := func(text string, stops []string, start ParseStart, want answer) {
		t.Helper()
		for n := 1; n <= len(text)+1; n++ {
			got := parsePieces(newAnswerParser(knownTags[0], "", start, ParserOptions{Stop: stops}), pieces(text, n), false)
			if got != want {
				t.Errorf("%q with stops %q in pieces of %d: got %+v, want %+v", text, stops, n, got, want)
			}
		}
	}
	f("one END two", []string{"END"}, StartContent, answer{"", "one ", FinishStop, "END"})
	f("END in thought</think>END", []string{"END"}, StartReasoning, answer{"END in thought", "", FinishStop, "END"})
	f("abc", []string{"abc", "ab"}, StartContent, answer{"", "", FinishStop, "ab"})
	f("xaXbY", []string{"Xb", "aXbY"}, StartContent, answer{"", "x", FinishStop, "aXbY"})
	f("xaXb!", []string{"Xb", "aXbY"}, StartContent, answer{"", "xa", FinishStop, "Xb"})
	f("no stop EN", []string{"END", ""}, StartContent, answer{"", "no stop EN", FinishStop, ""})
	f("</</think>x", []string{"</"}, StartContent, answer{"", "", FinishStop, "</"})
}

// TestAnyCut is the law of parsers: how the text is cut does not matter.
func TestAnyCut(t *testing.T) {
	word := rapid.SampledFrom([]string{"<think>", "</think>", "</", "think>", "\n", "\n\n", "a", "é", " ", "STOP", "ST", "OP", "<", "</thin"})
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(word, 0, 12).Draw(t, "words"), "")
		start := ParseStart(rapid.IntRange(0, 4).Draw(t, "start"))
		o := ParserOptions{Stop: rapid.SampledFrom([][]string{nil, {"STOP"}, {"\n\n"}, {"TO", "STOP"}, {"think>"}}).Draw(t, "stop")}
		var cuts []string
		for rest := text; rest != ""; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "cut")
			cuts, rest = append(cuts, rest[:n]), rest[n:]
		}
		whole := parsePieces(newAnswerParser(knownTags[0], "", start, o), []string{text}, false)
		got := parsePieces(newAnswerParser(knownTags[0], "", start, o), cuts, false)
		if got != whole {
			t.Fatalf("%q from %v, stops %q:\ncut into %q gives %+v\nwhole gives %+v", text, start, o.Stop, cuts, got, whole)
		}
	})
}

func FuzzThinkParser(f *testing.F) {
	f.Add("<think>a</think>b", "STOP", uint8(2), uint8(3))
	f.Add("\n\nx\n</think>\n\ny STOP z", "STOP", uint8(1), uint8(1))
	f.Add("</thi", "", uint8(0), uint8(2))
	f.Fuzz(func(t *testing.T, text, stop string, start, n uint8) {
		o := ParserOptions{Stop: []string{stop}}
		s := ParseStart(start % 6)
		whole := parsePieces(newAnswerParser(knownTags[0], "", s, o), []string{text}, true)
		cut := parsePieces(newAnswerParser(knownTags[0], "", s, o), pieces(text, int(n%16)+1), true)
		if whole != cut {
			t.Errorf("%q: whole %+v, in pieces %+v", text, whole, cut)
		}
		if len(whole.reasoning)+len(whole.content) > len(text) {
			t.Errorf("%q: more text came out: %+v", text, whole)
		}
	})
}

func BenchmarkThinkParser(b *testing.B) {
	text := "<think>" + strings.Repeat("some reasoning about the question\n", 100) + "</think>" + strings.Repeat("an answer with words ", 100)
	toks := pieces(text, 4)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		p := newAnswerParser(knownTags[0], "", StartAuto, ParserOptions{Stop: []string{"\n\nUser:"}})
		for _, s := range toks {
			p.Push(s)
		}
		p.Close(false)
	}
}
