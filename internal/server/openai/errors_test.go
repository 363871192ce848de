package openai

import (
	"net/http"
	"strings"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server/servertest"
)

// TestBadRequests checks the exact bodies of errors: clients compare them.
func TestBadRequests(t *testing.T) {
	m := &servertest.Model{Answer: "ok", Context: 64}
	s := serve(t, map[string]*servertest.Model{"fake": m}, Options{}, library.Options{})
	f := func(path, body string, status int, message, typ, param, code string) {
		t.Helper()
		want := `{"error":{"message":` + quote(message) + `,"type":` + quote(typ) + `,"param":` + orNull(param) + `,"code":` + quote(code) + "}}\n"
		gotStatus, got := s.post(t, "/v1/"+path, body)
		if gotStatus != status || got != want {
			t.Errorf("%s %.200s:\ngot  %d %swant %d %s", path, body, gotStatus, got, status, want)
		}
	}
	const (
		invalid = "invalid_request_error"
		ask     = `{"model":"fake","messages":[{"role":"user","content":"Why?"}]`
	)
	chat := func(more string, message, param, code string) {
		t.Helper()
		f("chat/completions", ask+more+"}", 400, message, invalid, param, code)
	}
	f("chat/completions", ``, 400, "the request's body is empty, expected a JSON object", invalid, "", "invalid_json")
	f("chat/completions", `[1]`, 400, "the request's body is no JSON object", invalid, "", "invalid_json")
	f("chat/completions", `{"model":`, 400, "the request's body is not valid JSON: unexpected end of JSON input at byte 9", invalid, "", "invalid_json")
	f("chat/completions", `{"model":"a","model":"b"}`, 400, "the key 'model' comes twice in one object", invalid, "model", "invalid_json")
	f("chat/completions", "{\"model\":\"\xff\"}", 400, "the request's body is not valid UTF-8", invalid, "", "invalid_json")
	f("chat/completions", `{"model":"fake","messages":`+strings.Repeat("[", 200)+strings.Repeat("]", 200)+`}`, 400, "the request's body is nested deeper than 128 levels", invalid, "", "invalid_json")
	f("completions", `{"model":"fake","prompt":[1,null]}`, 400, "'prompt[1]' is null, but must be a token id", invalid, "prompt", "invalid_value")
	f("completions", `{"model":"fake","prompt":["a",null]}`, 400, "'prompt[1]' is null, but must be a text or token ids", invalid, "prompt[1]", "invalid_value")
	f("embeddings", `{"model":"fake","input":[[1],[null]]}`, 400, "'input[1][0]' is null, but must be a token id", invalid, "input[1]", "invalid_value")
	f("chat/completions", `{"messages":[]}`, 400, "'model' is missing", invalid, "model", "missing_required_parameter")
	f("chat/completions", `{"model":"fake","messages":[]}`, 400, "'messages' is missing or empty: there is nothing to answer", invalid, "messages", "missing_required_parameter")
	f("chat/completions", `{"model":"none","messages":[{"role":"user","content":"Why?"}]}`, 404, `the model "none" does not exist here; there are: fake`, invalid, "model", "model_not_found")
	f("chat/completions", `{"model":"fake","messages":[{"role":"user","content":"`+strings.Repeat("x", 100)+`"}]}`, 400,
		"This model's maximum context length is 64 tokens, but the prompt has 117 tokens and an answer needs at least one. Shorten the prompt; nothing was cut off.", invalid, "", "context_length_exceeded")
	f("chat/completions", `{"model":"fake","messages":[{"role":"wizard","content":"Why?"}]}`, 400, `'messages[0].role' is "wizard", but must be one of "system", "developer", "user", "assistant", "tool"`, invalid, "messages[0].role", "invalid_value")
	f("chat/completions", `{"model":"fake","messages":[{"role":"user"}]}`, 400, "'messages[0].content' is missing", invalid, "messages[0].content", "missing_required_parameter")
	f("chat/completions", `{"model":"fake","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}]}`, 400,
		`'messages[0].content[0].type' is "image_url", but the models here read text only`, invalid, "messages[0].content[0].type", "unsupported_value")
	chat(`,"temprature":1`, "'temprature' is not known; check its spelling, or leave it out", "temprature", "unknown_parameter")
	chat(`,"functions":[]`, "'functions' is not supported: use 'tools'", "functions", "unsupported_parameter")
	chat(`,"temperature":"hot"`, "'temperature' is a JSON string, but must be a number", "temperature", "invalid_value")
	chat(`,"temperature":2.5`, "'temperature' is 2.5, but must be from 0 to 2", "temperature", "invalid_value")
	chat(`,"temperature":1e999`, "'temperature' is a JSON number 1e999, but must be a number", "temperature", "invalid_value")
	chat(`,"max_tokens":1.5`, "'max_tokens' is a JSON number 1.5, but must be a whole number", "max_tokens", "invalid_value")
	chat(`,"max_tokens":-1`, "'max_tokens' is -1, but must be from 1 to 2147483647", "max_tokens", "invalid_value")
	chat(`,"max_tokens":99999999999999999999`, "'max_tokens' is a JSON number 99999999999999999999, but must be a whole number", "max_tokens", "invalid_value")
	chat(`,"n":0`, "'n' is 0, but must be from 1 to 16", "n", "invalid_value")
	chat(`,"top_logprobs":2`, "'top_logprobs' needs 'logprobs' to be true", "top_logprobs", "invalid_value")
	chat(`,"logprobs":true,"top_logprobs":21`, "'top_logprobs' is 21, but must be from 0 to 20", "top_logprobs", "invalid_value")
	chat(`,"stop":["a",1]`, "'stop' is a JSON number, but must be a string", "stop", "invalid_value")
	chat(`,"stop":[""]`, "a stop text must not be empty", "stop[0]", "invalid_value")
	chat(`,"logit_bias":{"x":1}`, `'logit_bias' has the key "x", but keys must be token ids`, "logit_bias", "invalid_value")
	chat(`,"logit_bias":{"1":101}`, "'logit_bias[1]' is 101, but must be from -100 to 100", "logit_bias[1]", "invalid_value")
	chat(`,"logit_bias":{"999999":1}`, "'logit_bias' names the token 999999, but the model has the tokens 0 to 287", "logit_bias", "invalid_value")
	chat(`,"stream_options":{}`, "'stream_options' needs 'stream' to be true", "stream_options", "invalid_value")
	chat(`,"reasoning_effort":"huge"`, `'reasoning_effort' is "huge", but must be one of ["none" "minimal" "low" "medium" "high" "xhigh" "max"]`, "reasoning_effort", "invalid_value")
	chat(`,"reasoning_effort":"low"`, "'reasoning_effort' asks for reasoning, but the model does not reason", "reasoning_effort", "unsupported_value")
	chat(`,"thinking":{"type":"enabled"}`, "'thinking.type' asks for reasoning, but the model does not reason", "thinking.type", "unsupported_value")
	chat(`,"tool_choice":"required"`, "a tool call is required, but there are no tools", "tool_choice", "invalid_value")
	chat(`,"tools":[{"type":"function","function":{"name":"a b"}}]`, `'tools[0].function.name' is "a b", but must be 1 to 64 letters, digits, _ or -`, "tools[0].function.name", "invalid_value")
	const f1 = `,"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":`
	chat(f1+`"any"`, `'tool_choice' is "any", but must be "none", "auto", "required", or an object that names a function`, "tool_choice", "invalid_value")
	chat(f1+`{"type":"function","function":{"name":"g"}}`, `'tool_choice' names the function "g", which is not among the tools`, "tool_choice", "invalid_value")
	chat(f1+`{"type":"custom","custom":{"name":"f"}}`, `'tool_choice.type' is "custom", but only "function" and "allowed_tools" are supported`, "tool_choice.type", "unsupported_value")
	chat(f1+`{"type":"allowed_tools","allowed_tools":{"mode":"none"}}`, `'tool_choice.allowed_tools.mode' is "none", but must be "auto" or "required"`, "tool_choice.allowed_tools.mode", "invalid_value")
	chat(f1+`{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[]}}`, "a tool call is required, but there are no tools", "tool_choice.allowed_tools.mode", "invalid_value")
	chat(f1+`{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"g"}}]}}`, `'tool_choice.allowed_tools.tools[0]' names the function "g", which is not among the tools`, "tool_choice.allowed_tools.tools[0]", "invalid_value")
	chat(`,"tools":[{"type":"custom","custom":{"name":"f"}}]`, `'tools[0].type' is "custom", but only "function" is supported`, "tools[0].type", "unsupported_value")
	chat(`,"verbosity":"low"`, `'verbosity' is "low", but only "medium" is supported: the models here do not know it`, "verbosity", "unsupported_value")
	chat(`,"response_format":{"type":"xml"}`, `'response_format.type' is "xml", but must be one of "text", "json_object", "json_schema"`, "response_format.type", "invalid_value")
	chat(`,"response_format":{"type":"json_schema","json_schema":{"name":"x"}}`, "'response_format.json_schema.schema' is missing", "response_format.json_schema.schema", "missing_required_parameter")
	chat(`,"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"array","uniqueItems":true}}}`, "schema at #/uniqueItems: cannot be enforced; only false is supported", "response_format", "unsupported_value")
	complete := func(more string, message, param, code string) {
		t.Helper()
		f("completions", `{"model":"fake"`+more+"}", 400, message, invalid, param, code)
	}
	complete(``, "'prompt' is missing", "prompt", "missing_required_parameter")
	complete(`,"prompt":[]`, "'prompt' must be a string, an array of strings, an array of token ids, or an array of such arrays, and not empty", "prompt", "invalid_value")
	complete(`,"prompt":[1,"a"]`, "'prompt' is a JSON string, but must be a whole number", "prompt", "invalid_value")
	complete(`,"prompt":[-1]`, "'prompt' has the token -1, but the model has the tokens 0 to 287", "prompt", "invalid_value")
	complete(`,"prompt":"a","suffix":"b"`, "'suffix' is not supported: the model fake has no tokens for filling in the middle", "suffix", "unsupported_parameter")
	complete(`,"prompt":"a","best_of":3`, "'best_of' is 3, but only the value of 'n' (1) is supported: every answer is returned", "best_of", "unsupported_value")
	complete(`,"prompt":"a","echo":true,"logprobs":1`, "'echo' together with 'logprobs' is not supported: the prompt has no log-probabilities here", "echo", "unsupported_value")
	respond := func(more string, message, param, code string) {
		t.Helper()
		f("responses", `{"model":"fake"`+more+"}", 400, message, invalid, param, code)
	}
	respond(``, "'input' is missing", "input", "missing_required_parameter")
	respond(`,"input":[{"type":"item_reference","id":"x"}]`, `'input[0].type' is "item_reference", but only message, reasoning, function_call and function_call_output are supported`, "input[0].type", "unsupported_value")
	respond(`,"input":[{"type":"function_call_output","call_id":"x","output":"1"}]`, `there is no function_call with the call_id "x" before its output`, "input[0].call_id", "invalid_value")
	respond(`,"input":"a","background":true`, "'background' is not supported: answers are made while the client waits; use 'stream'", "background", "unsupported_parameter")
	respond(`,"input":"a","reasoning":{"mode":"pro"}`, `'reasoning.mode' is "pro", but must be one of ["standard"]`, "reasoning.mode", "invalid_value")
	respond(`,"input":"a","text":{"verbosity":"high"}`, `'text.verbosity' is "high", but only "medium" is supported: the models here do not know it`, "text.verbosity", "unsupported_value")
	respond(`,"input":"a","context_management":[{"type":"compaction"}]`, "'context_management' is not supported: nothing is shortened here: a prompt that is too long is an error", "context_management", "unsupported_parameter")
	respond(`,"input":[{"type":"reasoning","encrypted_content":"gAAAA"}]`, "'input[0].encrypted_content' was not made by this server", "input[0].encrypted_content", "invalid_value")
	respond(`,"input":"a","include":["all"]`, `'include[0]' is "all", but must be one of ["message.output_text.logprobs" "reasoning.encrypted_content" "file_search_call.results" "web_search_call.results" "web_search_call.action.sources" "message.input_image.image_url" "computer_call_output.output.image_url" "code_interpreter_call.outputs"]`, "include[0]", "invalid_value")
	respond(`,"input":"a","reasoning":{"effort":"high"}`, "'reasoning.effort' asks for reasoning, but the model does not reason", "reasoning.effort", "unsupported_value")
	respond(`,"input":"a","truncation":"auto"`, `'truncation' is "auto", but only "disabled" is supported: nothing is ever cut off silently`, "truncation", "unsupported_value")
	respond(`,"input":"a","tools":[{"type":"web_search"}]`, `'tools[0].type' is "web_search", but only "function" is supported`, "tools[0].type", "unsupported_value")
	f("responses", `{"model":"fake","input":"a","previous_response_id":"resp_x"}`, 404, `there is no stored response "resp_x"`, invalid, "previous_response_id", "not_found")
	embed := func(more string, message, param, code string) {
		t.Helper()
		f("embeddings", `{"model":"fake"`+more+"}", 400, message, invalid, param, code)
	}
	embed(``, "'input' is missing", "input", "missing_required_parameter")
	embed(`,"input":""`, "'input' is empty", "input", "invalid_value")
	embed(`,"input":["a",""]`, "'input[1]' is empty", "input[1]", "invalid_value")
	embed(`,"input":[[1],[999999]]`, "'input[1]' has the token 999999, but the model has the tokens 0 to 287", "input[1]", "invalid_value")
	embed(`,"input":"a","encoding_format":"hex"`, `'encoding_format' is "hex", but must be one of ["float" "base64"]`, "encoding_format", "invalid_value")
	embed(`,"input":"a","dimensions":4`, "'dimensions' is 4, but must be from 1 to 3", "dimensions", "invalid_value")
	embed(`,"input":"`+strings.Repeat("x", 100)+`"`, "This model's maximum context length is 64 tokens, but the prompt has 100 tokens and an answer needs at least one. Shorten the prompt; nothing was cut off.", "", "context_length_exceeded")
	f("nothing", `{}`, 404, "there is nothing at POST /v1/nothing", invalid, "", "not_found")
}

func TestMethodAndTypeAreChecked(t *testing.T) {
	s := one(t, &servertest.Model{Answer: "ok"})
	resp, err := http.Get(s.URL + "/v1/chat/completions")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", resp.StatusCode)
	}
	resp, err = http.Post(s.URL+"/v1/chat/completions", "text/plain", strings.NewReader(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("text/plain: %d", resp.StatusCode)
	}
}

func quote(s string) string { return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"` }

func orNull(s string) string {
	if s == "" {
		return "null"
	}
	return quote(s)
}

// TestStreamedErrorsHaveAStatus checks that an error before the first event is
// an ordinary answer, also when a stream was asked for.
func TestStreamedErrorsHaveAStatus(t *testing.T) {
	s := one(t, &servertest.Model{Answer: "ok", Context: 64})
	for _, path := range []string{"chat/completions", "completions", "responses"} {
		long := strings.Repeat("x", 100)
		status, body := s.post(t, "/v1/"+path, map[string]string{
			"chat/completions": `{"model":"fake","stream":true,"messages":[{"role":"user","content":"` + long + `"}]}`,
			"completions":      `{"model":"fake","stream":true,"prompt":"` + long + `"}`,
			"responses":        `{"model":"fake","stream":true,"input":"` + long + `"}`,
		}[path])
		if status != 400 || !strings.Contains(body, `"code":"context_length_exceeded"`) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}
