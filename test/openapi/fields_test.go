package openapi_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// minimal are the smallest bodies that are answered, by address.
var minimal = map[string]string{
	"/v1/chat/completions":                `{"model":"fake","messages":[{"role":"user","content":"hi"}]}`,
	"/v1/chat/completions/input_tokens":   `{"model":"fake","messages":[{"role":"user","content":"hi"}]}`,
	"/v1/completions":                     `{"model":"fake","prompt":"hi"}`,
	"/v1/responses":                       `{"model":"fake","input":"hi"}`,
	"/responses":                          `{"model":"fake","input":"hi"}`,
	"/v1/responses/input_tokens":          `{"model":"fake","input":"hi"}`,
	"/v1/embeddings":                      `{"model":"fake","input":"hi"}`,
	"/tokenize":                           `{"model":"fake","content":"hi"}`,
	"/detokenize":                         `{"model":"fake","tokens":[1]}`,
	"/v1/messages":                        `{"model":"fake","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}`,
	"/anthropic/v1/messages":              `{"model":"fake","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}`,
	"/v1/messages/count_tokens":           `{"model":"fake","messages":[{"role":"user","content":"hi"}]}`,
	"/anthropic/v1/messages/count_tokens": `{"model":"fake","messages":[{"role":"user","content":"hi"}]}`,
	"/chat/completions":                   `{"model":"fake","messages":[{"role":"user","content":"hi"}]}`,
	"/beta/chat/completions":              `{"model":"fake","messages":[{"role":"user","content":"hi"}]}`,
	"/completions":                        `{"model":"fake","prompt":"hi"}`,
	"/beta/completions":                   `{"model":"fake","prompt":"hi"}`,
	"/api/chat":                           `{"model":"fake","messages":[{"role":"user","content":"hi"}]}`,
	"/api/generate":                       `{"model":"fake","prompt":"hi"}`,
	"/api/embed":                          `{"model":"fake","input":"hi"}`,
	"/api/embeddings":                     `{"model":"fake","prompt":"hi"}`,
	"/api/show":                           `{"model":"fake"}`,
	"/api/pull":                           `{"model":"fake"}`,
	"/api/create":                         `{"model":"made","from":"fake"}`,
	"/api/copy":                           `{"source":"fake","destination":"copied"}`,
	"/api/delete":                         `{"model":"none"}`,
}

// sample returns a value that a schema allows, as simple as it can be.
func (s *spec) sample(schema any) any {
	m, _ := s.get(schema).(map[string]any)
	if v, ok := m["const"]; ok {
		return v
	}
	if list, ok := m["enum"].([]any); ok {
		return list[max(0, slices.IndexFunc(list, func(v any) bool { return v != "" }))]
	}
	for _, key := range []string{"oneOf", "anyOf"} {
		if list, ok := m[key].([]any); ok {
			return s.sample(list[0])
		}
	}
	typ := m["type"]
	if list, ok := typ.([]any); ok {
		typ = list[0]
	}
	switch typ {
	case "string":
		return "x"
	case "integer", "number":
		if v, ok := m["minimum"].(json.Number); ok && !strings.HasPrefix(v.String(), "-") && v != "0" {
			return v
		}
		return 1
	case "boolean":
		return false
	case "array":
		return []any{}
	}
	out := map[string]any{}
	for _, name := range list(m["required"]) {
		out[name] = s.sample(s.get(m, "properties", name))
	}
	return out
}

func list(v any) []string {
	var out []string
	all, _ := v.([]any)
	for _, x := range all {
		out = append(out, x.(string))
	}
	return out
}

// with returns a body with one field more.
func with(t *testing.T, body, name string, value any) string {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		t.Fatal(err)
	}
	m[name] = value
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// refused reports that an answer says of a field that it cannot be had: other
// than for want of what the fake models have not, or at an address that stores
// nothing.
func refused(a answer) bool {
	for _, why := range []string{"has no tokens for filling in the middle", "nothing is stored under this address"} {
		if strings.Contains(a.body, why) {
			return false
		}
	}
	return a.status == http.StatusInternalServerError || strings.Contains(a.body, "is not known; check its spelling") || strings.Contains(a.body, "is not supported: ")
}

// TestFields sends every field that is described, one at a time: none may be
// unknown or refused. One that is not described is refused by its name.
func TestFields(t *testing.T) {
	s, site := load(t), start(t)
	for _, o := range s.operations() {
		schema := s.body(o)
		if schema == nil {
			continue
		}
		body, ok := minimal[o.path]
		if !ok {
			t.Errorf("%s takes a body: add one to minimal", o)
			continue
		}
		props := schema["properties"].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(props)) {
			a := site.send(t, o.method, o.path, with(t, body, name, s.sample(props[name])))
			if refused(a) {
				t.Errorf("%s with %s: %d %s", o, name, a.status, a.body)
			}
		}
		const unknown = "no_such_field"
		a := site.send(t, o.method, o.path, with(t, body, unknown, 1))
		if schema["additionalProperties"] == true {
			if a.status != http.StatusOK {
				t.Errorf("%s, which takes other fields, with one: %d %s", o, a.status, a.body)
			}
		} else if a.status/100 != 4 || !strings.Contains(a.body, unknown) {
			t.Errorf("%s with an unknown field: %d %s", o, a.status, a.body)
		}
	}
}

// TestRequired leaves out every field that must be there.
func TestRequired(t *testing.T) {
	s, site := load(t), start(t)
	for _, o := range s.operations() {
		for _, name := range list(s.body(o)["required"]) {
			var m map[string]any
			if err := json.Unmarshal([]byte(minimal[o.path]), &m); err != nil {
				t.Fatal(err)
			}
			delete(m, name)
			b, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			if a := site.send(t, o.method, o.path, string(b)); a.status/100 != 4 || !strings.Contains(a.body, name) {
				t.Errorf("%s without %s: %s", o, name, fmt.Sprint(a))
			}
		}
	}
}
