package conformance

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/responses"
)

// A modelState is a model as the server's own address tells of it.
type modelState struct {
	Name    string
	Running int
}

// loaded asks the server which models are in memory.
func loaded(t *testing.T) []modelState {
	t.Helper()
	r, err := http.Get(url + "/admin/models")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var out []modelState
	if err := json.NewDecoder(r.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

func respond(text string) responses.ResponseNewParams {
	return responses.ResponseNewParams{
		Model: starter, MaxOutputTokens: openai.Int(24), Input: responses.ResponseNewParamsInputUnion{OfString: openai.String(text)},
	}
}

func TestResponses(t *testing.T) {
	c := openAI()
	first, err := c.Responses.New(t.Context(), respond("Why is the sea salty?"))
	if err != nil {
		t.Fatal(err)
	}
	if first.OutputText() == "" || first.Usage.TotalTokens == 0 {
		t.Errorf("%s", first.RawJSON())
	}
	p := respond("And lakes?")
	p.PreviousResponseID = openai.String(first.ID)
	second, err := c.Responses.New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if second.Usage.InputTokens <= first.Usage.InputTokens || second.Usage.InputTokensDetails.CachedTokens == 0 {
		t.Errorf("the first turn is not part of the second: %+v after %+v", second.Usage, first.Usage)
	}
	got, err := c.Responses.Get(t.Context(), second.ID, responses.ResponseGetParams{})
	if err != nil || got.OutputText() != second.OutputText() {
		t.Errorf("%v, %v", got, err)
	}
	items, err := c.Responses.InputItems.List(t.Context(), second.ID, responses.InputItemListParams{})
	if err != nil || len(items.Data) != 3 {
		t.Errorf("%v, %v", items, err)
	}
	if err := c.Responses.Delete(t.Context(), second.ID); err != nil {
		t.Error(err)
	}
	_, err = c.Responses.Get(t.Context(), second.ID, responses.ResponseGetParams{})
	status(t, err, 404, "not_found")
}

func TestResponsesStream(t *testing.T) {
	c := openAI()
	s := c.Responses.NewStreaming(t.Context(), respond("Why is the sea salty?"))
	var last responses.ResponseStreamEventUnion
	text, n := "", int64(0)
	for ; s.Next(); n++ {
		if last = s.Current(); last.SequenceNumber != n {
			t.Errorf("event %d has the number %d", n, last.SequenceNumber)
		}
		if last.Type == "response.output_text.delta" {
			text += last.Delta
		}
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	if last.Type != "response.completed" && last.Type != "response.incomplete" || last.Response.OutputText() != text || text == "" {
		t.Errorf("the deltas are %q; the last event is %s", text, last.RawJSON())
	}
}

func TestResponsesTools(t *testing.T) {
	c := openAI()
	p := respond("The weather in Paris?")
	p.MaxOutputTokens = openai.Int(200)
	p.Tools = []responses.ToolUnionParam{responses.ToolParamOfFunction("forecast", city, true)}
	p.ToolChoice = responses.ResponseNewParamsToolChoiceUnion{OfFunctionTool: &responses.ToolChoiceFunctionParam{Name: "forecast"}}
	got, err := c.Responses.New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Output) != 1 || got.Output[0].Type != "function_call" || got.Output[0].CallID == "" {
		t.Fatalf("%s", got.RawJSON())
	}
	checkCity(t, got.Output[0].AsFunctionCall().Arguments)
}

func TestResponsesSchema(t *testing.T) {
	c := openAI()
	p := respond("A trip to Paris")
	p.MaxOutputTokens = openai.Int(200)
	p.Text.Format = responses.ResponseFormatTextConfigParamOfJSONSchema("trip", city)
	got, err := c.Responses.New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	checkCity(t, got.OutputText())
}

func TestResponsesThinking(t *testing.T) {
	c := openAI()
	p := respond("Why is the sea salty?")
	p.Model = thinker
	got, err := c.Responses.New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Output) == 0 || got.Output[0].Type != "reasoning" || got.Usage.OutputTokensDetails.ReasoningTokens == 0 {
		t.Errorf("%s", got.RawJSON())
	}
}

func TestResponsesCount(t *testing.T) {
	c := openAI()
	got, err := c.Responses.InputTokens.Count(t.Context(), responses.InputTokenCountParams{
		Model: openai.String(starter), Input: responses.InputTokenCountParamsInputUnion{OfString: openai.String("Why is the sea salty?")},
	})
	if err != nil || got.InputTokens == 0 {
		t.Errorf("%+v, %v", got, err)
	}
}
