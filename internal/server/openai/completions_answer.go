package openai

import (
	"net/http"
	"sync"

	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/sse"
	"github.com/holdfast-llm/holdfast/internal/server/wire"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
	"github.com/holdfast-llm/holdfast/internal/text/tokenizer"
)

// completionAnswer is the answer, and each chunk of a stream.
type completionAnswer struct {
	head
	Choices []textChoice `json:"choices"`
	Usage   *usage       `json:"usage,omitempty"`
}

type textChoice struct {
	Text         string             `json:"text"`
	Index        int                `json:"index"`
	Logprobs     *wire.TextLogprobs `json:"logprobs"`
	FinishReason *string            `json:"finish_reason"`
}

func textSpan(s string) tokenizer.Span { return tokenizer.Span{Text: s} }

// echo is what precedes an answer's text.
func (q *completion) prefix(l *library.Lease, i int) string {
	if !q.echo {
		return ""
	}
	p := q.prompts[i/q.n]
	if p.tokens != nil {
		return l.Tokenizer().Decode(p.tokens, true)
	}
	return p.text
}

func (a *API) completionHead(l *library.Lease, q *completion) head {
	return head{ID: "cmpl-" + a.o.NewID(), Object: "text_completion", Created: q.created, Model: q.model, Fingerprint: fingerprint(l)}
}

func (a *API) completionWhole(w http.ResponseWriter, l *library.Lease, q *completion, answers []*llm.Answer) error {
	out := completionAnswer{head: a.completionHead(l, q), Choices: make([]textChoice, len(answers)), Usage: &usage{}}
	results := make([]textResult, len(answers))
	var wg sync.WaitGroup
	for i, ans := range answers {
		wg.Go(func() { results[i].read(ans, q.top >= 0) })
	}
	wg.Wait()
	for i := range results {
		t := &results[i]
		if err := t.err(); err != nil {
			return err
		}
		reason := string(t.done.Reason)
		out.Choices[i] = textChoice{Text: q.prefix(l, i) + t.text.String(), Index: i, Logprobs: t.legacy, FinishReason: &reason}
		out.Usage.addPrompt(t.usage, i%q.n == 0)
	}
	return server.WriteJSON(w, http.StatusOK, out)
}

// A textResult is a completion put together.
type textResult struct {
	gathered
	legacy *wire.TextLogprobs
}

func (t *textResult) read(ans *llm.Answer, logprobs bool) {
	if logprobs {
		t.legacy = &wire.TextLogprobs{}
	}
	for e := range ans.Events() {
		switch e := e.(type) {
		case chat.TextDelta:
			t.text.WriteString(e.Text)
		case chat.Logprobs:
			t.legacy.Add(e.Tokens)
		case chat.Usage:
			t.usage = e
		case chat.Done:
			t.done = e
		}
	}
}

// addPrompt counts an answer; the tokens of a prompt count once.
func (u *usage) addPrompt(c chat.Usage, first bool) {
	if first {
		u.PromptTokens += c.PromptTokens
		u.PromptDetails.CachedTokens += c.CachedTokens
	}
	u.CompletionTokens += c.CompletionTokens
	u.TotalTokens = u.PromptTokens + u.CompletionTokens
}

// completionStream streams all answers, their chunks mixed.
func (a *API) completionStream(r *http.Request, s *sse.Writer, q *completion) error {
	l, answers, err := a.complete(r, q)
	if err != nil {
		return err
	}
	defer l.Release()
	if err := begun(s, l); err != nil {
		return err
	}
	c := &textStreamer{s: s, head: a.completionHead(l, q), q: q}
	errs := make([]error, len(answers))
	var wg sync.WaitGroup
	for i, ans := range answers {
		wg.Go(func() {
			if errs[i] = c.one(i, ans, q.prefix(l, i)); errs[i] != nil {
				for _, other := range answers {
					other.Cancel()
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	if q.include {
		if err := s.Event("", completionAnswer{head: c.head, Choices: []textChoice{}, Usage: &c.usage}); err != nil {
			return err
		}
	}
	return s.Text("[DONE]")
}

type textStreamer struct {
	s    *sse.Writer
	head head
	q    *completion

	mu    sync.Mutex
	usage usage
}

func (c *textStreamer) one(i int, ans *llm.Answer, prefix string) error {
	send := func(t textChoice) error {
		t.Index = i
		return c.s.Event("", completionAnswer{head: c.head, Choices: []textChoice{t}})
	}
	if prefix != "" {
		if err := send(textChoice{Text: prefix}); err != nil {
			return err
		}
	}
	held, offset := "", 0
	for e := range ans.Events() {
		var err error
		switch e := e.(type) {
		case chat.TextDelta:
			if c.q.top >= 0 {
				held += e.Text // goes with its log-probabilities
				continue
			}
			err = send(textChoice{Text: e.Text})
		case chat.Logprobs:
			lp := &wire.TextLogprobs{Offset: offset}
			lp.Add(e.Tokens)
			offset = lp.Offset
			err = send(textChoice{Text: held, Logprobs: lp})
			held = ""
		case chat.Usage:
			c.mu.Lock()
			c.usage.addPrompt(e, i%c.q.n == 0)
			c.mu.Unlock()
		case chat.Done:
			if err := (&gathered{done: e}).err(); err != nil {
				return err
			}
			reason := string(e.Reason)
			return send(textChoice{Text: held, FinishReason: &reason})
		}
		if err != nil {
			return err // leaving the loop cancels the answer
		}
	}
	return nil
}
