package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	neturl "net/url"
	"strings"
	"testing"
	"time"

	"github.com/ollama/ollama/api"
)

func ollama(t *testing.T) *api.Client {
	t.Helper()
	u, err := neturl.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	return api.NewClient(u, http.DefaultClient)
}

func question(model string) *api.ChatRequest {
	return &api.ChatRequest{
		Model: model, Options: map[string]any{"num_predict": 24, "seed": 1, "temperature": 0.5},
		Messages: []api.Message{{Role: "system", Content: "Be brief."}, {Role: "user", Content: "Why is the sea salty?"}},
	}
}

// chat sends a request and puts the lines of its answer together.
func chat(t *testing.T, r *api.ChatRequest) (all api.ChatResponse, lines int, err error) {
	t.Helper()
	var text, thinking strings.Builder
	var calls []api.ToolCall
	err = ollama(t).Chat(t.Context(), r, func(c api.ChatResponse) error {
		text.WriteString(c.Message.Content)
		thinking.WriteString(c.Message.Thinking)
		calls = append(calls, c.Message.ToolCalls...)
		all = c
		lines++
		return nil
	})
	all.Message.Content, all.Message.Thinking, all.Message.ToolCalls = text.String(), thinking.String(), calls
	return all, lines, err
}

func TestOllamaModels(t *testing.T) {
	c := ollama(t)
	if err := c.Heartbeat(t.Context()); err != nil {
		t.Error(err)
	}
	if v, err := c.Version(t.Context()); err != nil || v == "" {
		t.Errorf("%q, %v", v, err)
	}
	list, err := c.List(t.Context())
	if err != nil || len(list.Models) == 0 || !strings.HasPrefix(list.Models[0].Name, starter) || list.Models[0].Digest == "" {
		t.Errorf("%+v, %v", list, err)
	}
	show, err := c.Show(t.Context(), &api.ShowRequest{Model: starter})
	if err != nil || show.Details.Family == "" || len(show.Capabilities) == 0 || show.ModelInfo["general.architecture"] == nil {
		t.Errorf("%+v, %v", show, err)
	}
}

func TestOllamaChat(t *testing.T) {
	whole := question(starter)
	whole.Stream = new(bool)
	one, lines, err := chat(t, whole)
	if err != nil || lines != 1 || one.Message.Content == "" || !one.Done || one.DoneReason == "" || one.EvalCount == 0 || one.PromptEvalCount == 0 {
		t.Fatalf("%d lines, %+v, %v", lines, one, err)
	}
	streamed, lines, err := chat(t, question(starter))
	if err != nil || lines < 3 || streamed.Message.Content != one.Message.Content || !streamed.Done || streamed.TotalDuration <= 0 {
		t.Errorf("%d lines, %+v, %v, after %q", lines, streamed, err, one.Message.Content)
	}
	ps, err := ollama(t).ListRunning(t.Context())
	if err != nil || len(ps.Models) == 0 || ps.Models[0].ExpiresAt.Before(time.Now()) {
		t.Errorf("%+v, %v", ps, err)
	}
}

func TestOllamaTools(t *testing.T) {
	props := api.NewToolPropertiesMap()
	props.Set("city", api.ToolProperty{Type: api.PropertyType{"string"}, Enum: []any{"Paris", "Lima"}})
	props.Set("days", api.ToolProperty{Type: api.PropertyType{"integer"}})
	r := question(starter)
	r.Options["num_predict"] = 200
	r.Messages = []api.Message{{Role: "user", Content: "Call forecast for Paris and 3 days."}}
	r.Tools = api.Tools{{Type: "function", Function: api.ToolFunction{
		Name: "forecast", Description: "The weather of the next days.",
		Parameters: api.ToolFunctionParameters{Type: "object", Required: []string{"city", "days"}, Properties: props},
	}}}
	// Ollama's API cannot force a call. Whatever the model does, the answer is one
	// that the client can read, and a call's result can be sent back.
	got, _, err := chat(t, r)
	if err != nil || got.Message.Content == "" && len(got.Message.ToolCalls) == 0 {
		t.Fatalf("%+v, %v", got, err)
	}
	args := api.NewToolCallFunctionArguments()
	args.Set("city", "Paris")
	args.Set("days", 3)
	r.Messages = append(r.Messages,
		api.Message{Role: "assistant", ToolCalls: []api.ToolCall{{Function: api.ToolCallFunction{Name: "forecast", Arguments: args}}}},
		api.Message{Role: "tool", ToolName: "forecast", Content: "rain"})
	if got, _, err = chat(t, r); err != nil || !got.Done {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestOllamaSchema(t *testing.T) {
	format, err := json.Marshal(city)
	if err != nil {
		t.Fatal(err)
	}
	r := question(starter)
	r.Options["num_predict"], r.Format = 200, format
	got, _, err := chat(t, r)
	if err != nil {
		t.Fatal(err)
	}
	checkCity(t, got.Message.Content)
}

func TestOllamaThinking(t *testing.T) {
	r := question(thinker)
	r.Think = &api.ThinkValue{Value: true}
	got, _, err := chat(t, r)
	if err != nil || got.Message.Thinking == "" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestOllamaGenerate(t *testing.T) {
	r := &api.GenerateRequest{Model: starter, Prompt: "Why is the sea salty?", Options: map[string]any{"num_predict": 16}}
	var text strings.Builder
	var last api.GenerateResponse
	err := ollama(t).Generate(t.Context(), r, func(g api.GenerateResponse) error {
		text.WriteString(g.Response)
		last = g
		return nil
	})
	if err != nil || text.Len() == 0 || !last.Done || last.EvalCount == 0 || len(last.Context) == 0 {
		t.Errorf("%q, %+v, %v", text.String(), last, err)
	}
}

func TestOllamaEmbed(t *testing.T) {
	got, err := ollama(t).Embed(t.Context(), &api.EmbedRequest{Model: starter, Input: []string{"sea", "salt"}, Dimensions: 32})
	if err != nil || len(got.Embeddings) != 2 || len(got.Embeddings[1]) != 32 || got.PromptEvalCount == 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestOllamaManage(t *testing.T) {
	c := ollama(t)
	if err := c.Copy(t.Context(), &api.CopyRequest{Source: "tiny", Destination: "copied"}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Show(t.Context(), &api.ShowRequest{Model: "copied"}); err != nil {
		t.Error(err)
	}
	states := ""
	err := c.Create(t.Context(), &api.CreateRequest{Model: "pirate", From: "tiny", System: "Talk like a pirate."}, func(p api.ProgressResponse) error {
		states += p.Status + ";"
		return nil
	})
	if err != nil || !strings.HasSuffix(states, "success;") {
		t.Errorf("%s %v", states, err)
	}
	for _, name := range []string{"copied", "pirate"} {
		if err := c.Delete(t.Context(), &api.DeleteRequest{Model: name}); err != nil {
			t.Error(err)
		}
	}
	if _, err := c.Show(t.Context(), &api.ShowRequest{Model: "pirate"}); err == nil {
		t.Error("a model that was deleted is still there")
	}
}

func TestOllamaErrors(t *testing.T) {
	f := func(r *api.ChatRequest, want int, text string) {
		t.Helper()
		_, _, err := chat(t, r)
		var e api.StatusError
		if !errors.As(err, &e) || e.StatusCode != want || !strings.Contains(e.ErrorMessage, text) {
			t.Errorf("got %v, want %d with %q", err, want, text)
		}
	}
	f(question("no-such-model"), http.StatusNotFound, "no-such-model")
	r := question(starter)
	r.Options["temperature"] = -1
	f(r, http.StatusBadRequest, "temperature")
	r = question(starter)
	r.Options["temprature"] = 1
	f(r, http.StatusBadRequest, "temprature")
	r = question(starter)
	r.Messages[1].Content = strings.Repeat("the sea is salty ", 2000)
	f(r, http.StatusBadRequest, "4096")
}

func TestOllamaCancel(t *testing.T) {
	r := question(starter)
	r.Options["num_predict"] = 3000
	ctx, cancel := context.WithCancel(t.Context())
	err := ollama(t).Chat(ctx, r, func(api.ChatResponse) error { cancel(); return nil })
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	idle(t)
}
