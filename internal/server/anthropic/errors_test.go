package anthropic

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-llm/holdfast/internal/golden"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/server/servertest"
)

// TestErrors checks the whole body of many errors: agents decide by it whether
// to shorten a conversation, to ask again, or to give up.
func TestErrors(t *testing.T) {
	s := one(t, &servertest.Model{Answer: "ok", Context: 64})
	const invalid, notFound = "invalid_request_error", "not_found_error"
	f := func(path, body string, status int, typ, code, param, message string) {
		t.Helper()
		h, got := s.ask(t, http.MethodPost, path, body)
		var e errorBody
		if err := json.Unmarshal([]byte(got), &e); err != nil {
			t.Errorf("%s: %s", body, got)
			return
		}
		want := errorBody{Type: "error", RequestID: "req_1", Error: errorObject{typ, message, errorDetails{code, param}}}
		if d := cmp.Diff(want, e); d != "" || h.status != status || h.header.Get("Request-Id") != "req_1" {
			t.Errorf("%s: %d %v (-want +got)\n%s", body, h.status, h.header, d)
		}
	}
	more := func(more, code, param, message string) {
		t.Helper()
		f("/v1/messages", `{"model":"fake","max_tokens":9,"messages":[{"role":"user","content":"Why?"}]`+more+`}`, 400, invalid, code, param, message)
	}
	turns := func(messages, code, param, message string) {
		t.Helper()
		f("/v1/messages", `{"model":"fake","max_tokens":9,"messages":[`+messages+`]}`, 400, invalid, code, param, message)
	}
	const value, missing, unknown, field, unsupported = "invalid_value", "missing_required_parameter", "unknown_parameter", "unsupported_parameter", "unsupported_value"

	f("/v1/messages", ``, 400, invalid, "invalid_json", "", "the request's body is empty, expected a JSON object")
	f("/v1/messages", `{"messages":[]}`, 400, invalid, missing, "model", "'model' is missing")
	f("/v1/messages", `{"model":"fake","messages":[]}`, 400, invalid, missing, "messages", "'messages' is missing or empty: there is nothing to answer")
	f("/v1/messages", `{"model":"fake","messages":[{"role":"user","content":"Why?"}]}`, 400, invalid, missing, "max_tokens", "'max_tokens' is missing")
	f("/v1/messages", `{"model":"none","max_tokens":9,"messages":[{"role":"user","content":"Why?"}]}`, 404, notFound, "model_not_found", "model", `the model "none" does not exist here; there are: fake`)
	f("/v1/messages/batches", `{}`, 404, notFound, "not_found", "", "there is nothing at POST /v1/messages/batches")
	f("/anthropic/v1/files", `{}`, 404, notFound, "not_found", "", "there is nothing at POST /anthropic/v1/files")
	long := `{"model":"fake","max_tokens":9,"messages":[{"role":"user","content":"` + strings.Repeat("x", 100) + `"}]}`
	tooLong := "prompt is too long: 117 tokens > 63 maximum (the context is 64 tokens, and an answer needs at least one). Shorten the prompt; nothing was cut off."
	f("/v1/messages", long, 400, invalid, "context_length_exceeded", "", tooLong)
	f("/v1/messages", strings.Replace(long, "{", `{"stream":true,`, 1), 400, invalid, "context_length_exceeded", "", tooLong)

	more(`,"temprature":1`, unknown, "temprature", "'temprature' is not known; check its spelling, or leave it out")
	more(`,"temperature":2.5`, value, "temperature", "'temperature' is 2.5, but must be from 0 to 2")
	more(`,"top_k":-1`, value, "top_k", "'top_k' is -1, but must be from 0 to 2147483647")
	more(`,"stop_sequences":[" \n"]`, value, "stop_sequences[0]", "a stop sequence must have more than white space")
	more(`,"system":7`, value, "system", "'system' must be a string, or an array of blocks")
	more(`,"system":[{"type":"image"}]`, unsupported, "system[0].type", `'system[0].type' is "image", but the models here read text only: send it as a text block`)
	more(`,"service_tier":"gold"`, value, "service_tier", `'service_tier' is "gold", but must be one of ["auto" "standard_only"]`)
	more(`,"speed":"fast"`, value, "speed", `'speed' is "fast", but must be one of ["standard"]`)
	more(`,"container":"c"`, field, "container", "'container' is not supported: there is no code execution")
	more(`,"mcp_servers":[{"type":"url"}]`, field, "mcp_servers", "'mcp_servers' is not supported: the server connects to none; use 'tools'")
	more(`,"metadata":{"user_id":"`+strings.Repeat("u", 513)+`"}`, value, "metadata.user_id", "'metadata.user_id' has 513 bytes, but at most 512 are allowed")

	more(`,"thinking":{"type":"between_tools"}`, value, "thinking.type", `'thinking.type' is "between_tools", but must be "enabled", "adaptive" or "disabled"`)
	more(`,"thinking":{"type":"enabled"}`, missing, "thinking.budget_tokens", "'thinking.budget_tokens' is missing")
	more(`,"thinking":{"type":"enabled","budget_tokens":100}`, value, "thinking.budget_tokens", "'thinking.budget_tokens' is 100, but must be from 1024 to 2147483647")
	more(`,"thinking":{"type":"enabled","budget_tokens":2000}`, value, "thinking.budget_tokens", "'thinking.budget_tokens' is 2000, but must be less than 'max_tokens' (9)")
	more(`,"thinking":{"type":"adaptive","depth":1}`, unknown, "thinking.depth", "'thinking.depth' is not known; check its spelling, or leave it out")
	more(`,"output_config":{"effort":"huge"}`, value, "output_config.effort", `'output_config.effort' is "huge", but must be one of ["low" "medium" "high" "xhigh" "max"]`)
	more(`,"output_config":{"task_budget":{}}`, field, "output_config.task_budget", "'output_config.task_budget' is not supported: use 'max_tokens'")
	more(`,"output_format":{"type":"xml"}`, value, "output_format.type", `'output_format.type' is "xml", but must be "json_schema"`)
	more(`,"output_config":{"format":{"type":"json_schema"}}`, missing, "output_config.format.schema", "'output_config.format.schema' is missing")
	more(`,"output_config":{"format":{"type":"json_schema","schema":{"type":"array","uniqueItems":true}}}`, unsupported, "output_config.format", "schema at #/uniqueItems: cannot be enforced; only false is supported")

	more(`,"tools":[{"type":"web_search_20250305","name":"web_search","max_uses":5}]`, unsupported, "tools[0].type", `'tools[0].type' is "web_search_20250305", but only "custom" tools are supported: those with an input_schema, which the client runs`)
	more(`,"tools":[{"name":"a b","input_schema":{}}]`, value, "tools[0].name", `'tools[0].name' is "a b", but must be 1 to 128 letters, digits, _ or -`)
	more(`,"tools":[{"name":"f"}]`, missing, "tools[0].input_schema", "'tools[0].input_schema' is missing")
	more(`,"tools":[{"name":"f","input_schema":{}},{"name":"f","input_schema":{}}]`, value, "tools[1].name", `there are two tools with the name "f"`)
	more(`,"tools":[{"name":"f","input_schema":{},"parameters":{}}]`, unknown, "tools[0].parameters", "'tools[0].parameters' is not known; check its spelling, or leave it out")
	more(`,"tools":[{"name":"f","input_schema":{},"defer_loading":true}]`, field, "tools[0].defer_loading", "'tools[0].defer_loading' is not supported: there is no search for tools; declare those that are needed")
	more(`,"tool_choice":{"type":"any"}`, value, "tool_choice", `'tool_choice' is "any", but there are no tools`)
	more(`,"tools":[{"name":"f","input_schema":{}}],"tool_choice":{"type":"tool","name":"g"}`, value, "tool_choice.name", `'tool_choice' names the tool "g", which is not among the tools`)

	turns(`{"role":"wizard","content":"Why?"}`, value, "messages[0].role", `'messages[0].role' is "wizard", but must be "user", "assistant" or "system"`)
	turns(`{"role":"user"}`, missing, "messages[0].content", "'messages[0].content' is missing")
	turns(`{"role":"user","content":[]}`, value, "messages[0].content", "'messages[0].content' is empty, but a user's turn must have content")
	turns(`{"role":"user","content":"a","name":"b"}`, unknown, "messages[0].name", "'messages[0].name' is not known; check its spelling, or leave it out")
	turns(`{"role":"user","content":[{"type":"image","source":{}}]}`, unsupported, "messages[0].content[0].type", `'messages[0].content[0].type' is "image", but the models here read text only: send it as a text block`)
	turns(`{"role":"user","content":[{"type":"poem"}]}`, value, "messages[0].content[0].type", `'messages[0].content[0].type' is "poem", but must be "text" or "tool_result"`)
	turns(`{"role":"user","content":[{"type":"text"}]}`, missing, "messages[0].content[0].text", "'messages[0].content[0].text' is missing")
	turns(`{"role":"user","content":[{"type":"text","text":1}]}`, value, "messages[0].content[0].text", "'messages[0].content[0].text' is a JSON number, but must be a string")
	turns(`{"role":"user","content":[{"type":"tool_result","tool_use_id":"x"}]}`, value, "messages[0].content[0].tool_use_id", `there is no tool_use with the id "x" in the message before its result`)
	turns(`{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"tool_use","id":"x","name":"f","input":{}}]},{"role":"user","content":"b"}`, value, "messages", `the tool_use "x" has no tool_result in the user's turn after it`)
	turns(`{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"tool_use","id":"x","name":"f","input":{}}]}`, value, "messages", `the tool_use "x" has no tool_result in the user's turn after it`)
	turns(`{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"tool_use","id":"x","name":"f","input":[]}]}`, value, "messages[1].content[0].input", "'messages[1].content[0].input' must be an object")
}

// TestClasses checks the status and type of every kind of error.
func TestClasses(t *testing.T) {
	f := func(e *apierr.Error, status int, typ string) {
		t.Helper()
		if s, got := classOf(e); s != status || got != typ {
			t.Errorf("%s: %d %s, expected %d %s", e.Code(), s, got, status, typ)
		}
	}
	f(apierr.New(apierr.RateLimited, ""), 429, "rate_limit_error")
	f(apierr.New(apierr.QuotaExceeded, ""), 402, "billing_error")
	f(apierr.New(apierr.Forbidden, ""), 403, "permission_error")
	f(apierr.New(apierr.TooLarge, ""), 413, "request_too_large")
	f(apierr.New(apierr.Timeout, ""), 504, "timeout_error")
	f(apierr.New(apierr.ShuttingDown, ""), 529, "overloaded_error")
	f(apierr.New(apierr.Internal, ""), 500, "api_error")
	f(apierr.New(apierr.InsufficientMemory, ""), 500, "api_error")
	f(&apierr.Error{Kind: apierr.InsufficientMemory, RetryAfter: 1}, 529, "overloaded_error")
	f(apierr.New(apierr.MethodNotAllowed, ""), 405, "invalid_request_error")
}

// TestKeys checks both headers, and the shape of what is refused.
func TestKeys(t *testing.T) {
	m := servertest.Manager(t, golden.ModuleRoot(t), map[string]*servertest.Model{"fake": {Answer: "ok"}}, library.Options{})
	h, err := server.New(server.Config{Listen: "127.0.0.1:0", Auth: server.NewFixedKey("k")}, New(m, Options{}))
	if err != nil {
		t.Fatal(err)
	}
	s := &site{Server: newHTTP(t, h), models: m}
	body := `{"model":"fake","max_tokens":9,"messages":[{"role":"user","content":"Why?"}]}`
	f := func(status int, headers ...string) {
		t.Helper()
		h, got := s.ask(t, http.MethodPost, "/v1/messages", body, headers...)
		if h.status != status || status == 401 && !strings.Contains(got, `"type":"authentication_error"`) {
			t.Errorf("%v: %d %s", headers, h.status, got)
		}
	}
	f(200, "X-Api-Key: k")
	f(200, "Authorization: Bearer k")
	f(401, "X-Api-Key: wrong")
	f(401)
}
