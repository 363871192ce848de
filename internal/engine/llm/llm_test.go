package llm

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-llm/holdfast/internal/engine/engine"
	"github.com/holdfast-llm/holdfast/internal/engine/engine/enginetest"
	"github.com/holdfast-llm/holdfast/internal/engine/sample"
	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/golden"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
	"github.com/holdfast-llm/holdfast/internal/text/tokenizer"
)

const (
	chatML = `{% for m in messages %}<|im_start|>{{ m.role }}
{{ m.content }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}`
	thinking = chatML + `{% if add_generation_prompt %}<think>
{% endif %}{# </think> #}`
)

// vocabulary returns a small tokenizer: all bytes, some merges, the ChatML tags.
func vocabulary(t *testing.T) *tokenizer.Tokenizer {
	t.Helper()
	f, err := gguf.Open(filepath.Join(golden.ModuleRoot(t), "test/vectors/goldens/models/quant-llama-64-q4_1/model.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tok, err := tokenizer.FromGGUF(f)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// saying returns a model that answers every prompt with the same text.
func saying(t *testing.T, template, answer string, delay time.Duration) (*Model, *enginetest.Model) {
	t.Helper()
	tok := vocabulary(t)
	ids := tok.Encode(nil, tokenizer.Span{Text: answer})
	end := tok.EOG()[0]
	m := enginetest.New(tok.Size(), 4096, 16, false)
	m.Delay = delay
	prompt := -1 // its length is known when the first token is asked for
	m.Say = func(n int) int32 {
		if prompt < 0 {
			prompt = n
		}
		if i := n - prompt; i < len(ids) {
			return ids[i]
		}
		prompt = -1
		return end
	}
	e, err := engine.New(engine.Config{Model: m, Usable: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	format, err := chat.ForModel(chat.ModelInfo{Template: template}, chat.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return New(e, tok, format), m
}

// result joins the events of an answer.
type result struct {
	text, thinking string
	usage          chat.Usage
	done           chat.Done
	logprobs       []chat.TokenLogprob
	progress       []chat.Progress
}

func collect(a *Answer) (r result) {
	for e := range a.Events() {
		switch e := e.(type) {
		case chat.TextDelta:
			r.text += e.Text
		case chat.ThinkingDelta:
			r.thinking += e.Text
		case chat.Usage:
			r.usage = e
		case chat.Done:
			r.done = e
		case chat.Logprobs:
			r.logprobs = append(r.logprobs, e.Tokens...)
		case chat.Progress:
			r.progress = append(r.progress, e)
		}
	}
	return r
}

func ask(text string) *chat.Request {
	return &chat.Request{Messages: []chat.Message{{Role: chat.User, Content: chat.Text(text)}}}
}

func greedy() Options { return Options{Sampling: sample.Greedy()} }

func start(t *testing.T, m *Model, r *chat.Request, o Options) *Answer {
	t.Helper()
	a, err := m.Chat(context.Background(), r, o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestChat(t *testing.T) {
	m, _ := saying(t, chatML, "Salt – ✓ and 食塩.", 0)
	a := start(t, m, ask("Why?"), greedy())
	r := collect(a)
	if r.text != "Salt – ✓ and 食塩." || r.done.Reason != chat.FinishStop || r.done.Err != nil {
		t.Errorf("%+v", r)
	}
	want := "<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n"
	if got := m.Tokenizer().Decode(a.Prompt(), true); got != want {
		t.Errorf("prompt %q, want %q", got, want)
	}
	if r.usage.PromptTokens != len(a.Prompt()) || r.usage.CompletionTokens != len(a.Tokens()) || r.usage.CachedTokens != 0 {
		t.Errorf("usage %+v", r.usage)
	}
	again := collect(start(t, m, ask("Why?"), greedy()))
	if again.usage.CachedTokens != len(a.Prompt())-1 || again.text != r.text {
		t.Errorf("second time: %+v", again)
	}
}

func TestUserTextIsNeverATemplateToken(t *testing.T) {
	m, _ := saying(t, chatML, "no", 0)
	a := start(t, m, ask("<|im_end|>"), greedy())
	end, _ := m.Tokenizer().Lookup("<|im_end|>")
	n := 0
	for _, id := range a.Prompt() {
		if id == end {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d end tokens in the prompt, want the template's one", n)
	}
	collect(a)
}

func TestThinking(t *testing.T) {
	m, _ := saying(t, thinking, "Hm, the sea.</think>\n\nRivers.", 0)
	r := collect(start(t, m, ask("Why?"), greedy()))
	if r.thinking != "Hm, the sea." || r.text != "Rivers." {
		t.Errorf("thinking %q, text %q", r.thinking, r.text)
	}
	if n := r.usage.ReasoningTokens; n < 8 || n >= r.usage.CompletionTokens {
		t.Errorf("%d reasoning tokens of %d", n, r.usage.CompletionTokens)
	}
}

// TestStopTexts: wherever a stop text lies in the tokens, nothing of it is
// shown, and nothing after it.
func TestStopTexts(t *testing.T) {
	f := func(answer string, stop []string, want, found string) {
		t.Helper()
		m, fake := saying(t, chatML, answer, 0)
		q := ask("Why?")
		q.Stop = stop
		r := collect(start(t, m, q, greedy()))
		if r.text != want || r.done.Stop != found || r.done.Reason != chat.FinishStop {
			t.Errorf("chat: %q stopped at %q, want %q at %q", r.text, r.done.Stop, want, found)
		}
		fake.Say = nil
		m2, _ := saying(t, chatML, answer, 0)
		a, err := m2.Complete(context.Background(), "Say:", false, stop, greedy())
		if err != nil {
			t.Fatal(err)
		}
		if r := collect(a); r.text != want || r.done.Stop != found {
			t.Errorf("completion: %q stopped at %q, want %q at %q", r.text, r.done.Stop, want, found)
		}
	}
	f("one two three", []string{"two"}, "one ", "two")
	f("one two three", []string{"e t", "three"}, "on", "e t")
	f("one two three", []string{"never", "thr?"}, "one two three", "")
	f("abababac.", []string{"abac"}, "abab", "abac")
	f("ends with a part of sto", []string{"stop"}, "ends with a part of sto", "")
	f("Größe über alles", []string{"ü"}, "Größe ", "ü")
}

func TestStopTextEndsTheSequence(t *testing.T) {
	m, _ := saying(t, chatML, "one two "+strings.Repeat("more ", 300), time.Millisecond)
	q := ask("Why?")
	q.Stop = []string{"two"}
	a := start(t, m, q, greedy())
	if r := collect(a); r.done.Reason != chat.FinishStop || a.Result().Reason != engine.Stop {
		t.Errorf("%+v, %+v", r.done, a.Result())
	}
	res, err := a.s.Wait(context.Background())
	if err != nil || res.Reason != engine.Stop || res.Tokens > 30 {
		t.Errorf("%+v, %v", res, err)
	}
}

func TestLength(t *testing.T) {
	m, _ := saying(t, chatML, "one two three four five", 0)
	o := greedy()
	o.MaxTokens = 5
	r := collect(start(t, m, ask("Why?"), o))
	if r.done.Reason != chat.FinishLength || r.usage.CompletionTokens != 5 || r.text == "" {
		t.Errorf("%+v", r)
	}
}

func TestLogprobs(t *testing.T) {
	m, _ := saying(t, chatML, "yes, 食塩", 0)
	o := greedy()
	o.Logprobs = 3
	a := start(t, m, ask("Why?"), o)
	r := collect(a)
	var text []byte
	for _, l := range r.logprobs {
		text = append(text, l.Bytes...)
		if len(l.Top) != 2 || l.Top[0].ID != l.ID || l.Logprob >= 0 {
			t.Errorf("%+v", l)
		}
	}
	if string(text) != "yes, 食塩" {
		t.Errorf("the tokens spell %q", text)
	}
}

func TestProgress(t *testing.T) {
	m, _ := saying(t, chatML, "yes", time.Millisecond)
	o := greedy()
	o.Progress = true
	r := collect(start(t, m, ask(strings.Repeat("long ", 100)), o))
	if len(r.progress) < 2 || r.progress[len(r.progress)-1].Done != r.progress[0].Total {
		t.Errorf("progress %v", r.progress)
	}
}

func TestBreakingOutCancels(t *testing.T) {
	m, _ := saying(t, chatML, strings.Repeat("more ", 500), time.Millisecond)
	a := start(t, m, ask("Why?"), greedy())
	for range a.Events() {
		break
	}
	res, err := a.s.Wait(context.Background())
	if err != nil || res.Reason != engine.Canceled {
		t.Errorf("%+v, %v", res, err)
	}
}

func TestCancelAndCloseEndTheEvents(t *testing.T) {
	m, _ := saying(t, chatML, strings.Repeat("more ", 500), time.Millisecond)
	ctx, cancel := context.WithCancel(context.Background())
	a, err := m.Chat(ctx, ask("Why?"), greedy())
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(20*time.Millisecond, cancel)
	if r := collect(a); r.done.Reason != chat.FinishCanceled || !errors.Is(r.done.Err, context.Canceled) {
		t.Errorf("cancelled: %+v", r.done)
	}
	a = start(t, m, ask("And?"), greedy())
	time.AfterFunc(20*time.Millisecond, func() { m.Engine().Close() })
	if r := collect(a); r.done.Reason != chat.FinishError || !errors.Is(r.done.Err, engine.ErrClosed) {
		t.Errorf("closed: %+v", r.done)
	}
}

func TestScore(t *testing.T) {
	m, _ := saying(t, chatML, "x", 0)
	var at []int
	if err := m.Score(context.Background(), []int32{5, 6, 7}, 1, func(pos int, _ []float32) { at = append(at, pos) }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{1, 2}, at); diff != "" {
		t.Error(diff)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := m.Score(ctx, []int32{5, 6, 7}, 1, func(int, []float32) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestErrorsComeAtOnce(t *testing.T) {
	m, _ := saying(t, chatML, "x", 0)
	if _, err := m.Chat(context.Background(), ask(strings.Repeat("long ", 5000)), greedy()); !errors.Is(err, engine.ErrContextExceeded) {
		t.Errorf("error %v", err)
	}
	bare := New(m.Engine(), m.Tokenizer(), nil)
	if _, err := bare.Chat(context.Background(), ask("x"), greedy()); !errors.Is(err, ErrNoFormat) {
		t.Errorf("error %v", err)
	}
}

func TestDRYGetsItsBreakers(t *testing.T) {
	m, _ := saying(t, chatML, "x", 0)
	if n := len(m.breakers()); n < 4 {
		t.Errorf("%d breakers in the vocabulary", n)
	}
	o := greedy()
	o.Sampling.DRY.Multiplier = 1
	collect(start(t, m, ask("x"), o))
}
