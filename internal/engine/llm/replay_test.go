package llm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-llm/holdfast/internal/engine/diskcache"
	"github.com/holdfast-llm/holdfast/internal/engine/engine"
	"github.com/holdfast-llm/holdfast/internal/engine/engine/enginetest"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
	"github.com/holdfast-llm/holdfast/internal/text/grammar"
	"github.com/holdfast-llm/holdfast/internal/text/tokenizer"
)

// plainFormat shows reasoning and calls as they are; hide leaves out the
// reasoning of all turns but the answer, as many templates do.
type plainFormat struct{ hide bool }

func (plainFormat) Info() chat.FormatInfo { return chat.FormatInfo{Name: "plain", Tools: true} }

func (f plainFormat) Render(r *chat.Request) (*chat.Prompt, error) {
	p := &chat.Prompt{}
	add := func(text string, template bool) {
		p.Spans = append(p.Spans, tokenizer.Span{Text: text, Template: template})
	}
	for _, m := range r.Messages {
		add("<|im_start|>"+string(m.Role)+"\n", true)
		if m.Reasoning != "" && !f.hide {
			add("[think]"+m.Reasoning+"[/think]", false)
		}
		add(m.Text(""), false)
		for _, c := range m.ToolCalls {
			add("[call]"+c.Name+"|"+c.Arguments+"[/call]", false)
		}
		add("<|im_end|>\n", true)
	}
	add("<|im_start|>assistant\n", true)
	return p, nil
}

func (plainFormat) NewParser(chat.ParseStart, chat.ParserOptions) chat.Parser {
	return &plainParser{}
}

// plainParser reads the whole answer at its end.
type plainParser struct{ text string }

func (p *plainParser) Push(text string) []chat.Event {
	p.text += text
	return nil
}

func (p *plainParser) Reasoning() bool {
	return strings.HasPrefix(p.text, "[think]") && !strings.Contains(p.text, "[/think]")
}

func (p *plainParser) Close(bool) (out []chat.Event) {
	rest := p.text
	if s, ok := strings.CutPrefix(rest, "[think]"); ok {
		thought, after, _ := strings.Cut(s, "[/think]")
		out, rest = append(out, chat.ThinkingDelta{Text: thought}), after
	}
	text, calls, ok := strings.Cut(rest, "[call]")
	out = append(out, chat.TextDelta{Text: text})
	for i := 0; ok; i++ {
		var c string
		c, calls, ok = strings.Cut(calls, "[call]")
		name, args, _ := strings.Cut(strings.TrimSuffix(c, "[/call]"), "|")
		out = append(out, chat.ToolCallDelta{Index: i, Name: name}, chat.ToolCallDelta{Index: i, Arguments: args})
	}
	return append(out, chat.Done{Reason: chat.FinishStop})
}

const called = `[think]hm hm[/think]Let me see.[call]f|{"b":1,   "a":"x"}[/call][call]g|{}[/call]`

// replayer returns a model that says called, with a ledger on disk.
func replayer(t *testing.T, dir string, f chat.Format) (*Model, func()) {
	t.Helper()
	tok := vocabulary(t)
	var ids []int32 // letter by letter: not as the text would be encoded
	for _, c := range called {
		ids = tok.Encode(ids, tokenizer.Span{Text: string(c)})
	}
	fake := enginetest.New(tok.Size(), 4096, 16, false)
	prompt := -1
	fake.Say = func(n int) int32 {
		if prompt < 0 {
			prompt = n
		}
		if i := n - prompt; i < len(ids) {
			return ids[i]
		}
		prompt = -1
		return tok.EOG()[0]
	}
	disk, err := diskcache.Open(diskcache.Config{Dir: dir, MaxBytes: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(engine.Config{Model: fake, Usable: 1 << 30, Disk: disk})
	if err != nil {
		t.Fatal(err)
	}
	stop := func() { e.Close(); disk.Close() }
	t.Cleanup(stop)
	return New(e, tok, f), stop
}

func withIDs() Options {
	o := greedy()
	o.NewID = CallID
	return o
}

// first has the conversation's first turn, and returns it with the request that
// a client would send next.
func first(t *testing.T, m *Model) (*Answer, *chat.Request) {
	t.Helper()
	r := ask("Which?")
	a := start(t, m, r, withIDs())
	calls := make([]chat.ToolCall, 2)
	for e := range a.Events() {
		if d, ok := e.(chat.ToolCallDelta); ok {
			c := &calls[d.Index]
			c.ID, c.Name, c.Arguments = c.ID+d.ID, c.Name+d.Name, c.Arguments+d.Arguments
		}
	}
	if a.Signature() == "" || calls[0].ID == "" || calls[0].ID == calls[1].ID {
		t.Fatalf("signature %q, calls %+v", a.Signature(), calls)
	}
	next := &chat.Request{Messages: append(slices.Clone(r.Messages),
		chat.Message{Role: chat.Assistant, Content: chat.Text("Let me see."), Reasoning: "hm hm", ToolCalls: calls},
		chat.Message{Role: chat.ToolRole, Content: chat.Text("42"), ToolCallID: calls[0].ID},
	)}
	return a, next
}

// replayed asks again and reports whether the prompt begins with the sampled tokens.
func replayed(t *testing.T, m *Model, a *Answer, r *chat.Request, o Options) bool {
	t.Helper()
	b := start(t, m, r, o)
	res := collect(b)
	want := slices.Concat(a.Prompt(), a.Tokens())
	ok := len(b.Prompt()) > len(want) && slices.Equal(b.Prompt()[:len(want)], want)
	if text := m.tok.Decode(b.Prompt(), true); ok && (strings.Count(text, "<|im_end|>") != len(r.Messages) || !strings.HasSuffix(text, "<|im_start|>assistant\n")) {
		t.Errorf("the prompt does not go on as it should: %q", text)
	}
	if ok && o.Namespace == "" && res.usage.CachedTokens < len(want)-1 {
		t.Errorf("%d of %d tokens cached", res.usage.CachedTokens, len(want))
	}
	return ok
}

func TestReplayOfReformattedHistory(t *testing.T) {
	f := func(name string, want bool, change func(*chat.Request)) {
		t.Helper()
		m, _ := replayer(t, t.TempDir(), plainFormat{})
		a, r := first(t, m)
		change(r)
		if got := replayed(t, m, a, r, withIDs()); got != want {
			t.Errorf("%s: replayed %v, want %v", name, got, want)
		}
	}
	call := func(r *chat.Request) *chat.ToolCall { return &r.Messages[1].ToolCalls[0] }
	f("as it was", true, func(*chat.Request) {})
	f("arguments in another form", true, func(r *chat.Request) { call(r).Arguments = `{"a":"\u0078","b":1}` })
	f("without reasoning", true, func(r *chat.Request) { r.Messages[1].Reasoning = "" })
	f("other spaces around", true, func(r *chat.Request) { r.Messages[1].Content = chat.Text("Let me see.\n") })
	f("more turns after it", true, func(r *chat.Request) {
		r.Messages = append(r.Messages, chat.Message{Role: chat.User, Content: chat.Text("And?")})
	})
	f("other arguments", false, func(r *chat.Request) { call(r).Arguments = `{"a":"y","b":1}` })
	f("another tool", false, func(r *chat.Request) { call(r).Name = "h" })
	f("another id", false, func(r *chat.Request) { r.Messages[1].ToolCalls[1].ID = "call_x" })
	f("other text", false, func(r *chat.Request) { r.Messages[1].Content = chat.Text("Let me go.") })
	f("other reasoning", false, func(r *chat.Request) { r.Messages[1].Reasoning = "no" })
	f("another question", false, func(r *chat.Request) { r.Messages[0].Content = chat.Text("Who?") })
	f("a tool declared", false, func(r *chat.Request) { r.Tools = []chat.Tool{{Name: "f"}} })
}

// choosy shows the tool choice, as formats with tools of our own do.
type choosy struct{ plainFormat }

func (f choosy) Render(r *chat.Request) (*chat.Prompt, error) {
	p, err := f.plainFormat.Render(r)
	if len(r.Tools) > 0 && r.ToolChoice.Mode == chat.ToolRequired {
		p.Spans = append([]tokenizer.Span{{Text: "Call now!\n"}}, p.Spans...)
	}
	return p, err
}

// TestReplayUnderAnotherToolChoice: a client may demand a call in one turn and leave
// it open in the next, unless the format tells the model.
func TestReplayUnderAnotherToolChoice(t *testing.T) {
	f := func(format chat.Format, want bool) {
		t.Helper()
		m, _ := replayer(t, t.TempDir(), format)
		_, r := first(t, m)
		no := false
		r.Tools, r.ToolChoice, r.ParallelCalls = []chat.Tool{{Name: "f"}}, chat.ToolChoice{Mode: chat.ToolRequired}, &no
		free := *r
		free.ToolChoice, free.ParallelCalls = chat.ToolChoice{}, nil
		o := withIDs()
		if got := m.read(r, &o).whole == m.read(&free, &o).whole; got != want {
			t.Errorf("the same conversation: %v, want %v", got, want)
		}
	}
	f(plainFormat{}, true)
	f(choosy{}, false)
}

func TestReplayKeepsToTheFormat(t *testing.T) {
	m, _ := replayer(t, t.TempDir(), plainFormat{hide: true})
	a, r := first(t, m)
	if replayed(t, m, a, r, withIDs()) {
		t.Error("reasoning that the format hides was replayed")
	}
	m, _ = replayer(t, t.TempDir(), plainFormat{})
	a, r = first(t, m)
	o := withIDs()
	o.Namespace = "bob"
	if replayed(t, m, a, r, o) {
		t.Error("another namespace's tokens were replayed")
	}
}

func TestReplayAfterARestart(t *testing.T) {
	dir := t.TempDir()
	m, stop := replayer(t, dir, plainFormat{})
	a, r := first(t, m)
	stop()
	m, _ = replayer(t, dir, plainFormat{})
	r.Messages[1].Reasoning, r.Messages[1].ToolCalls[0].Arguments = "", `{"a": "x", "b": 1}`
	if !replayed(t, m, a, r, withIDs()) {
		t.Error("the ledger was lost")
	}
}

func TestReplayBySignature(t *testing.T) {
	m, _ := replayer(t, t.TempDir(), plainFormat{})
	a, r := first(t, m)
	o := greedy()
	o.Signatures = map[int]string{1: a.Signature()}
	r.Messages[1].Content = chat.Text(" Let me see. ")
	if !replayed(t, m, a, r, o) {
		t.Error("the signature was not recognised")
	}
}

func TestReplayOfSeveralTurns(t *testing.T) {
	m, _ := replayer(t, t.TempDir(), plainFormat{})
	a, r := first(t, m)
	for range 3 {
		r.Messages[1].ToolCalls[0].Arguments = `{ "b":1,"a":"x" }`
		if !replayed(t, m, a, r, withIDs()) {
			t.Fatalf("turn %d was not replayed", len(r.Messages)/2)
		}
		var calls []chat.ToolCall
		a = start(t, m, r, withIDs())
		collect(a)
		calls = append(calls, a.calls...)
		calls[0].Arguments = `{"a":"x","b":1}`
		r.Messages = append(r.Messages,
			chat.Message{Role: chat.Assistant, Content: chat.Text("Let me see."), ToolCalls: calls},
			chat.Message{Role: chat.ToolRole, Content: chat.Text("43"), ToolCallID: calls[0].ID})
	}
}

func TestLedgerIsBounded(t *testing.T) {
	l := newLedger(nil)
	for i := range ledgerTurns + 100 {
		l.add(&turn{IDs: []string{fmt.Sprint(i)}, Prompt: make([]int32, 10000)})
	}
	if l.bytes > ledgerBytes || l.lru.Len() > ledgerTurns || len(l.byID) != l.lru.Len() {
		t.Errorf("%d turns, %d bytes, %d ids", l.lru.Len(), l.bytes, len(l.byID))
	}
	if l.find("", "0") != nil || l.find("", fmt.Sprint(ledgerTurns+99)) == nil {
		t.Error("the wrong turns were forgotten")
	}
}

func TestSeveralAnswers(t *testing.T) {
	m, fake := saying(t, chatML, "x", 0)
	fake.Say = nil
	o := Options{MaxTokens: 12}
	o.Sampling.Temperature, o.Sampling.TopP, o.Sampling.Seed = 50, 1, 7
	all, err := m.ChatN(context.Background(), ask("Why?"), o, 3)
	if err != nil {
		t.Fatal(err)
	}
	var many, alone [][]int32
	for i, a := range all {
		collect(a)
		many = append(many, a.Tokens())
		one := o
		one.Sampling.Seed += uint64(i)
		b := start(t, m, ask("Why?"), one)
		collect(b)
		alone = append(alone, b.Tokens())
	}
	if diff := cmp.Diff(alone, many); diff != "" || cmp.Equal(many[0], many[1]) {
		t.Errorf("answers %v (-alone +together)\n%s", many, diff)
	}
}

// TestConstraintBeginsAfterThinking holds a model that would say something else
// to a grammar, after it has thought freely.
func TestConstraintBeginsAfterThinking(t *testing.T) {
	m, _ := saying(t, thinking, "Hm, the sea.</think>Rivers.", 0)
	g, err := grammar.Choice([]string{"yes", "no"})
	if err != nil {
		t.Fatal(err)
	}
	v := grammar.NewVocabulary(m.Tokenizer())
	o := greedy()
	o.Constrain = func(p *chat.Prompt) (engine.Mask, error) {
		if p.Start != chat.StartReasoning {
			t.Errorf("the answer begins with %v", p.Start)
		}
		match, err := grammar.NewMatcher(g, v)
		if err != nil {
			return nil, err
		}
		return grammar.NewGate(match, "</think>"), nil
	}
	r := collect(start(t, m, ask("Salty?"), o))
	if r.thinking != "Hm, the sea." || r.text != "yes" && r.text != "no" {
		t.Errorf("thinking %q, text %q, done %+v", r.thinking, r.text, r.done)
	}
}

type broken struct{ engine.Mask }

func (broken) Allows(int32) bool { return true }
func (broken) Accept(int32)      {}
func (broken) Err() error        { return errors.New("it broke") }

func TestAMaskThatFailsIsAnError(t *testing.T) {
	m, _ := saying(t, chatML, "yes", 0)
	o := greedy()
	o.Mask = broken{}
	if r := collect(start(t, m, ask("x"), o)); r.done.Reason != chat.FinishError || !strings.Contains(r.done.Err.Error(), "it broke") {
		t.Errorf("%+v", r.done)
	}
	want := errors.New("no such schema")
	o.Constrain = func(*chat.Prompt) (engine.Mask, error) { return nil, want }
	if _, err := m.Chat(context.Background(), ask("x"), o); !errors.Is(err, want) {
		t.Errorf("error %v", err)
	}
}
