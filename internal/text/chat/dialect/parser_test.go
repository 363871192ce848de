package dialect

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/holdfast-llm/holdfast/internal/golden"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// fataler is what testing.T and rapid.T have in common.
type fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// call is a call in an answer.
type call struct{ Name, Arguments string }

// reply is what a parser made of a text.
type reply struct {
	Reasoning string `json:"reasoning"`
	Content   string `json:"content"`
	Calls     []call `json:"tool_calls"`
	Finish    string `json:"finish_reason"`
}

// parse reads an answer in pieces and checks that its events are in order.
func parse(t fataler, p chat.Parser, pieces []string, cut bool) reply {
	t.Helper()
	a := reply{Calls: []call{}}
	add := func(events []chat.Event) {
		for _, e := range events {
			if a.Finish != "" {
				t.Fatalf("event %#v after the end", e)
			}
			switch e := e.(type) {
			case chat.ThinkingDelta:
				if a.Content != "" || len(a.Calls) > 0 || e.Text == "" {
					t.Fatalf("reasoning %q after %+v", e.Text, a)
				}
				a.Reasoning += e.Text
			case chat.TextDelta:
				if len(a.Calls) > 0 || e.Text == "" {
					t.Fatalf("content %q after %+v", e.Text, a)
				}
				a.Content += e.Text
			case chat.ToolCallDelta:
				if e.Index == len(a.Calls) {
					a.Calls = append(a.Calls, call{Name: e.Name})
				} else if e.Name != "" {
					t.Fatalf("a second name %q", e.Name)
				}
				if e.Index != len(a.Calls)-1 {
					t.Fatalf("call %d follows %d", e.Index, len(a.Calls)-1)
				}
				a.Calls[e.Index].Arguments += e.Arguments
			case chat.Done:
				a.Finish = string(e.Reason)
			}
		}
	}
	for _, s := range pieces {
		add(p.Push(s))
	}
	add(p.Close(cut))
	if a.Finish == "" {
		t.Fatal("no end")
	}
	if more := append(p.Push("x"), p.Close(false)...); len(more) > 0 {
		t.Fatalf("%v after the end", more)
	}
	return a
}

// cuts draws a way to cut a text into pieces, also within characters.
func cuts(t *rapid.T, text string) []string {
	var out []string
	for text != "" {
		n := rapid.IntRange(1, min(len(text), 24)).Draw(t, "cut")
		out, text = append(out, text[:n]), text[n:]
	}
	return out
}

// bytesOf cuts a text into its bytes.
func bytesOf(text string) []string {
	out := make([]string, len(text))
	for i := range len(text) {
		out[i] = text[i : i+1]
	}
	return out
}

func startOf(t fataler, name string) chat.ParseStart {
	t.Helper()
	for s := chat.StartContent; s <= chat.StartToolCalls; s++ {
		if s.String() == name {
			return s
		}
	}
	t.Fatalf("unknown start %q", name)
	return 0
}

type outputCase struct {
	ID, Start, Text string
	Options         struct {
		Cut   bool
		JSON  bool
		Tools *bool `json:"parse_tool_calls"`
		Stop  []string
	}
	Expect reply
}

func (c *outputCase) options() chat.ParserOptions {
	return chat.ParserOptions{Tools: c.Options.Tools == nil || *c.Options.Tools, JSON: c.Options.JSON, Stop: c.Options.Stop}
}

func goldenOutputs(t testing.TB) map[string][]outputCase {
	files, _ := filepath.Glob(goldenDir(t, "outputs", "*.json"))
	out := map[string][]outputCase{}
	for _, path := range files {
		var f struct{ Cases []outputCase }
		readGolden(t, path, &f)
		out[strings.TrimSuffix(filepath.Base(path), ".json")] = f.Cases
	}
	return out
}

func TestGoldenOutputs(t *testing.T) {
	ran := 0
	for name, cases := range goldenOutputs(t) {
		d, err := New(name)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, c := range cases {
			ran++
			check := func(how string, pieces []string) {
				t.Helper()
				got := parse(t, d.NewParser(startOf(t, c.Start), c.options()), pieces, c.Options.Cut)
				if c.Options.JSON {
					got.Content = strings.TrimSpace(got.Content)
				}
				if diff := cmp.Diff(c.Expect, got); diff != "" {
					t.Errorf("%s/%s %s: %q (-want +got)\n%s", name, c.ID, how, c.Text, diff)
				}
			}
			check("whole", []string{c.Text})
			check("in bytes", bytesOf(c.Text))
			for at := range len(c.Text) {
				check("in two", []string{c.Text[:at], c.Text[at:]})
			}
		}
	}
	golden.Report(t, "dialect outputs", ran)
}

// TestGoldenOutputsCut draws further ways to cut each golden answer.
func TestGoldenOutputsCut(t *testing.T) {
	for name, cases := range goldenOutputs(t) {
		d, _ := New(name)
		for _, c := range cases {
			whole := parse(t, d.NewParser(startOf(t, c.Start), c.options()), []string{c.Text}, c.Options.Cut)
			rapid.Check(t, func(t *rapid.T) {
				pieces := cuts(t, c.Text)
				got := parse(t, d.NewParser(startOf(t, c.Start), c.options()), pieces, c.Options.Cut)
				if diff := cmp.Diff(whole, got); diff != "" {
					t.Fatalf("%s/%s cut into %q (-whole +cut)\n%s", name, c.ID, pieces, diff)
				}
			})
		}
	}
}

// kinds are a dialect of each way to write calls.
var kinds = []string{"deepseek-llm", "deepseek-r1", "deepseek-v3.1", "deepseek-v4"}

// tagPieces are what random answers of the older models are made of.
var tagPieces = []string{
	tokCalls, tokCalls + tokCall + "function" + tokSep + "f\n```json\n", tokCallsEnd, tokCall, tokCallEnd, tokSep, "function", "f", "\n", "```json\n", "\n```", "{\"a\": 1}", "<｜tool▁", "<think>", "</think>", "STOP", "x",
}

// TestAnyCut is the law of parsers: how an answer is cut does not matter.
func TestAnyCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, _ := New(oneOf(t, "dialect", kinds...))
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(append(tagPieces, outputPieces...)), 0, 14).Draw(t, "text"), "")
		start := chat.ParseStart(rapid.IntRange(0, int(chat.StartToolCalls)).Draw(t, "start"))
		o := chat.ParserOptions{Tools: rapid.Bool().Draw(t, "tools"), JSON: sometimes(t, "json", 5), Stop: oneOf(t, "stop", nil, []string{"STOP"}, []string{"\n"}, []string{"x\n", "OP"})}
		cut := rapid.Bool().Draw(t, "cut")
		whole := parse(t, d.NewParser(start, o), []string{text}, cut)
		pieces := cuts(t, text)
		if diff := cmp.Diff(whole, parse(t, d.NewParser(start, o), pieces, cut)); diff != "" {
			t.Fatalf("%s from %v, %+v, cut %v: %q (-whole +cut)\n%s", d.info.Name, start, o, cut, pieces, diff)
		}
		if whole.Finish == string(chat.FinishStop) && len(whole.Calls) > 0 {
			t.Fatalf("%q: calls, but the answer ended by %s", text, whole.Finish)
		}
	})
}

// TestRoundTrip writes calls as a dialect shows them and reads them again.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, _ := New(oneOf(t, "dialect", "deepseek-v3", "deepseek-r1-0528", "deepseek-v3.1", "deepseek-v3.2", "deepseek-v4-april", "deepseek-v4", "deepseek-v4.1"))
		m := chat.Message{Role: chat.Assistant, Content: chat.Text(oneOf(t, "text", "", "Let me see."))}
		want := []call{}
		for range rapid.IntRange(1, 3).Draw(t, "calls") {
			c := call{oneOf(t, "name", "f", "get_weather", "a.b c"), oneOf(t, "arguments", `{}`, `{"a": "b\n\"c\" < </x>"}`, `{"key \"q\" x": {"n": [1, 2.5, null]}, "t": true}`)}
			want = append(want, c)
			m.ToolCalls = append(m.ToolCalls, chat.ToolCall{Name: c.Name, Arguments: c.Arguments})
		}
		user := chat.Message{Role: chat.User, Content: chat.Text("u")}
		before, err := d.Render(&chat.Request{Messages: []chat.Message{user}, Thinking: new(false)})
		if err != nil {
			t.Fatal(err)
		}
		after, err := d.Render(&chat.Request{Messages: []chat.Message{user, m, user}, Thinking: new(false)})
		if err != nil {
			t.Fatal(err)
		}
		text, ok := strings.CutPrefix(after.Text(), before.Text())
		if !ok {
			t.Fatalf("%q does not begin with %q", after.Text(), before.Text())
		}
		text, _, _ = strings.Cut(text, tokEnd)
		got := parse(t, d.NewParser(chat.StartContent, chat.ParserOptions{Tools: true}), cuts(t, text), false)
		if diff := cmp.Diff(reply{Content: m.Text(""), Calls: want, Finish: "tool_calls"}, got); diff != "" {
			t.Fatalf("%s: %q (-want +got)\n%s", d.info.Name, text, diff)
		}
	})
}

// TestOddCalls reads calls of the older models that are not as they should be.
func TestOddCalls(t *testing.T) {
	f := func(name, text string, cut bool, want ...call) {
		t.Helper()
		d, _ := New(name)
		for n := 1; n <= len(text); n++ {
			var pieces []string
			for rest := text; rest != ""; {
				k := min(n, len(rest))
				pieces, rest = append(pieces, rest[:k]), rest[k:]
			}
			got := parse(t, d.NewParser(chat.StartContent, chat.ParserOptions{Tools: true}), pieces, cut)
			if diff := cmp.Diff(append([]call{}, want...), got.Calls); diff != "" {
				t.Fatalf("%s %q in pieces of %d (-want +got)\n%s", name, text, n, diff)
			}
		}
	}
	// Without the fence, without a line for the name, as V3.1 writes it.
	f("deepseek-v3", tokCalls+tokCall+"function"+tokSep+"f\n{\"a\": 1}"+tokCallEnd+tokCallsEnd, false, call{"f", `{"a": 1}`})
	f("deepseek-v3", tokCalls+tokCall+"function"+tokSep+"f"+tokCallEnd+tokCallsEnd, false, call{"f", "{}"})
	f("deepseek-r1", tokCalls+tokCall+"f"+tokSep+"{\"a\": 1}"+tokCallEnd+tokCallsEnd, false, call{"f", `{"a": 1}`})
	f("deepseek-r1", tokCalls+tokCall+"function"+tokSep+"f\n```\n{}\n```\n"+tokCallEnd+tokCallsEnd, false, call{"f", "{}"})
	// Ends that are missing.
	f("deepseek-r1", tokCalls+tokCall+"function"+tokSep+"f\n```json\n{}\n```"+tokCall+"function"+tokSep+"g\n```json\n{}\n```"+tokCallsEnd, false, call{"f", "{}"}, call{"g", "{}"})
	f("deepseek-v3.1", tokCalls+tokCall+"f"+tokSep+"{}"+tokCall+"g"+tokSep+"[]"+tokCallsEnd+"x", false, call{"f", "{}"}, call{"g", "[]"})
	f("deepseek-v3.1", tokCalls+tokCall+"f"+tokCallEnd+tokCall+"g"+tokSep+"{}"+tokCallEnd, false, call{"g", "{}"})
	// Cut answers.
	f("deepseek-r1", tokCalls+tokCall+"function"+tokSep+"f\n```json\n{\"a\": 1}\n```", true, call{"f", `{"a": 1}`})
	f("deepseek-r1", tokCalls+tokCall+"function"+tokSep+"f\n```js", true, call{"f", ""})
	f("deepseek-r1", tokCalls+tokCall+"function"+tokSep+"get_w", true)
	f("deepseek-v3.1", tokCalls+tokCall+"f"+tokSep+"{\"a\": \"<｜tool", true, call{"f", "{\"a\": \"<｜tool"})
}

// TestCleanEnds: a cut answer shows no piece of a tag, and a tag within a string of
// the arguments is none.
func TestCleanEnds(t *testing.T) {
	f := func(name, text string, cut bool, content string, want ...call) {
		t.Helper()
		d, _ := New(name)
		for at := range len(text) {
			got := parse(t, d.NewParser(chat.StartContent, chat.ParserOptions{Tools: true, Clean: true}), []string{text[:at], text[at:]}, cut)
			if diff := cmp.Diff(append([]call{}, want...), got.Calls); diff != "" || got.Content != content {
				t.Fatalf("%s %q cut at %d: content %q, expected %q; calls (-want +got)\n%s", name, text, at, got.Content, content, diff)
			}
		}
	}
	const head = tokCalls + tokCall + "f" + tokSep
	f("deepseek-v3.1", head+"{\"a\": 1}<｜tool▁ca", true, "", call{"f", `{"a": 1}`})
	f("deepseek-v3.1", head+"{\"a\": \"<｜tool▁call▁end｜>\\\"<｜tool▁calls▁end｜>\"}"+tokCallEnd+tokCallsEnd, false, "", call{"f", `{"a": "<｜tool▁call▁end｜>\"<｜tool▁calls▁end｜>"}`})
	f("deepseek-v3.1", "so <｜tool▁calls▁be", true, "so ")
	f("deepseek-v3.1", "so <｜tool▁calls▁be", false, "so ")
	f("deepseek-v3.1", "a <", false, "a <")
	f("deepseek-v3.2", "so <｜DS", true, "so ")
	const open = "<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"a\" string=\""
	f("deepseek-v3.2", open+"true\">b</｜DS", true, "", call{"f", `{"a": "b`})
	f("deepseek-v3.2", open+"false\">[\"</｜DSML｜\"]</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>", false, "", call{"f", `{"a": ["</｜DSML｜"]}`})
}

func FuzzParser(f *testing.F) {
	f.Add("r</think>\n\nx<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"a b\" string=\"true\">v\n</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>", "STOP", byte(3), byte(1), byte(5), byte(1))
	f.Add("<think>\nr</think>x "+tokCalls+tokCall+"function"+tokSep+"f\n```json\n{}\n```"+tokCallEnd+tokCallsEnd, "", byte(1), byte(2), byte(2), byte(1))
	f.Add(tokCall+"f"+tokSep+"{}"+tokCallEnd, "x", byte(2), byte(5), byte(9), byte(3))
	f.Add("a ```json\n{\"a\": 1}\n``` b", "\n", byte(3), byte(0), byte(1), byte(7))
	f.Fuzz(func(t *testing.T, text, stop string, kind, start, n, flags byte) {
		d, _ := New(kinds[int(kind)%len(kinds)])
		o := chat.ParserOptions{Tools: flags&1 > 0, JSON: flags&2 > 0, Stop: []string{stop}}
		s := chat.ParseStart(start % 6)
		whole := parse(t, d.NewParser(s, o), []string{text}, flags&4 > 0)
		var pieces []string
		for rest := text; rest != ""; {
			k := min(int(n%31)+1, len(rest))
			pieces, rest = append(pieces, rest[:k]), rest[k:]
		}
		if diff := cmp.Diff(whole, parse(t, d.NewParser(s, o), pieces, flags&4 > 0)); diff != "" {
			t.Errorf("%q in pieces of %d (-whole +cut)\n%s", text, n%31+1, diff)
		}
	})
}

func BenchmarkParser(b *testing.B) {
	d, _ := New("deepseek-v4")
	text := strings.Repeat("some reasoning about the question\n", 200) + "</think>" + strings.Repeat("an answer with words ", 200) +
		"\n\n<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"a\" string=\"true\">" + strings.Repeat("line of code();\n", 200) + "</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>"
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		p := d.NewParser(chat.StartReasoning, chat.ParserOptions{Tools: true, Stop: []string{"\n\nUser:"}})
		for rest := text; rest != ""; {
			k := min(5, len(rest))
			p.Push(rest[:k])
			rest = rest[k:]
		}
		p.Close(false)
	}
}
