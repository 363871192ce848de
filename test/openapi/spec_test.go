// Package openapi_test holds docs/openapi.yaml to the server, and the server to
// docs/openapi.yaml.
package openapi_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/holdfast-llm/holdfast/internal/golden"
)

// A spec is the description with the schemas that were compiled.
type spec struct {
	doc map[string]any
	c   *jsonschema.Compiler
}

// resource is the name of the description among the compiler's documents.
const resource = "openapi.json"

func load(t *testing.T) *spec {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(golden.ModuleRoot(t), "docs/openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var doc any
	if err := yaml.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	// Once through JSON: numbers become what the validator knows.
	if data, err = json.Marshal(doc); err != nil {
		t.Fatal(err)
	}
	doc, err = jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	s := &spec{doc: doc.(map[string]any), c: jsonschema.NewCompiler()}
	s.c.AssertFormat()
	s.c.AssertContent()
	if err := s.c.AddResource(resource, doc); err != nil {
		t.Fatal(err)
	}
	return s
}

// get walks down maps, through references; it is nil if there is nothing.
func (s *spec) get(from any, path ...string) any {
	for {
		m, ok := from.(map[string]any)
		if !ok {
			return nil
		}
		if ref, ok := m["$ref"].(string); ok {
			from = s.get(s.doc, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
			continue
		}
		if len(path) == 0 {
			return m
		}
		next, ok := m[path[0]]
		if _, isMap := next.(map[string]any); !ok || len(path) == 1 && !isMap {
			return next
		}
		from, path = next, path[1:]
	}
}

// escape makes a key a part of a JSON pointer, in a URL.
func escape(key string) string {
	return strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(key)
}

// compile compiles the schema at a place.
func (s *spec) compile(t *testing.T, path ...string) *jsonschema.Schema {
	t.Helper()
	var b strings.Builder
	b.WriteString(resource + "#")
	for _, p := range path {
		b.WriteString("/" + escape(p))
	}
	schema, err := s.c.Compile(b.String())
	if err != nil {
		t.Fatalf("%s: %v", b.String(), err)
	}
	return schema
}

// An operation is a method at an address.
type operation struct {
	path, method string // method in small letters
}

func (o operation) String() string { return strings.ToUpper(o.method) + " " + o.path }

// operations lists all, in order.
func (s *spec) operations() []operation {
	var out []operation
	paths := s.doc["paths"].(map[string]any)
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		item := paths[path].(map[string]any)
		for _, method := range slices.Sorted(maps.Keys(item)) {
			if method != "parameters" {
				out = append(out, operation{path, method})
			}
		}
	}
	return out
}

// body returns the schema of an operation's JSON body, nil if it has none.
func (s *spec) body(o operation) map[string]any {
	m, _ := s.get(s.doc, "paths", o.path, o.method, "requestBody", "content", "application/json", "schema").(map[string]any)
	return m
}

// TestSchemasCompile also checks that every reference leads somewhere.
func TestSchemasCompile(t *testing.T) {
	s := load(t)
	for name := range s.doc["components"].(map[string]any)["schemas"].(map[string]any) {
		s.compile(t, "components", "schemas", name)
	}
	for _, o := range s.operations() {
		if s.body(o) != nil {
			s.compile(t, "paths", o.path, o.method, "requestBody", "content", "application/json", "schema")
		}
	}
}
