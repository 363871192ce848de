package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/holdfast-llm/holdfast"
	"github.com/holdfast-llm/holdfast/internal/cli/talk"
)

// fake is a session whose answers are written down in advance.
type fake struct {
	asked    []string
	events   []item
	system   string
	sampling holdfast.Sampling
}

func (f *fake) Chat(ctx context.Context, text string) talk.Events {
	f.asked = append(f.asked, text)
	return func(yield func(holdfast.Event, error) bool) {
		for _, it := range f.events {
			if !yield(it.ev, it.err) {
				return
			}
		}
	}
}
func (f *fake) Regenerate(ctx context.Context) talk.Events  { return f.Chat(ctx, "again") }
func (f *fake) Configure(o ...holdfast.SessionOption) error { return nil }
func (f *fake) Sampling() holdfast.Sampling                 { return f.sampling }
func (f *fake) System() string                              { return f.system }
func (f *fake) History() []holdfast.Message                 { return nil }
func (f *fake) Clear() error                                { return nil }
func (f *fake) Save(w io.Writer) error                      { return nil }
func (f *fake) Load(r io.Reader) error                      { return nil }
func (f *fake) ContextUsed() (int, error)                   { return 7, nil }
func text(s string) item                                    { return item{ev: holdfast.Event{Text: s}} }

func thought(s string) item { return item{ev: holdfast.Event{Thinking: s}} }

func end(r holdfast.FinishReason) item {
	return item{ev: holdfast.Event{Done: &holdfast.Done{Reason: r, Usage: holdfast.Usage{PromptTokens: 5, CompletionTokens: 3}}}}
}

// screen drives a model as Bubble Tea would, without a terminal.
type screen struct {
	t       *testing.T
	m       *model
	f       *fake
	cancels int
}

func open(t *testing.T, events ...item) *screen {
	t.Helper()
	s := &screen{t: t, f: &fake{events: events}}
	s.m = newModel(&talk.Talk{Session: s.f, Model: "test", Context: 100, Keys: Keys, Notice: "NOTICE"}, Options{NoColor: true})
	s.m.start = func(ask func(context.Context) talk.Events) (*stream, context.CancelFunc) {
		ask(context.Background())
		return &stream{}, func() { s.cancels++ }
	}
	s.send(tea.WindowSizeMsg{Width: 60, Height: 20})
	return s
}

// send gives the model a message; prints are answered as if they had happened.
func (s *screen) send(msg tea.Msg) {
	s.t.Helper()
	s.m.Update(msg)
	if s.m.failure != nil {
		s.t.Fatalf("panic in update of %T: %v", msg, s.m.failure)
	}
}

func (s *screen) typed(text string) {
	for _, r := range text {
		s.send(tea.KeyPressMsg{Code: r, Text: string(r)})
	}
}

func (s *screen) press(code rune, mod tea.KeyMod) { s.send(tea.KeyPressMsg{Code: code, Mod: mod}) }
func (s *screen) enter()                          { s.press(tea.KeyEnter, 0) }
func (s *screen) ctrl(r rune)                     { s.press(r, tea.ModCtrl) }

// deliver plays the answer's events, and its end.
func (s *screen) deliver(over bool, items ...item) {
	s.send(answerMsg{from: s.m.answer, items: items, over: over})
}

// all is everything that was printed or waits to be, then what is on the screen.
func (s *screen) view() string { return s.m.View().Content }

// printed returns what has gone to the scrollback. In these tests nothing takes
// it away: printing stays true after the first flush.
func (s *screen) printed() string { return strings.Join(s.m.out, "\n") }

func (s *screen) want(where, what string) {
	s.t.Helper()
	if !strings.Contains(where, what) {
		s.t.Errorf("%q is missing in:\n%s", what, where)
	}
}

func TestQuestionAndAnswer(t *testing.T) {
	s := open(t)
	s.typed("Why?")
	s.want(s.view(), "> Why?")
	s.enter()
	if len(s.f.asked) != 1 || s.f.asked[0] != "Why?" || s.m.phase != reading {
		t.Fatalf("asked %q in phase %d", s.f.asked, s.m.phase)
	}
	s.deliver(false, item{ev: holdfast.Event{Progress: &holdfast.Progress{Done: 3, Total: 9}}})
	s.want(s.view(), "reading, 3 of 9 tokens")
	s.deliver(false, text("First **block**.\n\nSecond"), text(" one\n"))
	s.want(s.printed(), "block")
	s.want(s.view(), "Second one")
	if strings.Contains(s.printed(), "Second") {
		t.Error("an unfinished block went to the scrollback")
	}
	s.deliver(true, end(holdfast.FinishStop))
	s.want(s.printed(), "Second one")
	s.want(s.printed(), "NOTICE")
	if s.m.phase != idle || s.m.input.Value() != "" {
		t.Errorf("after the answer: phase %d, input %q", s.m.phase, s.m.input.Value())
	}
	s.want(s.view(), "context 8 of 100")
}

func TestThinkingFolds(t *testing.T) {
	s := open(t)
	s.typed("x")
	s.enter()
	long := ""
	for i := range 9 {
		long += fmt.Sprintf("thought %d\n", i)
	}
	s.deliver(false, thought(long))
	s.want(s.view(), "thought 8")
	if strings.Contains(s.view(), "thought 0") {
		t.Error("folded thinking shows all of it")
	}
	s.ctrl('t')
	s.want(s.view(), "thought 0")
	s.ctrl('t')
	s.deliver(false, text("answer"))
	s.want(s.printed(), "thought for")
	if strings.Contains(s.printed(), "thought 3") {
		t.Error("folded thinking was printed")
	}
	s.deliver(true, end(holdfast.FinishStop))
	s.ctrl('t')
	s.want(s.printed(), "│ thought 3")
}

func TestCtrlC(t *testing.T) {
	s := open(t)
	s.typed("x")
	s.enter()
	s.deliver(false, text("half an"))
	s.typed("next question")
	s.ctrl('c')
	if s.cancels != 1 || s.m.quitting || s.m.input.Value() != "next question" {
		t.Fatalf("Ctrl-C in an answer: cancels=%d quitting=%v input=%q", s.cancels, s.m.quitting, s.m.input.Value())
	}
	s.want(s.view(), "stopping")
	s.deliver(true, item{ev: holdfast.Event{Done: &holdfast.Done{Reason: holdfast.FinishCanceled}}, err: context.Canceled})
	s.want(s.printed(), "half an")
	s.want(s.printed(), "(stopped)")
	s.ctrl('c')
	if s.m.input.Value() != "" || s.m.quitting {
		t.Fatalf("Ctrl-C with input: %q, quitting %v; want it cleared", s.m.input.Value(), s.m.quitting)
	}
	s.ctrl('c')
	s.want(s.view(), "again")
	s.typed("y")
	s.press(tea.KeyBackspace, 0)
	s.ctrl('c')
	if s.m.quitting {
		t.Fatal("Ctrl-C, a key, Ctrl-C ended the program")
	}
	s.ctrl('c')
	if !s.m.quitting {
		t.Fatal("Ctrl-C twice at an empty prompt did not end the program")
	}
}

func TestCtrlDAndBye(t *testing.T) {
	s := open(t)
	s.typed("ab")
	s.press(tea.KeyHome, 0)
	s.ctrl('d')
	if s.m.quitting || s.m.input.Value() != "b" {
		t.Errorf("Ctrl-D in text: %q, quitting %v; want it to delete", s.m.input.Value(), s.m.quitting)
	}
	s.ctrl('u')
	s.ctrl('k')
	s.ctrl('d')
	if !s.m.quitting {
		t.Error("Ctrl-D at an empty prompt did not end the program")
	}
	s = open(t)
	s.typed("/bye")
	s.enter()
	if !s.m.quitting || s.view() != "" {
		t.Error("/bye did not end the program")
	}
}

func TestMultiLineAndPaste(t *testing.T) {
	s := open(t)
	s.typed("one")
	s.ctrl('j')
	s.typed(`two\`)
	s.enter()
	s.typed("three")
	s.send(tea.PasteMsg{Content: " four\nfive\n"})
	if len(s.f.asked) != 0 {
		t.Fatal("a line end sent the message")
	}
	s.enter()
	want := "one\ntwo\nthree four\nfive"
	if len(s.f.asked) != 1 || s.f.asked[0] != want {
		t.Errorf("asked %q, want %q", s.f.asked, want)
	}
	s = open(t)
	s.send(tea.PasteMsg{Content: strings.Repeat("line\n", 5000)})
	if n := strings.Count(s.m.input.Value(), "\n"); n != 5000 {
		t.Errorf("a paste of 5000 lines became %d", n)
	}
	s.enter()
	s.want(s.printed(), "more lines")
}

func TestHistoryKeepsDraft(t *testing.T) {
	s := open(t)
	for _, q := range []string{"first", "second"} {
		s.typed(q)
		s.enter()
		s.deliver(true, end(holdfast.FinishStop))
	}
	s.typed("draft")
	var got []string
	for range 3 {
		s.press(tea.KeyUp, 0)
		got = append(got, s.m.input.Value())
	}
	for range 3 {
		s.press(tea.KeyDown, 0)
		got = append(got, s.m.input.Value())
	}
	if want := "[second first first second draft draft]"; fmt.Sprint(got) != want {
		t.Errorf("up and down gave %v, want %s", got, want)
	}
}

func TestCommandsAndErrors(t *testing.T) {
	s := open(t)
	s.typed("/sta")
	s.press(tea.KeyTab, 0)
	if got := s.m.input.Value(); got != "/stats " {
		t.Errorf("Tab made %q of /sta", got)
	}
	s.enter()
	s.want(s.printed(), "7 of 100 tokens used")
	s.typed("/set top-p 3")
	s.enter()
	s.want(s.printed(), "from 0 to 1")
	s.typed("/help")
	s.enter()
	s.want(s.printed(), "/regenerate")
	s.want(s.printed(), "Ctrl-T")

	s.typed("q")
	s.enter()
	s.typed("too early")
	s.enter()
	if len(s.f.asked) != 1 || s.m.input.Value() != "too early" {
		t.Errorf("a question during an answer: asked %q, input %q", s.f.asked, s.m.input.Value())
	}
	s.deliver(true, item{err: &holdfast.ContextError{PromptTokens: 200, Context: 100}})
	s.want(s.printed(), "200 tokens")
	s.enter()
	s.deliver(true, item{err: errors.New("holdfast: broken \x1b[2J")})
	s.want(s.printed(), "broken [2J")
	if s.m.phase != idle {
		t.Error("an error left the answer open")
	}
}

func TestEscapesAreRemoved(t *testing.T) {
	s := open(t)
	s.typed("x")
	s.enter()
	s.deliver(true, text("a\x1b]0;title\x07b\u009b2Jc"), end(holdfast.FinishStop))
	if strings.ContainsAny(s.printed(), "\x1b\x07\u009b") {
		t.Errorf("control characters reached the terminal: %q", s.printed())
	}
}

func TestSmallAndLargeWindows(t *testing.T) {
	s := open(t)
	s.typed("x")
	s.enter()
	s.deliver(false, text("```\n"+strings.Repeat("code\n", 200)))
	for _, size := range [][2]int{{1, 1}, {10, 4}, {60, 12}, {300, 100}} {
		s.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
		if n := strings.Count(s.view(), "\n") + 1; n > max(size[1], 6) {
			t.Errorf("at %v the view has %d lines", size, n)
		}
	}
}

func TestPrintsKeepTheirOrder(t *testing.T) {
	s := open(t)
	if !s.m.printing || len(s.m.out) != 0 {
		t.Fatalf("the greeting is not on its way: %v %q", s.m.printing, s.m.out)
	}
	s.m.print("a", "b")
	if s.m.flush() != nil {
		t.Fatal("a second print began before the first had ended")
	}
	s.send(printedMsg{})
	if !s.m.printing || len(s.m.out) != 0 {
		t.Errorf("after the first print: printing=%v waiting=%q", s.m.printing, s.m.out)
	}
}

func TestPanicEndsInOrder(t *testing.T) {
	s := open(t)
	s.m.start = func(func(context.Context) talk.Events) (*stream, context.CancelFunc) { panic("boom") }
	s.typed("x")
	_, cmd := s.m.Update(tea.KeyPressMsg{Code: tea.KeyEnter})
	if s.m.failure != "boom" || !s.m.quitting || cmd == nil {
		t.Errorf("failure=%v quitting=%v", s.m.failure, s.m.quitting)
	}
}
