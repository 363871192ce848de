package anthropic

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/engine/sample"
	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/server/decode"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// messagesRequest is the body of /v1/messages, and of a count of its tokens.
type messagesRequest struct {
	Model         string            `json:"model"`
	MaxTokens     *int64            `json:"max_tokens"`
	Messages      []json.RawMessage `json:"messages"`
	System        json.RawMessage   `json:"system"` // string or blocks
	StopSequences []string          `json:"stop_sequences"`
	Stream        bool              `json:"stream"`
	Temperature   *float64          `json:"temperature"`
	TopP          *float64          `json:"top_p"`
	TopK          *int64            `json:"top_k"`
	Metadata      *metadata         `json:"metadata"`
	Thinking      json.RawMessage   `json:"thinking"`
	Tools         []json.RawMessage `json:"tools"`
	ToolChoice    json.RawMessage   `json:"tool_choice"`
	OutputConfig  json.RawMessage   `json:"output_config"`
	OutputFormat  json.RawMessage   `json:"output_format"` // its name before output_config
	ServiceTier   string            `json:"service_tier"`
	Speed         string            `json:"speed"`
	MCPServers    []json.RawMessage `json:"mcp_servers"`
}

// requestFields has what is documented, and not read. Those that are ignored
// describe Anthropic's business or its cache; edits of the context shorten
// conversations, which nobody here does for a client.
var requestFields = decode.Fields{
	Ignored: []string{
		"cache_control", "context_management", "diagnostics", "inference_geo", "user_profile_id", "workspace_id",
		"billing_policy", "fallbacks", "fallback_credit_token", "betas",
	},
	Refused: map[string]string{
		"container":  "there is no code execution",
		"compaction": "conversations are not shortened here",
		"thread":     "conversations are not stored here; send all messages",
		"prompt":     "use 'messages'",

		"max_tokens_to_sample": "use 'max_tokens'",
	},
}

// maxStops bounds the number of stop texts.
const maxStops = 16

// asked is a request in our own terms.
type asked struct {
	req        *chat.Request
	opts       llm.Options
	signatures map[int]string // as the client has them
	user       string
	hide       bool // the thinking's text is left out of the answer
	warm       bool // only the prompt is to be read
}

// neutral checks the request and turns it into ours.
func (m *messagesRequest) neutral() (*asked, error) {
	if m.Model == "" {
		return nil, apierr.Missing("model")
	}
	c, err := toMessages(m.System, m.Messages)
	if err != nil {
		return nil, err
	}
	a := &asked{req: &chat.Request{Messages: c.msgs}, signatures: c.signatures}
	for _, f := range []func(*asked) error{m.sampling, m.stops, m.tools, m.choice, m.think, m.output, m.rest} {
		if err := f(a); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// sampling takes the numbers. Anthropic's temperature ends at 1, DeepSeek's at 2.
func (m *messagesRequest) sampling(a *asked) error {
	s := sample.Default()
	err := decode.First(
		decode.Float(&s.Temperature, "temperature", m.Temperature, 0, 2),
		decode.Float(&s.TopP, "top_p", m.TopP, 0, 1),
		decode.Int(&s.TopK, "top_k", m.TopK, 0, math.MaxInt32),
		decode.Int(&a.opts.MaxTokens, "max_tokens", m.MaxTokens, 0, math.MaxInt32),
	)
	if m.MaxTokens != nil && a.opts.MaxTokens == 0 {
		a.warm, a.opts.MaxTokens = true, 1
	}
	a.opts.Sampling = s
	return err
}

func (m *messagesRequest) stops(a *asked) error {
	if len(m.StopSequences) > maxStops {
		return apierr.At(apierr.InvalidValue, "stop_sequences", "'stop_sequences' has %d texts, but at most %d are allowed", len(m.StopSequences), maxStops)
	}
	for i, s := range m.StopSequences {
		if strings.TrimSpace(s) == "" {
			return apierr.At(apierr.InvalidValue, fmt.Sprintf("stop_sequences[%d]", i), "a stop sequence must have more than white space")
		}
	}
	a.req.Stop = m.StopSequences
	return nil
}

func (m *messagesRequest) rest(a *asked) error {
	var err error
	if a.user, err = m.Metadata.user(); err != nil {
		return err
	}
	if len(m.MCPServers) > 0 {
		return apierr.Unsupported("mcp_servers", "the server connects to none; use 'tools'")
	}
	return decode.First(
		decode.OneOf("service_tier", m.ServiceTier, "auto", "standard_only"),
		decode.OneOf("speed", m.Speed, "standard"),
	)
}

// thinking is how a request wants the model to think.
type thinking struct {
	Type    string `json:"type"`
	Budget  *int64 `json:"budget_tokens"`
	Display string `json:"display"`
}

// minBudget is the API's smallest budget_tokens.
const minBudget = 1024

// think reads the field. A budget is checked, but no model here keeps to one: it
// is max_tokens that bounds an answer.
func (m *messagesRequest) think(a *asked) error {
	if absent(m.Thinking) {
		return nil
	}
	var t thinking
	if err := object(m.Thinking, &t, "thinking", decode.Fields{}); err != nil {
		return err
	}
	switch t.Type {
	case "":
		return apierr.Missing("thinking.type")
	case "enabled", "adaptive", "disabled":
	default:
		return apierr.BadValue("thinking.type", t.Type, `"enabled", "adaptive" or "disabled"`)
	}
	on := t.Type != "disabled"
	a.req.Thinking, a.hide = &on, t.Display == "omitted"
	if t.Type == "enabled" && t.Budget == nil {
		return apierr.Missing("thinking.budget_tokens")
	}
	var budget int
	most := int64(math.MaxInt32)
	if m.MaxTokens != nil && !a.warm {
		most = *m.MaxTokens - 1
	}
	if t.Budget != nil && *t.Budget > most && *t.Budget >= minBudget {
		return apierr.At(apierr.InvalidValue, "thinking.budget_tokens", "'thinking.budget_tokens' is %d, but must be less than 'max_tokens' (%d)", *t.Budget, most+1)
	}
	return decode.First(
		decode.Int(&budget, "thinking.budget_tokens", t.Budget, minBudget, math.MaxInt32),
		decode.OneOf("thinking.display", t.Display, "summarized", "omitted"),
	)
}

// outputConfig says how much effort an answer is worth, and its form.
type outputConfig struct {
	Effort string          `json:"effort"`
	Format json.RawMessage `json:"format"`
}

type outputFormat struct {
	Type   string          `json:"type"`
	Schema json.RawMessage `json:"schema"`
}

func (m *messagesRequest) output(a *asked) error {
	format, at := m.OutputFormat, "output_format"
	if !absent(m.OutputConfig) {
		var c outputConfig
		f := decode.Fields{Refused: map[string]string{"task_budget": "use 'max_tokens'"}}
		if err := object(m.OutputConfig, &c, "output_config", f); err != nil {
			return err
		}
		if err := effort(a.req, c.Effort); err != nil {
			return err
		}
		if !absent(c.Format) {
			if !absent(format) {
				return apierr.At(apierr.InvalidValue, "output_format", "'output_format' and 'output_config.format' are the same; send one of them")
			}
			format, at = c.Format, "output_config.format"
		}
	}
	if absent(format) {
		return nil
	}
	var o outputFormat
	if err := object(format, &o, at, decode.Fields{}); err != nil {
		return err
	}
	switch {
	case o.Type == "":
		return apierr.Missing(at + ".type")
	case o.Type != "json_schema":
		return apierr.BadValue(at+".type", o.Type, `"json_schema"`)
	case absent(o.Schema):
		return apierr.Missing(at + ".schema")
	case o.Schema[0] != '{':
		return apierr.At(apierr.InvalidValue, at+".schema", "'%s.schema' must be an object", at)
	}
	a.req.Output = chat.Output{Kind: chat.OutputSchema, Schema: o.Schema, Strict: true}
	return nil
}

// effort turns the API's words into ours.
func effort(r *chat.Request, word string) error {
	if err := decode.OneOf("output_config.effort", word, "low", "medium", "high", "xhigh", "max"); err != nil {
		return err
	}
	if word == "xhigh" {
		word = "high" // what DeepSeek's API makes of it
	}
	r.Effort = word
	return nil
}
