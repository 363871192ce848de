package openai

import (
	"net/http"
	"strings"
	"sync"

	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// head is what every chunk and every answer of a request begins with.
type head struct {
	ID          string `json:"id"`
	Object      string `json:"object"`
	Created     int64  `json:"created"`
	Model       string `json:"model"`
	Fingerprint string `json:"system_fingerprint"`
}

// chatAnswer is the whole answer.
type chatAnswer struct {
	head
	Choices []chatChoice `json:"choices"`
	Usage   usage        `json:"usage"`
}

type chatChoice struct {
	Index        int           `json:"index"`
	Message      answerMessage `json:"message"`
	Logprobs     *logprobs     `json:"logprobs"`
	FinishReason string        `json:"finish_reason"`
}

type answerMessage struct {
	Role      string     `json:"role"`
	Content   *string    `json:"content"` // null beside tool calls without text
	Reasoning string     `json:"reasoning_content,omitempty"`
	ToolCalls []toolCall `json:"tool_calls,omitempty"`
	Refusal   *string    `json:"refusal"`
}

// gathered is one answer put together.
type gathered struct {
	text, reasoning strings.Builder
	calls           []toolCall
	logprobs        *logprobs
	usage           chat.Usage
	done            chat.Done
}

// gather reads an answer to its end.
func (a *API) gather(ans *llm.Answer) *gathered {
	g := &gathered{}
	for e := range ans.Events() {
		switch e := e.(type) {
		case chat.TextDelta:
			g.text.WriteString(e.Text)
		case chat.ThinkingDelta:
			g.reasoning.WriteString(e.Text)
		case chat.ToolCallDelta:
			for len(g.calls) <= e.Index {
				g.calls = append(g.calls, toolCall{Type: "function"})
			}
			c := &g.calls[e.Index]
			c.ID += e.ID
			c.Function.Name += e.Name
			c.Function.Arguments += e.Arguments
		case chat.Logprobs:
			if g.logprobs == nil {
				g.logprobs = &logprobs{}
			}
			g.logprobs.add(e)
		case chat.Usage:
			g.usage = e
		case chat.Done:
			g.done = e
		}
	}
	for i := range g.calls {
		g.calls[i].ID = a.callID(g.calls[i].ID, i)
	}
	return g
}

// err is why an answer cannot be sent: the engine failed, or nobody is there.
func (g *gathered) err() error {
	switch g.done.Reason {
	case chat.FinishError, chat.FinishCanceled:
		if g.done.Err != nil {
			return g.done.Err
		}
		return apierr.New(apierr.Internal, "the answer was not finished")
	default:
		return nil
	}
}

// gatherAll reads several answers at once.
func (a *API) gatherAll(answers []*llm.Answer) ([]*gathered, error) {
	out := make([]*gathered, len(answers))
	var wg sync.WaitGroup
	for i, ans := range answers {
		wg.Go(func() { out[i] = a.gather(ans) })
	}
	wg.Wait()
	for _, g := range out {
		if err := g.err(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (a *API) chatWhole(w http.ResponseWriter, h head, answers []*llm.Answer) error {
	all, err := a.gatherAll(answers)
	if err != nil {
		return err
	}
	h.Object = "chat.completion"
	out := chatAnswer{head: h}
	for i, g := range all {
		m := answerMessage{Role: "assistant", Reasoning: g.reasoning.String(), ToolCalls: g.calls}
		if text := g.text.String(); text != "" || len(g.calls) == 0 {
			m.Content = &text
		}
		out.Choices = append(out.Choices, chatChoice{Index: i, Message: m, Logprobs: g.logprobs, FinishReason: string(g.done.Reason)})
		out.Usage.add(g.usage)
	}
	return server.WriteJSON(w, http.StatusOK, out)
}

// add counts one more answer to the same prompt.
func (u *usage) add(c chat.Usage) {
	u.PromptTokens = c.PromptTokens
	u.PromptDetails.CachedTokens = max(u.PromptDetails.CachedTokens, c.CachedTokens)
	u.CompletionTokens += c.CompletionTokens
	u.AnswerDetails.ReasoningTokens += c.ReasoningTokens
	u.TotalTokens = u.PromptTokens + u.CompletionTokens
}

// logprobs is the log-probability of every token of a choice.
type logprobs struct {
	Content   []tokenLogprob `json:"content"`
	Reasoning []tokenLogprob `json:"reasoning_content,omitempty"`
	Refusal   []tokenLogprob `json:"refusal"`
}

type tokenLogprob struct {
	Token   string       `json:"token"`
	Logprob float64      `json:"logprob"`
	Bytes   []int        `json:"bytes"`
	Top     []topLogprob `json:"top_logprobs"`
}

type topLogprob struct {
	Token   string  `json:"token"`
	Logprob float64 `json:"logprob"`
	Bytes   []int   `json:"bytes"`
}

func (l *logprobs) add(e chat.Logprobs) {
	for _, t := range e.Tokens {
		x := tokenLogprob{Token: string(t.Bytes), Logprob: finite(t.Logprob), Bytes: numbers(t.Bytes), Top: []topLogprob{}}
		for _, o := range t.Top {
			x.Top = append(x.Top, topLogprob{string(o.Bytes), finite(o.Logprob), numbers(o.Bytes)})
		}
		if e.Reasoning {
			l.Reasoning = append(l.Reasoning, x)
		} else {
			l.Content = append(l.Content, x)
		}
	}
}

// finite is a log-probability that JSON can carry: what is impossible is -9999,
// as OpenAI and others have it.
func finite(v float32) float64 { return max(float64(v), -9999) }

// numbers are bytes as JSON has them here: an array, not base64.
func numbers(b []byte) []int {
	out := make([]int, len(b))
	for i, c := range b {
		out[i] = int(c)
	}
	return out
}
