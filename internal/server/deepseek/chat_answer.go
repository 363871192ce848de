package deepseek

import (
	"strings"

	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/server/sse"
	"github.com/holdfast-llm/holdfast/internal/server/wire"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// head is what every chunk and every answer begins with.
type head struct {
	ID          string `json:"id"`
	Object      string `json:"object"`
	Created     int64  `json:"created"`
	Model       string `json:"model"`
	Fingerprint string `json:"system_fingerprint"`
}

// usage counts tokens the way DeepSeek does: those of the prompt are either
// hits or misses of the cache.
type usage struct {
	PromptTokens     int           `json:"prompt_tokens"`
	CompletionTokens int           `json:"completion_tokens"`
	TotalTokens      int           `json:"total_tokens"`
	PromptDetails    promptDetails `json:"prompt_tokens_details"`
	AnswerDetails    answerDetails `json:"completion_tokens_details"`
	Hit              int           `json:"prompt_cache_hit_tokens"`
	Miss             int           `json:"prompt_cache_miss_tokens"`
}

type promptDetails struct {
	CachedTokens int `json:"cached_tokens"`
}

type answerDetails struct {
	ReasoningTokens int `json:"reasoning_tokens"`
}

func usageOf(u chat.Usage) *usage {
	return &usage{
		PromptTokens: u.PromptTokens, CompletionTokens: u.CompletionTokens, TotalTokens: u.PromptTokens + u.CompletionTokens,
		PromptDetails: promptDetails{u.CachedTokens}, AnswerDetails: answerDetails{u.ReasoningTokens},
		Hit: u.CachedTokens, Miss: u.PromptTokens - u.CachedTokens,
	}
}

// chatAnswer is the whole answer.
type chatAnswer struct {
	head
	Choices []chatChoice `json:"choices"`
	Usage   *usage       `json:"usage"`
}

type chatChoice struct {
	Index        int       `json:"index"`
	Message      message   `json:"message"`
	Logprobs     *logprobs `json:"logprobs"`
	FinishReason string    `json:"finish_reason"`
}

type message struct {
	Role      string          `json:"role"`
	Content   string          `json:"content"` // never null, also beside calls
	Reasoning *string         `json:"reasoning_content,omitempty"`
	ToolCalls []wire.ToolCall `json:"tool_calls,omitempty"`
}

// logprobs are those of the content and of the reasoning, each with all tokens.
type logprobs struct {
	Content   []wire.TokenLogprob `json:"content"`
	Reasoning []wire.TokenLogprob `json:"reasoning_content"`
}

func (l *logprobs) add(e chat.Logprobs) {
	if e.Reasoning {
		l.Reasoning = wire.Logprobs(l.Reasoning, e.Tokens)
	} else {
		l.Content = wire.Logprobs(l.Content, e.Tokens)
	}
}

// whole puts an answer together.
func (a *API) whole(s *sse.Writer, h head, q *asked, ans *llm.Answer) error {
	var text, thought strings.Builder
	out := chatAnswer{head: h, Choices: make([]chatChoice, 1)}
	c := &out.Choices[0]
	c.Message.Role = "assistant"
	var done chat.Done
	for e := range ans.Events() {
		switch e := e.(type) {
		case chat.TextDelta:
			text.WriteString(e.Text)
		case chat.ThinkingDelta:
			thought.WriteString(e.Text)
		case chat.ToolCallDelta:
			c.Message.addCall(e)
		case chat.Logprobs:
			if c.Logprobs == nil {
				c.Logprobs = &logprobs{}
			}
			c.Logprobs.add(e)
		case chat.Usage:
			out.Usage = usageOf(e)
		case chat.Done:
			done = e
		}
	}
	some := text.Len()+thought.Len()+len(c.Message.ToolCalls) > 0
	if err := failure(done, some); err != nil {
		return err
	}
	c.Message.Content, c.FinishReason = text.String(), reasonOf(done)
	if q.Thinking || thought.Len() > 0 {
		t := thought.String()
		c.Message.Reasoning = &t
	}
	return s.Event("", out)
}

// addCall adds a piece of a call.
func (m *message) addCall(e chat.ToolCallDelta) {
	for len(m.ToolCalls) <= e.Index {
		i := len(m.ToolCalls)
		m.ToolCalls = append(m.ToolCalls, wire.ToolCall{Index: &i, Type: "function"})
	}
	c := &m.ToolCalls[e.Index]
	c.ID += e.ID
	c.Function.Name += e.Name
	c.Function.Arguments += e.Arguments
}
