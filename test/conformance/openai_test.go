package conformance

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/shared"
)

func openAI() openai.Client {
	return openai.NewClient(option.WithBaseURL(url+"/v1/"), option.WithAPIKey("none"), option.WithMaxRetries(0))
}

// ask is a short question.
func ask(model string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model: model, MaxCompletionTokens: openai.Int(24), Seed: openai.Int(1),
		Messages: []openai.ChatCompletionMessageParamUnion{openai.DeveloperMessage("Be brief."), openai.UserMessage("Why is the sea salty?")},
	}
}

func TestOpenAIModels(t *testing.T) {
	c := openAI()
	page, err := c.Models.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, m := range page.Data {
		found = found || m.ID == starter && m.Created > 0 && m.OwnedBy != ""
	}
	if !found {
		t.Errorf("models: %+v", page.Data)
	}
	if m, err := c.Models.Get(t.Context(), starter); err != nil || m.ID != starter {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestOpenAIChat(t *testing.T) {
	c := openAI()
	p := ask(starter)
	p.N, p.Logprobs, p.TopLogprobs = openai.Int(2), openai.Bool(true), openai.Int(3)
	p.Stop = openai.ChatCompletionNewParamsStopUnion{OfStringArray: []string{"\n\n\n"}}
	got, err := c.Chat.Completions.New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Choices) != 2 || got.Choices[0].Message.Content == "" || len(got.Choices[1].Logprobs.Content) == 0 || len(got.Choices[0].Logprobs.Content[0].TopLogprobs) != 3 {
		t.Errorf("%s", got.RawJSON())
	}
	if u := got.Usage; u.PromptTokens == 0 || u.CompletionTokens == 0 || u.TotalTokens != u.PromptTokens+u.CompletionTokens {
		t.Errorf("usage %+v", u)
	}
}

func TestOpenAIStream(t *testing.T) {
	c := openAI()
	p := ask(starter)
	p.StreamOptions.IncludeUsage = openai.Bool(true)
	s := c.Chat.Completions.NewStreaming(t.Context(), p)
	acc := openai.ChatCompletionAccumulator{}
	deltas := 0
	for s.Next() {
		chunk := s.Current()
		if !acc.AddChunk(chunk) {
			t.Fatalf("the client cannot add %s", chunk.RawJSON())
		}
		if len(chunk.Choices) > 0 && chunk.Choices[0].Delta.Content != "" {
			deltas++
		}
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	if deltas < 2 || len(acc.Choices) != 1 || acc.Choices[0].FinishReason == "" || acc.Usage.TotalTokens == 0 {
		t.Errorf("%d deltas; %+v", deltas, acc.ChatCompletion)
	}
	// The same question, not streamed, has the same answer.
	p.StreamOptions = openai.ChatCompletionStreamOptionsParam{}
	whole, err := c.Chat.Completions.New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if whole.Choices[0].Message.Content != acc.Choices[0].Message.Content {
		t.Errorf("streamed %q, whole %q", acc.Choices[0].Message.Content, whole.Choices[0].Message.Content)
	}
	if whole.Usage.PromptTokensDetails.CachedTokens == 0 {
		t.Errorf("nothing of a prompt seen before was cached: %+v", whole.Usage)
	}
}

func forced(model string) openai.ChatCompletionNewParams {
	p := ask(model)
	p.MaxCompletionTokens = openai.Int(200)
	p.Tools = []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{
		Name: "forecast", Description: openai.String("The weather of the next days."), Parameters: city, Strict: openai.Bool(true),
	})}
	p.ToolChoice = openai.ToolChoiceOptionFunctionToolChoice(openai.ChatCompletionNamedToolChoiceFunctionParam{Name: "forecast"})
	return p
}

func TestOpenAITools(t *testing.T) {
	c := openAI()
	p := forced(starter)
	got, err := c.Chat.Completions.New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	m := got.Choices[0].Message
	if len(m.ToolCalls) != 1 || m.ToolCalls[0].Function.Name != "forecast" || got.Choices[0].FinishReason != "tool_calls" {
		t.Fatalf("%s", got.RawJSON())
	}
	checkCity(t, m.ToolCalls[0].Function.Arguments)

	// The answer goes back with the result, and the model answers in words.
	p.Messages = append(p.Messages, m.ToParam(), openai.ToolMessage("rain", m.ToolCalls[0].ID))
	p.ToolChoice = openai.ChatCompletionToolChoiceOptionUnionParam{OfAuto: openai.String("none")}
	if got, err = c.Chat.Completions.New(t.Context(), p); err != nil || got.Choices[0].Message.Content == "" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestOpenAIToolsStream(t *testing.T) {
	c := openAI()
	s := c.Chat.Completions.NewStreaming(t.Context(), forced(starter))
	acc := openai.ChatCompletionAccumulator{}
	for s.Next() {
		if !acc.AddChunk(s.Current()) {
			t.Fatalf("the client cannot add %s", s.Current().RawJSON())
		}
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	if len(acc.Choices) != 1 || len(acc.Choices[0].Message.ToolCalls) != 1 {
		t.Fatalf("%+v", acc.ChatCompletion)
	}
	call := acc.Choices[0].Message.ToolCalls[0]
	if call.ID == "" || call.Function.Name != "forecast" {
		t.Errorf("%+v", call)
	}
	checkCity(t, call.Function.Arguments)
}

func TestOpenAISchema(t *testing.T) {
	c := openAI()
	p := ask(starter)
	p.MaxCompletionTokens = openai.Int(200)
	p.ResponseFormat = openai.ChatCompletionNewParamsResponseFormatUnion{OfJSONSchema: &shared.ResponseFormatJSONSchemaParam{
		JSONSchema: shared.ResponseFormatJSONSchemaJSONSchemaParam{Name: "trip", Schema: city, Strict: openai.Bool(true)},
	}}
	got, err := c.Chat.Completions.New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	checkCity(t, got.Choices[0].Message.Content)
}

func TestOpenAIThinking(t *testing.T) {
	c := openAI()
	p := ask(thinker)
	p.ReasoningEffort = shared.ReasoningEffortHigh
	got, err := c.Chat.Completions.New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if f := got.Choices[0].Message.JSON.ExtraFields["reasoning_content"]; f.Raw() == "" || f.Raw() == `""` {
		t.Errorf("%s", got.RawJSON())
	}
	if got.Usage.CompletionTokensDetails.ReasoningTokens == 0 {
		t.Errorf("usage %+v", got.Usage)
	}
}

func TestOpenAICompletions(t *testing.T) {
	c := openAI()
	p := openai.CompletionNewParams{Model: starter, Prompt: openai.CompletionNewParamsPromptUnion{OfString: openai.String("The sea is")}, MaxTokens: openai.Int(8), Logprobs: openai.Int(2)}
	got, err := c.Completions.New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if got.Choices[0].Text == "" || len(got.Choices[0].Logprobs.Tokens) == 0 || got.Usage.CompletionTokens == 0 {
		t.Errorf("%s", got.RawJSON())
	}
	s := c.Completions.NewStreaming(t.Context(), p)
	text := ""
	for s.Next() {
		text += s.Current().Choices[0].Text
	}
	if s.Err() != nil || text == "" {
		t.Errorf("%q, %v", text, s.Err())
	}
}

func TestOpenAIEmbeddings(t *testing.T) {
	c := openAI()
	got, err := c.Embeddings.New(t.Context(), openai.EmbeddingNewParams{
		Model: starter, Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"sea", "salt"}}, Dimensions: openai.Int(64),
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Data) != 2 || len(got.Data[1].Embedding) != 64 || got.Usage.PromptTokens == 0 {
		t.Errorf("%s", got.RawJSON())
	}
}

// status checks an error's status and code.
func status(t *testing.T, err error, want int, code string) {
	t.Helper()
	var e *openai.Error
	if !errors.As(err, &e) || e.StatusCode != want || e.Code != code || e.Message == "" {
		t.Errorf("got %v, want %d %s", err, want, code)
	}
}

func TestOpenAIErrors(t *testing.T) {
	c := openAI()
	_, err := c.Chat.Completions.New(t.Context(), ask("no-such-model"))
	status(t, err, 404, "model_not_found")
	s := c.Chat.Completions.NewStreaming(t.Context(), ask("no-such-model"))
	s.Next()
	status(t, s.Err(), 404, "model_not_found")

	p := ask(starter)
	p.Temperature = openai.Float(7)
	_, err = c.Chat.Completions.New(t.Context(), p)
	status(t, err, 400, "invalid_value")

	_, err = c.Chat.Completions.New(t.Context(), ask(starter), option.WithJSONSet("max_tokenz", 3))
	status(t, err, 400, "unknown_parameter")

	p = ask(starter)
	p.Messages = append(p.Messages, openai.UserMessage(strings.Repeat("the sea is salty ", 2000)))
	_, err = c.Chat.Completions.New(t.Context(), p)
	status(t, err, 400, "context_length_exceeded")
}

// A client that leaves ends its answer: the server is not busy afterwards.
func TestOpenAICancel(t *testing.T) {
	c := openAI()
	ctx, cancel := context.WithCancel(t.Context())
	p := ask(starter)
	p.MaxCompletionTokens = openai.Int(3000)
	p.LogitBias = map[string]int64{"2": -100} // so that it does not end by itself
	s := c.Chat.Completions.NewStreaming(ctx, p)
	if !s.Next() {
		t.Fatal(s.Err())
	}
	cancel()
	for s.Next() {
	}
	if !errors.Is(s.Err(), context.Canceled) {
		t.Errorf("the stream ended with %v", s.Err())
	}
	idle(t)
}

// idle waits until no answer is being made.
func idle(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		running := 0
		for _, m := range loaded(t) {
			running += m.Running
		}
		if running == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d answers are being made for nobody", running)
		}
	}
}
