package deepseekapi

import (
	"math"
	"regexp"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/text/chat"
	"github.com/holdfast-llm/holdfast/internal/text/chat/dialect/strict"
	"github.com/holdfast-llm/holdfast/internal/text/chat/dialect/value"
)

func tooLong(prompt, want, context int) *Error {
	return invalid("This model's maximum context length is %d tokens. However, you requested %d tokens (%d in the messages, %d in the completion). Please reduce the length of the messages or completion.",
		context, prompt+want, prompt, want)
}

// resolve checks what a body says, in the order of DeepSeek's servers, and
// works out the settings.
func (b *body) resolve(o Options) (*Request, *Error) {
	r := &b.req
	b.think(o)
	for _, check := range []func() *Error{
		b.checkToolNames, b.checkMessages, b.checkJSONWord, b.checkTools, b.checkPrefix,
		b.checkStop, b.checkOutput, b.checkRanges,
	} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	for i := range b.messages {
		r.Chat.Messages = append(r.Chat.Messages, b.messages[i].Message)
	}
	r.Chat.Tools, r.Chat.ToolChoice = b.tools, b.choice
	if len(b.tools) == 0 {
		r.Chat.ToolChoice = chat.ToolChoice{}
	}
	r.Tools = b.shown()
	r.JSON = r.Chat.Output.Kind == chat.OutputJSON
	b.constrain()
	b.sample(o)
	r.MaxTokens = int(b.maxTokens)
	if b.hasTop {
		n := int(b.top)
		r.TopLogprobs = &n
	}
	if b.hasSeed {
		n := int64(b.seed)
		r.Seed = &n
	}
	return r, nil
}

// think decides whether the model thinks, and how much.
func (b *body) think(o Options) {
	r := &b.req
	switch {
	case b.thinking != "":
		r.Thinking = b.thinking != "disabled"
	case b.effort != "":
		r.Thinking = b.effort != "none"
	default:
		r.Thinking = !o.NoThinking
	}
	if r.Thinking {
		names := map[string]string{"minimal": "low", "low": "low", "xhigh": "xhigh", "ultra": "max", "max": "max"}
		if r.Effort = names[b.effort]; r.Effort == "" {
			r.Effort = "high"
		}
	}
	r.Chat.Thinking, r.Chat.Effort = new(r.Thinking), r.Effort
}

// shown reports whether the model is shown tools.
func (b *body) shown() bool { return len(b.tools) > 0 && b.choice.Mode != chat.ToolNone }

// forced reports whether the answer must be a call.
func (b *body) forced() bool {
	return b.shown() && (b.choice.Mode == chat.ToolRequired || b.choice.Mode == chat.ToolNamed)
}

func (b *body) constrain() {
	switch {
	case b.forced():
		b.req.Constraint = "tool_call_required"
	case b.shown():
		b.req.Constraint = "tool_call"
	case b.req.Chat.Output.Kind != chat.OutputText:
		b.req.Constraint = "json"
	}
}

// sample sets the temperature and top_p. While it thinks, a model keeps to the
// values that it was tuned for.
func (b *body) sample(o Options) {
	r := &b.req
	r.Temperature, r.TopP = b.temperature64, b.topP64
	if r.Thinking {
		r.Temperature = 1
	}
	switch {
	case o.Version == V41 && r.Thinking:
		r.TopP = max(r.TopP, 0.95)
	case o.Version == V41:
		r.TopP = 1
	case r.Thinking && b.shown():
		r.TopP = 0.95
	case r.Thinking:
		r.TopP = 1
	}
}

var toolName = regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)

func (b *body) checkToolNames() *Error {
	for i, t := range b.tools {
		if t.Name == "" {
			return invalid("Invalid 'tools[%d].function.name': empty string. Expected a string with minimum length 1, but got an empty string instead.", i)
		}
		if !toolName.MatchString(t.Name) {
			return invalid("Invalid 'tools[%d].function.name': string does not match pattern. Expected a string that matches the pattern '%s'.", i, toolName)
		}
	}
	return nil
}

// checkJSONWord wants the word json in the conversation, in any case, so that
// the model knows what to do.
func (b *body) checkJSONWord() *Error {
	if b.req.Chat.Output.Kind != chat.OutputJSON {
		return nil
	}
	for i := range b.messages {
		if strings.Contains(strings.ToLower(b.messages[i].Text("\n\n")), "json") {
			return nil
		}
	}
	return invalid("Prompt must contain the word 'json' in some form to use 'response_format' of type 'json_object'.")
}

// checkTools checks the tools that the model is shown.
func (b *body) checkTools() *Error {
	if !b.shown() {
		return nil
	}
	names := map[string]bool{}
	for i := range b.tools {
		t := &b.tools[i]
		if names[t.Name] {
			return invalid("Tool names must be unique.")
		}
		names[t.Name] = true
		if err := checkTool(t); err != nil {
			return err
		}
	}
	if b.choice.Mode == chat.ToolNamed && !names[b.choice.Name] {
		return invalid("Invalid value for 'tool_call': no function named '%s' was specified in the 'tools' parameter.", b.choice.Name)
	}
	if b.req.Thinking && b.forced() {
		return invalid("Thinking mode does not support this tool_choice")
	}
	return nil
}

func checkTool(t *chat.Tool) *Error {
	v := value.Value{}
	if t.Parameters != nil {
		v, _ = value.Rules{}.Parse(string(t.Parameters))
	}
	switch {
	case t.Strict:
		if _, err := strict.Normalize(&v); err != nil {
			return invalid("%s", err)
		}
	case t.Parameters != nil:
		if fault := schemaFault(&v); fault != "" {
			return invalid("Invalid schema for function '%s': %s", t.Name, fault)
		}
		kind, ok := v.Get("type")
		if !ok {
			kind = &value.Value{}
		}
		if kind.Kind != value.String || kind.Text != "object" {
			return invalid("Invalid schema for function '%s': schema must be a JSON Schema of 'type: \"object\"', got 'type: %s'.", t.Name, compact(kind))
		}
	}
	return nil
}

func (b *body) checkPrefix() *Error {
	if !b.messages[b.lastTurn()].Prefix {
		return nil
	}
	if b.req.Chat.Output.Kind == chat.OutputJSON {
		return invalid("response_format json_object should not be used with prefix")
	}
	if len(b.tools) > 0 || b.called() {
		return invalid("Function call should not be used with prefix")
	}
	return nil
}

// called reports whether the conversation holds calls.
func (b *body) called() bool {
	for i := range b.messages {
		if len(b.messages[i].ToolCalls) > 0 {
			return true
		}
	}
	return false
}

func (b *body) checkStop() *Error {
	stop := b.req.Chat.Stop
	if len(stop) > 16 {
		return invalid("Stop string array too long: %d", len(stop))
	}
	for i, s := range stop {
		if s == "" && b.stopIsList {
			return invalid("Invalid 'stop[%d]': empty string. Expected a string with minimum length 1, but got an empty string instead.", i)
		}
		if s == "" {
			return invalid("Invalid 'stop': empty string. Expected a string with minimum length 1, but got an empty string instead.")
		}
	}
	if b.streamOptions && !b.req.Stream {
		return invalid("stream_options should be set along with stream = true")
	}
	return nil
}

// strictShown reports whether a tool that the model is shown is strict.
func (b *body) strictShown() bool {
	for _, t := range b.tools {
		if t.Strict && (b.choice.Mode != chat.ToolNamed || t.Name == b.choice.Name) {
			return true
		}
	}
	return false
}

// checkOutput checks what a grammar would be made of.
func (b *body) checkOutput() *Error {
	if b.req.Chat.Output.Kind == chat.OutputSchema {
		v, _ := value.Rules{}.Parse(string(b.req.Chat.Output.Schema))
		if fault := schemaFault(&v); fault != "" {
			return invalid("Invalid json schema: %s", fault)
		}
	}
	if b.shown() && b.choice.Mode != chat.ToolNamed { // else the model is shown one tool at most
		for _, t := range b.tools {
			if t.Strict != b.tools[0].Strict {
				return invalid("Cannot use strict tool with non-strict tool in the same request")
			}
		}
	}
	if b.shown() && b.hasFormat && b.strictShown() {
		return invalid("response_format should not be used with tools")
	}
	return nil
}

func (b *body) checkRanges() *Error {
	switch {
	case b.hasN && b.n != 1:
		return invalid("Invalid n value (currently only n = 1 is supported)")
	case b.presence < -2 || b.presence > 2:
		return invalid("Invalid presence_penalty value, the valid range of presence_penalty is [-2, 2]")
	case b.frequency < -2 || b.frequency > 2:
		return invalid("Invalid frequency_penalty value, the valid range of frequency_penalty is [-2, 2]")
	case b.temperature < 0 || b.temperature > 2:
		return invalid("Invalid temperature value, the valid range of temperature is [0, 2]")
	case b.topP <= 0 || b.topP > 1:
		return invalid("Invalid top_p value, the valid range of top_p is (0, 1.0]")
	case b.hasTop && !b.req.Logprobs:
		return invalid("Invalid top_logprobs and logprobs value, logprobs must be set to true if top_logprobs is used.")
	case b.hasTop && b.top > 20:
		return invalid("Invalid top_logprobs value, the valid range of top_logprobs is [0, 20].")
	case b.hasMax && (b.maxTokens < 1 || b.maxTokens > MaxTokens):
		return invalid("Invalid max_tokens value, the valid range of max_tokens is [1, %d]", MaxTokens)
	case b.hasSeed && b.seed > math.MaxInt64:
		return invalid("Invalid seed value, the valid range of seed is [0, 2^63)")
	}
	return nil
}
