package openapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// validate checks an answer against the schemas of its address: the body, or
// each event or line of a stream. It returns how many values it checked.
func (s *spec) validate(t *testing.T, o operation, a answer) int {
	t.Helper()
	where := []string{"paths", o.path, o.method, "responses", fmt.Sprint(a.status)}
	if s.get(s.doc, where...) == nil {
		where[4] = "default"
	}
	// A reference to a response: the schema is at its own place.
	if m, ok := s.raw(where...).(map[string]any); ok {
		if ref, ok := m["$ref"].(string); ok {
			where = strings.Split(strings.TrimPrefix(ref, "#/"), "/")
		}
	}
	if s.get(s.doc, where...) == nil {
		t.Errorf("%s: the status %d is not described", o, a.status)
		return 0
	}
	if a.body == "" && s.get(s.doc, append(where, "content")...) == nil {
		return 1
	}
	content := append(where, "content", a.typ)
	if s.get(s.doc, content...) == nil {
		t.Errorf("%s: the content type %q of %d is not described", o, a.typ, a.status)
		return 0
	}
	texts, key := pieces(a)
	n := 0
	for _, text := range texts {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Errorf("%s: %v in %s", o, err, text)
			continue
		}
		if err := s.compile(t, append(content, key)...).Validate(v); err != nil {
			t.Errorf("%s: %v\n%s", o, err, text)
		}
		n++
	}
	return n
}

// raw is get without following references.
func (s *spec) raw(path ...string) any {
	var v any = s.doc
	for _, p := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[p]
	}
	return v
}

// pieces cuts an answer into the values in it, as JSON, and says where their
// schema is. An event is an object with its data.
func pieces(a answer) (texts []string, key string) {
	switch a.typ {
	case "application/json":
		return []string{a.body}, "schema"
	case "application/x-ndjson":
		return strings.Split(strings.TrimSpace(a.body), "\n"), "itemSchema"
	case "text/event-stream":
		for line := range strings.Lines(a.body) {
			if data, ok := strings.CutPrefix(strings.TrimSpace(line), "data: "); ok {
				b, _ := json.Marshal(map[string]string{"data": data}) // strings always can be
				texts = append(texts, string(b))
			}
		}
		return texts, "itemSchema"
	}
	return nil, "schema"
}

const (
	tool     = `{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"x":{"type":"integer"}},"required":["x"]}}}`
	hi       = `"messages":[{"role":"user","content":"hi"}]`
	openTool = `"tools":[` + tool + `]`
	// The model that calls functions would think first.
	noThought = `"thinking":{"type":"disabled"},`
)

// cases are requests whose answers are checked, beside the minimal ones.
var cases = []struct{ path, body string }{
	{"/v1/chat/completions", `{"model":"fake","n":2,"logprobs":true,"top_logprobs":2,` + hi + `}`},
	{"/v1/chat/completions", `{"model":"fake","stream":true,"stream_options":{"include_usage":true},"logprobs":true,` + hi + `}`},
	{"/v1/chat/completions", `{"model":"think",` + hi + `}`},
	{"/v1/chat/completions", `{"model":"think","stream":true,` + hi + `}`},
	{"/v1/chat/completions", `{"model":"call",` + noThought + openTool + `,` + hi + `}`},
	{"/v1/chat/completions", `{"model":"call","stream":true,` + noThought + openTool + `,` + hi + `}`},
	{"/v1/chat/completions", `{"model":"none",` + hi + `}`},
	{"/v1/chat/completions", `{"model":"fake","temperature":9,` + hi + `}`},
	{"/v1/chat/completions", `{`},
	{"/v1/completions", `{"model":"fake","prompt":["a","b"],"logprobs":2,"n":2}`},
	{"/v1/completions", `{"model":"fake","prompt":"a","logprobs":1,"stream":true,"stream_options":{"include_usage":true}}`},
	{"/v1/responses", `{"model":"fake","input":"hi","top_logprobs":2,"metadata":{"a":"b"},"text":{"format":{"type":"text"}}}`},
	{"/v1/responses", `{"model":"fake","input":"hi","stream":true,"include":["message.output_text.logprobs"]}`},
	{"/v1/responses", `{"model":"fake","input":"hi","stream":true,"max_output_tokens":2}`},
	{"/v1/responses", `{"model":"think","input":"hi","include":["reasoning.encrypted_content"]}`},
	{"/v1/responses", `{"model":"think","input":"hi","stream":true}`},
	{"/v1/responses", `{"model":"call","input":"hi","reasoning":{"effort":"none"},"stream":true,"tools":[{"type":"function","name":"f","parameters":{"type":"object"}}]}`},
	{"/v1/embeddings", `{"model":"fake","input":["a","b"],"encoding_format":"base64"}`},
	{"/tokenize", `{"model":"fake","with_pieces":true,` + hi + `}`},
	{"/v1/messages", `{"model":"fake","max_tokens":99,"stream":true,` + hi + `}`},
	{"/v1/messages", `{"model":"fake","max_tokens":99,"stop_sequences":["salty"],` + hi + `}`},
	{"/v1/messages", `{"model":"think","max_tokens":99,` + hi + `}`},
	{"/v1/messages", `{"model":"think","max_tokens":99,"stream":true,` + hi + `}`},
	{"/v1/messages", `{"model":"call","max_tokens":99,"tools":[{"name":"f","input_schema":{"type":"object"}}],` + hi + `}`},
	{"/v1/messages", `{"model":"call","max_tokens":99,"stream":true,"tools":[{"name":"f","input_schema":{"type":"object"}}],` + hi + `}`},
	{"/v1/messages", `{"model":"none","max_tokens":99,` + hi + `}`},
	{"/v1/messages", `{"model":"fake",` + hi + `}`},
	{"/chat/completions", `{"model":"fake","logprobs":true,"top_logprobs":2,` + hi + `}`},
	{"/chat/completions", `{"model":"fake","stream":true,"stream_options":{"include_usage":true},"logprobs":true,` + hi + `}`},
	{"/chat/completions", `{"model":"think","logprobs":true,` + hi + `}`},
	{"/chat/completions", `{"model":"think","stream":true,` + hi + `}`},
	{"/chat/completions", `{"model":"call",` + noThought + openTool + `,` + hi + `}`},
	{"/chat/completions", `{"model":"call","stream":true,` + noThought + openTool + `,` + hi + `}`},
	{"/chat/completions", `{"model":"none",` + hi + `}`},
	{"/chat/completions", `{"model":"fake","no_such":1,` + hi + `}`},
	{"/completions", `{"model":"fake","prompt":"hi","logprobs":2}`},
	{"/beta/completions", `{"model":"fake","prompt":"hi","logprobs":2,"stream":true}`},
	{"/api/chat", `{"model":"fake","stream":false,"logprobs":true,"top_logprobs":2,` + hi + `}`},
	{"/api/chat", `{"model":"fake","logprobs":true,` + hi + `}`},
	{"/api/chat", `{"model":"think",` + hi + `}`},
	{"/api/chat", `{"model":"call","think":false,` + openTool + `,` + hi + `}`},
	{"/api/chat", `{"model":"fake"}`},
	{"/api/chat", `{"model":"none",` + hi + `}`},
	{"/api/generate", `{"model":"think","prompt":"hi","stream":false}`},
	{"/api/generate", `{"model":"fake","options":{"no_such":1},"prompt":"hi"}`},
	{"/api/push", `{"model":"fake"}`},
	{"/api/create", `{"model":"made","from":"fake","stream":false}`},
}

// certain returns a body that asks for the likeliest tokens: what the fake models
// are meant to say.
func (s *spec) certain(t *testing.T, o operation, body string) string {
	t.Helper()
	props, _ := s.get(s.body(o), "properties").(map[string]any)
	switch {
	case !json.Valid([]byte(body)) || strings.Contains(body, `"temperature"`) || strings.Contains(body, `"options"`):
	case props["temperature"] != nil:
		return with(t, body, "temperature", 0)
	case props["options"] != nil:
		return with(t, body, "options", map[string]any{"temperature": 0})
	}
	return body
}

// TestAnswers asks for everything and checks what comes against the schemas.
func TestAnswers(t *testing.T) {
	s, site := load(t), start(t)
	var all strings.Builder
	n := 0
	for _, o := range s.operations() {
		switch {
		case s.body(o) != nil:
			n += s.validate(t, o, site.send(t, o.method, o.path, minimal[o.path]))
			n += s.validate(t, o, site.send(t, o.method, o.path, `{"no_such_field":1}`))
		case o.method == "get":
			path := strings.NewReplacer("{id}", "fake").Replace(o.path)
			n += s.validate(t, o, site.send(t, o.method, path, ""))
			n += s.validate(t, o, site.send(t, o.method, path, "", "Anthropic-Version", "2023-06-01"))
		}
	}
	for _, c := range cases {
		o := operation{c.path, "post"}
		a := site.send(t, "post", c.path, s.certain(t, o, c.body))
		n += s.validate(t, o, a)
		all.WriteString(a.body)
	}
	t.Logf("%d values are of their schemas", n)
	// What must have been among them, lest the cases say something else one day.
	for _, piece := range []string{
		`"tool_calls":[{"index":0`, `"finish_reason":"tool_calls"`, `"reasoning_content":"`, `"text_offset":[`, `"top_logprobs":[{`,
		"response.function_call_arguments.done", "response.reasoning_text.delta", "response.incomplete", `"encrypted_content":"`,
		`"type":"tool_use"`, "input_json_delta", "thinking_delta", "signature_delta", `"stop_reason":"stop_sequence"`,
		`"prompt_cache_hit_tokens"`, `"thinking":"`, `"arguments":{`, `"done_reason":"load"`, "[DONE]",
	} {
		if !strings.Contains(all.String(), piece) {
			t.Errorf("no answer has %s", piece)
		}
	}
}

// TestStored follows a response through its addresses.
func TestStored(t *testing.T) {
	s, site := load(t), start(t)
	a := site.send(t, "post", "/v1/responses", `{"model":"fake","input":"hi"}`)
	_, rest, _ := strings.Cut(a.body, `"id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	for _, o := range []operation{
		{"/v1/responses/{id}", "get"}, {"/v1/responses/{id}/input_items", "get"}, {"/v1/responses/{id}/cancel", "post"}, {"/v1/responses/{id}", "delete"},
	} {
		a := site.send(t, o.method, strings.Replace(o.path, "{id}", id, 1), "")
		if want := http.StatusOK; (a.status == want) == strings.HasSuffix(o.path, "cancel") {
			t.Errorf("%s: %d %s", o, a.status, a.body)
		}
		s.validate(t, o, a)
	}
}
