package holdfast

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/golden"
)

const person = `{"type":"object","properties":{"name":{"type":"string","maxLength":8},"age":{"type":"integer","minimum":0,"maximum":150}},"required":["name","age"],"additionalProperties":false}`

// TestAnswersAreForced: a model of random weights says what it is asked for.
func TestAnswersAreForced(t *testing.T) {
	m := openTiny(t)
	hot := Sampling{Temperature: 1, Seed: 3}
	s := session(t, m, WithSampling(hot), WithMaxTokens(400), WithJSONSchema(json.RawMessage(person)))
	for range 3 {
		text, done := mustAnswer(t, s.Chat(background, "Who?"))
		var p struct {
			Name *string
			Age  *int
		}
		if err := json.Unmarshal([]byte(text), &p); err != nil || p.Name == nil || p.Age == nil || *p.Age > 150 || done.Reason != FinishStop {
			t.Errorf("%q: %v, %v", text, err, done.Reason)
		}
	}

	tool := Tool{Name: "save", Parameters: json.RawMessage(person)}
	calls := session(t, m, WithSampling(hot), WithMaxTokens(400), WithTools(tool), WithToolChoice(ToolRequired), WithParallelCalls(false))
	text, done := mustAnswer(t, calls.Chat(background, "Who?"))
	h := calls.History()
	last := h[len(h)-1]
	if text != "" || done.Reason != FinishToolCalls || len(last.ToolCalls) != 1 || last.ToolCalls[0].Name != "save" || !json.Valid([]byte(last.ToolCalls[0].Arguments)) {
		t.Errorf("%q, %v, %+v", text, done.Reason, last)
	}
	if _, _, err := answer(calls.Send(background, Message{Role: ToolRole, ToolCallID: last.ToolCalls[0].ID, Content: "saved"})); err != nil {
		t.Errorf("after the result: %v", err)
	}
}

func TestShapeErrors(t *testing.T) {
	m := openTiny(t)
	for _, o := range []SessionOption{WithToolChoice("maybe"), WithJSONSchema(json.RawMessage(`{"type":`))} {
		if _, err := m.NewSession(o); err == nil {
			t.Error("a bad option is taken")
		}
	}
	tool := Tool{Name: "save"}
	for name, o := range map[string][]SessionOption{
		"a schema that cannot be enforced": {WithJSONSchema(json.RawMessage(`{"not": {}}`))},
		"a tool that is not there":         {WithTools(tool), WithToolNamed("load")},
	} {
		if _, _, err := answer(session(t, m, o...).Chat(background, "Hi")); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	s := session(t, m, WithJSON())
	if err := s.Configure(WithJSONSchema(nil)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := answer(s.Chat(background, "Hi")); err != nil {
		t.Error(err)
	}
}

// TestStarterCallsATool: the starter's template knows no tools; it is told of them,
// and fills the arguments in from the question.
func TestStarterCallsATool(t *testing.T) {
	path := filepath.Join(golden.ModuleRoot(t), "starter", "SmolLM2-135M-Instruct.Q4_1.gguf")
	if _, err := os.Stat(path); err != nil || testing.Short() {
		t.Skip("needs the starter model, and some seconds")
	}
	m, err := Open(path, WithContext(1024))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	weather := Tool{
		Name: "get_weather", Description: "Tells the weather in a city.",
		Parameters: json.RawMessage(`{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}`),
	}
	s := session(t, m, WithTools(weather), WithToolChoice(ToolRequired), WithParallelCalls(false), WithMaxTokens(60))
	_, done := mustAnswer(t, s.Chat(background, "What is the weather in Rome?"))
	h := s.History()
	if c := h[len(h)-1].ToolCalls; done.Reason != FinishToolCalls || len(c) != 1 || c[0].Arguments != `{"city": "Rome"}` {
		t.Errorf("%v, %+v", done.Reason, c)
	}
}
