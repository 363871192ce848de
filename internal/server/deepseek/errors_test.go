package deepseek

import (
	"net/http"
	"strings"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/server/servertest"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
	"github.com/holdfast-llm/holdfast/internal/text/chat/dialect/deepseekapi"
)

// TestBadRequests checks statuses and bodies of errors: clients compare them.
func TestBadRequests(t *testing.T) {
	m := &servertest.Model{Answer: "ok", Context: 64}
	s := serve(t, map[string]*servertest.Model{"fake": m}, Options{}, library.Options{})
	f := func(path, body string, status int, message, param, code string) {
		t.Helper()
		want := `{"error":{"message":` + quote(message) + `,"type":"invalid_request_error","param":` + orNull(param) + `,"code":"` + code + "\"}}\n"
		gotStatus, got := s.post(t, path, body)
		if gotStatus != status || got != want {
			t.Errorf("%s %.200s:\ngot  %d %swant %d %s", path, body, gotStatus, got, status, want)
		}
	}
	const malformed = "Failed to deserialize the JSON body into the target type: "
	chat := func(more string, status int, message, param string) {
		t.Helper()
		f("/chat/completions", `{"model":"fake","messages":[{"role":"user","content":"Why?"}]`+more+"}", status, message, param, "invalid_request_error")
	}
	f("/chat/completions", `{"model":`, 422, malformed+"the request's body is not valid JSON: unexpected end of JSON input at byte 9", "", "invalid_request_error")
	f("/chat/completions", `{"model":"fake"}`, 422, malformed+"missing field `messages`", "", "invalid_request_error")
	f("/chat/completions", `{"messages":[{"role":"user","content":"Why?"}]}`, 422, malformed+"missing field `model`", "", "invalid_request_error")
	f("/chat/completions", `{"model":"none","messages":[{"role":"user","content":"Why?"}]}`, 400, `Model Not Exist: the model "none" does not exist here; there are: fake`, "model", "invalid_request_error")
	f("/chat/completions", `{"model":"fake","messages":[{"role":"user","content":"`+strings.Repeat("x", 100)+`"}]}`, 400,
		"This model's maximum context length is 64 tokens, but the prompt has 117 tokens and an answer needs at least one. Shorten the prompt; nothing was cut off.", "", "context_length_exceeded")
	chat(`,"temperature":"hot"`, 422, malformed+"temperature: expected a number", "")
	chat(`,"temperature":3`, 400, "Invalid temperature value, the valid range of temperature is [0, 2]", "")
	chat(`,"n":2`, 400, "Invalid n value (currently only n = 1 is supported)", "")
	chat(`,"temprature":1`, 422, "'temprature' is not known; check its spelling, or leave it out", "temprature")
	chat(`,"functions":[]`, 400, "'functions' is not supported: use 'tools'", "functions")
	chat(`,"stream_options":{"include_usage":true}`, 400, "stream_options should be set along with stream = true", "")
	chat(`,"response_format":{"type":"json_object"}`, 400, "Prompt must contain the word 'json' in some form to use 'response_format' of type 'json_object'.", "")
	chat(`,"response_format":{"type":"regex","regex":"a+"}`, 400, "This response_format type is unavailable now", "")
	chat(`,"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required"`, 400, "Thinking mode does not support this tool_choice", "")
	chat(`,"user_id":"a b"`, 422, `'user_id' is "a b", but must be 1 to 512 letters, digits, _ or -`, "user_id")
	chat(`,"logit_bias":{"999999":1}`, 422, "'logit_bias' names the token 999999, but the model has the tokens 0 to 287", "logit_bias")
	chat(`,"logit_bias":{"x":1}`, 422, `'logit_bias' has the key "x", but keys must be token ids`, "logit_bias")
	chat(`,"max_completion_tokens":0`, 422, "'max_completion_tokens' is 0, but must be from 1 to 393216", "max_completion_tokens")
	fim := func(more string, status int, message, param string) {
		t.Helper()
		f("/beta/completions", `{"model":"fake"`+more+"}", status, message, param, "invalid_request_error")
	}
	fim(`,"prompt":"a","suffix":"b"`, 400, "'suffix' is not supported: the model fake has no tokens for filling in the middle", "suffix")
	fim(`,"prompt":"a","suffix":"b","echo":true`, 400, "'echo' together with 'suffix' is not supported", "echo")
	fim(`,"prompt":"a","echo":true,"logprobs":1`, 400, "'echo' together with 'logprobs' is not supported: the prompt has no log-probabilities here", "echo")
	fim(`,"prompt":"a","logprobs":21`, 422, "'logprobs' is 21, but must be from 0 to 20", "logprobs")
	fim(`,"prompt":["a"]`, 422, "'prompt' is a JSON array, but must be a string", "prompt")
	fim(`,"prompt":"a","stop":[""]`, 400, "a stop text must not be empty", "stop")
	fim(`,"prompt":"a","n":2`, 400, "'n' is not supported: there is one answer", "n")
	f("/beta/completions", `{"model":"deepseek-reasoner","prompt":"a"}`, 400, "filling in the middle is without thinking: use \"deepseek-chat\", or the model's own name", "model", "invalid_request_error")
	f("/responses", `{"model":"none","input":"a"}`, 400, `Model Not Exist: the model "none" does not exist here; there are: fake`, "model", "invalid_request_error")
	f("/responses", `{"model":"fake","input":"a","previous_response_id":"resp_1"}`, 400, "'previous_response_id' is not supported: nothing is stored under this address; use /v1/responses", "previous_response_id", "invalid_request_error")
	f("/beta/nothing", `{}`, 404, "there is nothing at POST /beta/nothing", "", "invalid_request_error")
}

// TestErrorsHaveDeepSeeksStatuses checks the documented statuses.
func TestErrorsHaveDeepSeeksStatuses(t *testing.T) {
	f := func(kind apierr.Kind, status int, typ, message string) {
		t.Helper()
		got, body := errorOf(apierr.New(kind, "why"))
		if got != status || body.Error.Type != typ || body.Error.Message != message {
			t.Errorf("%d: %d %+v", kind, got, body.Error)
		}
	}
	f(apierr.InvalidValue, http.StatusUnprocessableEntity, "invalid_request_error", "why")
	f(apierr.Unauthorized, http.StatusUnauthorized, "authentication_error", "Authentication Fails: why")
	f(apierr.QuotaExceeded, http.StatusPaymentRequired, "unknown_error", "Insufficient Balance: why")
	f(apierr.RateLimited, http.StatusTooManyRequests, "rate_limit_error", "Rate limit reached: why")
	f(apierr.Overloaded, http.StatusTooManyRequests, "rate_limit_error", "Rate limit reached: why")
	f(apierr.Internal, http.StatusInternalServerError, "server_error", "why")
	f(apierr.ShuttingDown, http.StatusServiceUnavailable, "service_unavailable_error", "Server overloaded: why")
	f(apierr.InsufficientMemory, http.StatusServiceUnavailable, "server_error", "why")
}

func quote(s string) string { return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"` }

func orNull(s string) string {
	if s == "" {
		return "null"
	}
	return quote(s)
}

// TestThinkingMustBeThere checks that a switch that a model does not have is not
// ignored.
func TestThinkingMustBeThere(t *testing.T) {
	f := func(info chat.FormatInfo, thinking, effort, on bool, param string) {
		t.Helper()
		err := supported(info, thinking, effort, &deepseekapi.Request{Thinking: on})
		if (err != nil) != (param != "") || err != nil && apierr.From(err).Param != param {
			t.Errorf("%+v %v %v %v: %v", info, thinking, effort, on, err)
		}
	}
	never, always, both := chat.FormatInfo{Name: "x"}, chat.FormatInfo{Name: "x", Thinking: true}, chat.FormatInfo{Name: "x", Thinking: true, Switch: true}
	f(never, false, false, true, "")
	f(never, true, false, false, "")
	f(never, true, true, true, "thinking.type")
	f(never, false, true, true, "reasoning_effort")
	f(always, true, false, true, "")
	f(always, true, false, false, "thinking.type")
	f(always, false, true, false, "reasoning_effort")
	f(both, true, true, false, "")
	f(both, true, true, true, "")
	f(chat.FormatInfo{}, true, true, true, "")
}
