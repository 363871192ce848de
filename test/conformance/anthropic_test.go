package conformance

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
)

func claude() anthropic.Client {
	return anthropic.NewClient(option.WithBaseURL(url+"/anthropic"), option.WithAPIKey("none"), option.WithMaxRetries(0))
}

func message(model anthropic.Model) anthropic.MessageNewParams {
	return anthropic.MessageNewParams{
		Model: model, MaxTokens: 24, System: []anthropic.TextBlockParam{{Text: "Be brief."}},
		Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock("Why is the sea salty?"))},
	}
}

func TestAnthropicModels(t *testing.T) {
	c := claude()
	page, err := c.Models.List(t.Context(), anthropic.ModelListParams{})
	if err != nil || len(page.Data) == 0 || page.Data[0].DisplayName == "" || page.Data[0].CreatedAt.IsZero() {
		t.Fatalf("%+v, %v", page, err)
	}
	if m, err := c.Models.Get(t.Context(), starter, anthropic.ModelGetParams{}); err != nil || m.ID != starter {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestAnthropicMessages(t *testing.T) {
	c := claude()
	got, err := c.Messages.New(t.Context(), message("claude-any")) // any claude-* is the first model
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Content) != 1 || got.Content[0].Text == "" || got.StopReason == "" || got.Usage.OutputTokens == 0 {
		t.Errorf("%s", got.RawJSON())
	}
}

// collect reads a stream into a message, and lists the types of its events.
func collect(t *testing.T, p anthropic.MessageNewParams) (anthropic.Message, []string) {
	t.Helper()
	c := claude()
	s := c.Messages.NewStreaming(t.Context(), p)
	var m anthropic.Message
	var types []string
	for s.Next() {
		e := s.Current()
		if err := m.Accumulate(e); err != nil {
			t.Fatalf("%s: %v", e.RawJSON(), err)
		}
		if n := len(types); n == 0 || types[n-1] != e.Type {
			types = append(types, e.Type)
		}
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	return m, types
}

func TestAnthropicStream(t *testing.T) {
	m, types := collect(t, message(starter))
	const want = "message_start content_block_start content_block_delta content_block_stop message_delta message_stop"
	if got := strings.Join(types, " "); strings.ReplaceAll(got, "ping ", "") != want {
		t.Errorf("the events are %s", got)
	}
	if len(m.Content) != 1 || m.Content[0].Text == "" || m.StopReason == "" || m.Usage.OutputTokens == 0 {
		t.Errorf("%+v", m)
	}
}

func withTool(p anthropic.MessageNewParams) anthropic.MessageNewParams {
	p.MaxTokens = 200
	p.Tools = []anthropic.ToolUnionParam{{OfTool: &anthropic.ToolParam{
		Name: "forecast", Description: anthropic.String("The weather of the next days."),
		InputSchema: anthropic.ToolInputSchemaParam{Properties: city["properties"], Required: []string{"city", "days"}},
	}}}
	p.ToolChoice = anthropic.ToolChoiceParamOfTool("forecast")
	return p
}

func TestAnthropicTools(t *testing.T) {
	c := claude()
	p := withTool(message(starter))
	got, err := c.Messages.New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Content) != 1 || got.Content[0].Type != "tool_use" || got.StopReason != "tool_use" {
		t.Fatalf("%s", got.RawJSON())
	}
	checkCity(t, string(got.Content[0].Input))
	p.Messages = append(p.Messages, got.ToParam(), anthropic.NewUserMessage(anthropic.NewToolResultBlock(got.Content[0].ID, "rain", false)))
	p.ToolChoice = anthropic.ToolChoiceUnionParam{OfNone: &anthropic.ToolChoiceNoneParam{}}
	if got, err = c.Messages.New(t.Context(), p); err != nil || len(got.Content) == 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAnthropicToolsStream(t *testing.T) {
	m, _ := collect(t, withTool(message(starter)))
	if len(m.Content) != 1 || m.Content[0].Name != "forecast" || m.Content[0].ID == "" {
		t.Fatalf("%+v", m)
	}
	checkCity(t, string(m.Content[0].Input))
}

func TestAnthropicSchema(t *testing.T) {
	c := claude()
	p := message(starter)
	p.MaxTokens = 200
	p.OutputConfig.Format = anthropic.JSONOutputFormatParam{Schema: city}
	got, err := c.Messages.New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	checkCity(t, got.Content[0].Text)
}

func TestAnthropicThinking(t *testing.T) {
	c := claude()
	p := message(thinker)
	p.MaxTokens = 1100
	p.Thinking = anthropic.ThinkingConfigParamOfEnabled(1024)
	got, err := c.Messages.New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Content) == 0 || got.Content[0].Thinking == "" || got.Content[0].Signature == "" {
		t.Fatalf("%s", got.RawJSON())
	}
	m, _ := collect(t, p)
	if len(m.Content) == 0 || m.Content[0].Thinking == "" || m.Content[0].Signature == "" {
		t.Fatalf("%+v", m)
	}
	// The thinking goes back as it came.
	p.Messages = append(p.Messages, got.ToParam(), anthropic.NewUserMessage(anthropic.NewTextBlock("And lakes?")))
	if _, err := c.Messages.New(t.Context(), p); err != nil {
		t.Error(err)
	}
}

func TestAnthropicCount(t *testing.T) {
	c := claude()
	got, err := c.Messages.CountTokens(t.Context(), anthropic.MessageCountTokensParams{Model: starter, Messages: message(starter).Messages})
	if err != nil || got.InputTokens == 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAnthropicErrors(t *testing.T) {
	c := claude()
	f := func(p anthropic.MessageNewParams, want int, typ anthropic.ErrorType, o ...option.RequestOption) {
		t.Helper()
		_, err := c.Messages.New(t.Context(), p, o...)
		var e *anthropic.Error
		if !errors.As(err, &e) || e.StatusCode != want || e.Type() != typ {
			t.Errorf("got %v, want %d %s", err, want, typ)
		}
	}
	f(message("no-such-model"), 404, anthropic.ErrorTypeNotFoundError)
	p := message(starter)
	p.Temperature = anthropic.Float(7)
	f(p, 400, anthropic.ErrorTypeInvalidRequestError)
	f(message(starter), 400, anthropic.ErrorTypeInvalidRequestError, option.WithJSONSet("max_tokenz", 3))
	p = message(starter)
	p.Messages = append(p.Messages, anthropic.NewUserMessage(anthropic.NewTextBlock(strings.Repeat("the sea is salty ", 2000))))
	f(p, 400, anthropic.ErrorTypeInvalidRequestError)
}

func TestAnthropicCancel(t *testing.T) {
	c := claude()
	ctx, cancel := context.WithCancel(t.Context())
	p := message(starter)
	p.MaxTokens = 3000
	s := c.Messages.NewStreaming(ctx, p)
	if !s.Next() {
		t.Fatal(s.Err())
	}
	cancel()
	for s.Next() {
	}
	idle(t)
}
