package anthropic

import (
	"encoding/json"
	"testing"
)

// "Call this tool" means once, unless the client says otherwise; "call any" does
// not say how often.
func TestForcedOnce(t *testing.T) {
	f := func(choice string, want *bool) {
		t.Helper()
		var m messagesRequest
		body := `{"model":"m","messages":[{"role":"user","content":"hi"}],"tools":[{"name":"f","input_schema":{"type":"object"}}],"tool_choice":` + choice + `}`
		if err := json.Unmarshal([]byte(body), &m); err != nil {
			t.Fatal(err)
		}
		q, err := m.neutral()
		if err != nil {
			t.Fatal(err)
		}
		got := q.req.ParallelCalls
		if (got == nil) != (want == nil) || got != nil && *got != *want {
			t.Errorf("%s: several calls %v, want %v", choice, got, want)
		}
	}
	f(`{"type":"any"}`, nil)
	f(`{"type":"tool","name":"f"}`, new(false))
	f(`{"type":"tool","name":"f","disable_parallel_tool_use":true}`, new(false))
	f(`{"type":"tool","name":"f","disable_parallel_tool_use":false}`, new(true))
}
