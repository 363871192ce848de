package talk

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-llm/holdfast"
)

// session is a Session that remembers what it was told.
type session struct {
	sampling holdfast.Sampling
	saved    string
	changes  int
}

func (s *session) Chat(context.Context, string) Events         { return nil }
func (s *session) Regenerate(context.Context) Events           { return nil }
func (s *session) Configure(o ...holdfast.SessionOption) error { s.changes += len(o); return nil }
func (s *session) Sampling() holdfast.Sampling                 { return s.sampling }
func (s *session) System() string                              { return "" }
func (s *session) History() []holdfast.Message                 { return make([]holdfast.Message, 2) }
func (s *session) Clear() error                                { return nil }
func (s *session) ContextUsed() (int, error)                   { return 1, nil }
func (s *session) Save(w io.Writer) error {
	_, err := io.WriteString(w, `{"holdfast_session": 1}`)
	return err
}

func (s *session) Load(r io.Reader) error {
	b, err := io.ReadAll(r)
	s.saved = string(b)
	return err
}

func TestEnter(t *testing.T) {
	for _, c := range []struct {
		input, text, err string
		answer, quit     bool
	}{
		{input: "  \n"},
		{input: "a question", answer: true},
		{input: "//slash", answer: true},
		{input: "/regenerate", answer: true},
		{input: "/bye", quit: true},
		{input: "/quit", quit: true},
		{input: "/?", text: "/system"},
		{input: "/set", text: "min-p"},
		{input: "/set top-p 0.5", text: "top-p is 0.5"},
		{input: "/set top_p=0.5", text: "top-p is 0.5"},
		{input: "/set --top-p 0.5", text: "top-p is 0.5"},
		{input: "/set top-p 2", err: "from 0 to 1"},
		{input: "/set top-k 0.5", err: "whole number"},
		{input: "/set seed -1", text: "random"},
		{input: "/set seed x", err: "seed must be"},
		{input: `/set stop \n\n`, text: `["\n\n"]`},
		{input: "/set think maybe", err: "on, off or auto"},
		{input: "/set think off", text: "think is off"},
		{input: "/set max-tokens -5", err: "whole number"},
		{input: "/set colour blue", err: "no setting"},
		{input: "/system Be brief.\nAlways.", text: "set"},
		{input: "/system", text: "no system prompt"},
		{input: "/clear", text: "forgotten"},
		{input: "/save", err: "name of a file"},
		{input: "/load /nowhere/x", err: "no such file"},
		{input: "/regenrate", err: "/regenerate?"},
		{input: "/stats", text: "1 of 100 tokens"},
	} {
		talk := &Talk{Session: &session{}, Context: 100}
		r := talk.Enter(c.input)
		got := ""
		if r.Err != nil {
			got = r.Err.Error()
		}
		if (r.Answer != nil) != c.answer || r.Quit != c.quit || !strings.Contains(r.Text, c.text) || !strings.Contains(got, c.err) || (got != "") != (c.err != "") {
			t.Errorf("Enter(%q) = %+v", c.input, r)
		}
	}
}

func TestSaveAndLoad(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "talk.json")
	s := &session{}
	talk := &Talk{Session: s}
	for range 2 { // a saved conversation may be replaced
		if r := talk.Enter("/save " + filepath.Join(dir, "talk")); r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	if fi, err := os.Stat(path); err != nil || fi.Mode().Perm()&0o077 != 0 {
		t.Errorf("%s: %v, %v; want it private", path, fi, err)
	}
	if r := talk.Enter("/load " + filepath.Join(dir, "talk")); r.Err != nil || s.saved == "" || !r.Cleared {
		t.Errorf("load: %+v, %q", r, s.saved)
	}
	precious := filepath.Join(dir, "precious.txt")
	if err := os.WriteFile(precious, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := talk.Enter("/save " + precious); r.Err == nil {
		t.Error("/save replaced a file that is no conversation")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".holdfast-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestNoticeOnce(t *testing.T) {
	talk := &Talk{Session: &session{}, Notice: "N"}
	if talk.Finished(&holdfast.Done{}) != "N" || talk.Finished(&holdfast.Done{}) != "" {
		t.Error("the notice is not said exactly once")
	}
}

func TestKnobsSetAndGet(t *testing.T) {
	s := holdfast.DefaultSampling()
	for _, k := range Knobs {
		k.Set(&s, 1)
		if k.Get(&s) != "1" {
			t.Errorf("%s is %s after setting it to 1", k.Name, k.Get(&s))
		}
		if _, err := k.Parse("NaN"); err == nil {
			t.Errorf("%s takes NaN", k.Name)
		}
		for _, edge := range []float64{k.Low, k.High} {
			k.Set(&s, edge)
			if err := s.Validate(); err != nil {
				t.Errorf("%s allows %v, but %v", k.Name, edge, err)
			}
		}
		k.Set(&s, 1)
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{5 * time.Millisecond: "5 ms", 1500 * time.Millisecond: "1.5 s", 125 * time.Second: "2 min 5 s"} {
		if got := Duration(d); got != want {
			t.Errorf("Duration(%v) = %q, want %q", d, got, want)
		}
	}
}
