package openai

import (
	"encoding/json"

	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/wire"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// responseObject is the answer of /v1/responses.
type responseObject struct {
	ID                string            `json:"id"`
	Object            string            `json:"object"`
	CreatedAt         int64             `json:"created_at"`
	Status            string            `json:"status"` // in_progress, completed, incomplete, failed
	Background        bool              `json:"background"`
	Error             *responseError    `json:"error"`
	IncompleteDetails *incomplete       `json:"incomplete_details"`
	Instructions      *string           `json:"instructions"`
	MaxOutputTokens   *int64            `json:"max_output_tokens"`
	Model             string            `json:"model"`
	Output            []*outputItem     `json:"output"`
	ParallelToolCalls bool              `json:"parallel_tool_calls"`
	PreviousID        *string           `json:"previous_response_id"`
	Reasoning         reasoningEcho     `json:"reasoning"`
	Store             bool              `json:"store"`
	Temperature       float64           `json:"temperature"`
	Text              textEcho          `json:"text"`
	ToolChoice        json.RawMessage   `json:"tool_choice"`
	Tools             []json.RawMessage `json:"tools"`
	TopLogprobs       int               `json:"top_logprobs"`
	TopP              float64           `json:"top_p"`
	Truncation        string            `json:"truncation"`
	CompletedAt       *int64            `json:"completed_at"`
	MaxToolCalls      *int64            `json:"max_tool_calls"`
	CacheKey          *string           `json:"prompt_cache_key"`
	SafetyID          *string           `json:"safety_identifier"`
	ServiceTier       string            `json:"service_tier"`
	Usage             *responsesUsage   `json:"usage"`
	User              *string           `json:"user"`
	Metadata          json.RawMessage   `json:"metadata"`
}

type responseError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

type incomplete struct {
	Reason string `json:"reason"`
}

type reasoningEcho struct {
	Effort  *string `json:"effort"`
	Summary *string `json:"summary"`
}

type textEcho struct {
	Format    any    `json:"format"`
	Verbosity string `json:"verbosity"`
}

type responsesUsage struct {
	InputTokens   int               `json:"input_tokens"`
	InputDetails  inputDetails      `json:"input_tokens_details"`
	OutputTokens  int               `json:"output_tokens"`
	OutputDetails completionDetails `json:"output_tokens_details"`
	TotalTokens   int               `json:"total_tokens"`
}

type inputDetails struct {
	CachedTokens int `json:"cached_tokens"`
	WriteTokens  int `json:"cache_write_tokens"` // what is charged for writing the cache: nothing
}

// outputItem is a piece of the answer: a message, reasoning or a call. Which
// fields it has depends on its type, see MarshalJSON.
type outputItem struct {
	ID, Type, Status        string
	Content                 []*outputPart // message, reasoning
	Encrypted               *string       // reasoning, if it was asked for
	CallID, Name, Arguments string        // function_call
}

// MarshalJSON writes the fields that an item of this type has, empty or not.
func (o *outputItem) MarshalJSON() ([]byte, error) {
	parts := o.Content
	if parts == nil {
		parts = []*outputPart{}
	}
	switch o.Type {
	case "function_call":
		return server.Marshal(struct {
			ID        string `json:"id"`
			Type      string `json:"type"`
			Status    string `json:"status"`
			CallID    string `json:"call_id"`
			Name      string `json:"name"`
			Arguments string `json:"arguments"`
		}{o.ID, o.Type, o.Status, o.CallID, o.Name, o.Arguments})
	case "reasoning":
		return server.Marshal(struct {
			ID      string        `json:"id"`
			Type    string        `json:"type"`
			Summary []string      `json:"summary"`
			Content []*outputPart `json:"content"`
			Status  string        `json:"status"`
			Secret  *string       `json:"encrypted_content,omitempty"`
		}{o.ID, o.Type, []string{}, parts, o.Status, o.Encrypted})
	}
	return server.Marshal(struct {
		ID      string        `json:"id"`
		Type    string        `json:"type"`
		Status  string        `json:"status"`
		Role    string        `json:"role"`
		Content []*outputPart `json:"content"`
	}{o.ID, o.Type, o.Status, "assistant", parts})
}

// outputPart is text in an item.
type outputPart struct {
	Type     string // output_text, reasoning_text
	Text     string
	Logprobs []wire.TokenLogprob
}

// MarshalJSON writes what a part of this type has.
func (p *outputPart) MarshalJSON() ([]byte, error) {
	if p.Type == "reasoning_text" {
		return server.Marshal(struct {
			Type string `json:"type"`
			Text string `json:"text"`
		}{p.Type, p.Text})
	}
	lp := p.Logprobs
	if lp == nil {
		lp = []wire.TokenLogprob{}
	}
	return server.Marshal(struct {
		Type        string              `json:"type"`
		Annotations []string            `json:"annotations"`
		Logprobs    []wire.TokenLogprob `json:"logprobs"`
		Text        string              `json:"text"`
	}{p.Type, []string{}, lp, p.Text})
}

// newResponse is the object at its beginning, repeating what was asked for.
func (a *API) newResponse(q *responsesAsked) *responseObject {
	b := q.body
	out := &responseObject{
		ID: "resp_" + a.o.NewID(), Object: "response", CreatedAt: a.o.Now().Unix(), Status: "in_progress",
		Instructions: b.Instructions, MaxOutputTokens: b.MaxOutputTokens, Model: b.Model, Output: []*outputItem{},
		ParallelToolCalls: b.ParallelToolCalls == nil || *b.ParallelToolCalls, PreviousID: b.PreviousID,
		Store: !a.o.Stateless && (b.Store == nil || *b.Store), Temperature: q.opts.Sampling.Temperature, TopP: q.opts.Sampling.TopP,
		ToolChoice: b.ToolChoice, Tools: b.Tools, TopLogprobs: max(0, q.opts.Logprobs-1), Truncation: "disabled",
		Text: textEcho{Format: map[string]string{"type": "text"}, Verbosity: "medium"}, Metadata: b.Metadata,
		MaxToolCalls: b.MaxToolCalls, CacheKey: b.CacheKey, ServiceTier: "default",
	}
	if b.Reasoning != nil && b.Reasoning.Effort != "" {
		out.Reasoning.Effort = &b.Reasoning.Effort
	}
	if b.Text != nil && b.Text.Format != nil && q.req.Output.Kind != chat.OutputText {
		out.Text.Format = formatEcho(b.Text.Format)
	}
	if absent(out.ToolChoice) {
		out.ToolChoice = json.RawMessage(`"auto"`)
	}
	if out.Tools == nil {
		out.Tools = []json.RawMessage{}
	}
	if absent(out.Metadata) {
		out.Metadata = json.RawMessage(`{}`)
	}
	if b.User != "" {
		out.User = &b.User
	}
	if b.SafetyID != "" {
		out.SafetyID = &b.SafetyID
	}
	return out
}

func formatEcho(f *textFormat) any {
	if f.Type != "json_schema" {
		return map[string]string{"type": f.Type}
	}
	return map[string]any{"type": f.Type, "name": f.Name, "schema": f.Schema, "strict": f.Strict != nil && *f.Strict}
}
