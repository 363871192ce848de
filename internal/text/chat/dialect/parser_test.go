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
