package conformance

import (
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

// deepSeek is OpenAI's client at DeepSeek's address, as DeepSeek documents it.
func deepSeek(base string) openai.Client {
	return openai.NewClient(option.WithBaseURL(url+base), option.WithAPIKey("none"), option.WithMaxRetries(0))
}

func plain(model string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model: model, MaxTokens: openai.Int(24), Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("Why is the sea salty?")},
	}
}

func TestDeepSeekChat(t *testing.T) {
	c := deepSeek("/")
	got, err := c.Chat.Completions.New(t.Context(), plain("deepseek-chat"))
	if err != nil {
		t.Fatal(err)
	}
	hit, miss := got.Usage.JSON.ExtraFields["prompt_cache_hit_tokens"], got.Usage.JSON.ExtraFields["prompt_cache_miss_tokens"]
	if got.Choices[0].Message.Content == "" || hit.Raw() == "" || miss.Raw() == "" {
		t.Errorf("%s", got.RawJSON())
	}
}

func TestDeepSeekThinking(t *testing.T) {
	c := deepSeek("/")
	s := c.Chat.Completions.NewStreaming(t.Context(), plain(thinker), option.WithJSONSet("thinking", map[string]string{"type": "enabled"}))
	thought := ""
	for s.Next() {
		for _, ch := range s.Current().Choices {
			thought += ch.Delta.JSON.ExtraFields["reasoning_content"].Raw()
		}
	}
	if s.Err() != nil || strings.Trim(thought, `"`) == "" {
		t.Errorf("%q, %v", thought, s.Err())
	}
}

func TestDeepSeekPrefixAndInfill(t *testing.T) {
	c := deepSeek("/beta/")
	got, err := c.Chat.Completions.New(t.Context(), plain(starter), option.WithJSONSet("messages", []map[string]any{
		{"role": "user", "content": "Why is the sea salty?"}, {"role": "assistant", "content": "Because rivers", "prefix": true},
	}))
	if err != nil || got.Choices[0].Message.Content == "" {
		t.Errorf("%+v, %v", got, err)
	}
	text, err := c.Completions.New(t.Context(), openai.CompletionNewParams{Model: starter, Prompt: openai.CompletionNewParamsPromptUnion{OfString: openai.String("The sea is")}, MaxTokens: openai.Int(8)})
	if err != nil || text.Choices[0].Text == "" {
		t.Errorf("%+v, %v", text, err)
	}
}

func TestDeepSeekTools(t *testing.T) {
	c := deepSeek("/")
	p := forced(starter)
	p.Messages = p.Messages[1:]
	got, err := c.Chat.Completions.New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Choices[0].Message.ToolCalls) != 1 {
		t.Fatalf("%s", got.RawJSON())
	}
	checkCity(t, got.Choices[0].Message.ToolCalls[0].Function.Arguments)
}

func TestDeepSeekErrors(t *testing.T) {
	c := deepSeek("/")
	_, err := c.Chat.Completions.New(t.Context(), plain("no-such-model"))
	status(t, err, 400, "invalid_request_error")
	p := plain(starter)
	p.Temperature = openai.Float(7)
	_, err = c.Chat.Completions.New(t.Context(), p)
	status(t, err, 400, "invalid_request_error")
	_, err = c.Chat.Completions.New(t.Context(), plain(starter), option.WithJSONSet("max_tokenz", 3))
	status(t, err, 422, "invalid_request_error")
	p = plain(starter)
	p.Messages = append(p.Messages, openai.UserMessage(strings.Repeat("the sea is salty ", 2000)))
	_, err = c.Chat.Completions.New(t.Context(), p)
	status(t, err, 400, "context_length_exceeded")
}
