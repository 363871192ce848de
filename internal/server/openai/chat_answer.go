package openai

import (
	"net/http"
	"strings"
	"sync"

	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/server/wire"
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
	Role      string          `json:"role"`
	Content   *string         `json:"content"` // null beside tool calls without text
	Reasoning string          `json:"reasoning_content,omitempty"`
	ToolCalls []wire.ToolCall `json:"tool_calls,omitempty"`
	Refusal   *string         `json:"refusal"`
}

// gathered is one answer put together.
type gathered struct {
	text, reasoning strings.Builder
	calls           []wire.ToolCall
	logprobs        *logprobs
	usage           chat.Usage
	done            chat.Done
}

// gather reads an answer to its end.
func gather(ans *llm.Answer) *gathered {
	g := &gathered{}
	for e := range ans.Events() {
		switch e := e.(type) {
		case chat.TextDelta:
			g.text.WriteString(e.Text)
		case chat.ThinkingDelta:
			g.reasoning.WriteString(e.Text)
		case chat.ToolCallDelta:
			for len(g.calls) <= e.Index {
				g.calls = append(g.calls, wire.ToolCall{Type: "function"})
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
		wg.Go(func() { out[i] = gather(ans) })
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

// add counts one more answer to the same prompt. The prompt is read for one of
// them; the others find it in the cache, which is no saving of the client's.
func (u *usage) add(c chat.Usage) {
	if u.PromptTokens == 0 || c.CachedTokens < u.PromptDetails.CachedTokens {
		u.PromptTokens, u.PromptDetails.CachedTokens = c.PromptTokens, c.CachedTokens
	}
	u.CompletionTokens += c.CompletionTokens
	u.AnswerDetails.ReasoningTokens += c.ReasoningTokens
	u.TotalTokens = u.PromptTokens + u.CompletionTokens
}

// logprobs is the log-probability of every token of a choice.
type logprobs struct {
	Content   []wire.TokenLogprob `json:"content"`
	Reasoning []wire.TokenLogprob `json:"reasoning_content,omitempty"`
	Refusal   []wire.TokenLogprob `json:"refusal"`
}

func (l *logprobs) add(e chat.Logprobs) {
	if e.Reasoning {
		l.Reasoning = wire.Logprobs(l.Reasoning, e.Tokens)
	} else {
		l.Content = wire.Logprobs(l.Content, e.Tokens)
	}
}
