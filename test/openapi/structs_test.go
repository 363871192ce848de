package openapi_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/golden"
)

// requestTypes says which type of the server's is which schema.
var requestTypes = []struct{ folder, typ, schema string }{
	{"openai", "chatRequest", "ChatRequest"},
	{"openai", "completionRequest", "CompletionRequest"},
	{"openai", "responsesRequest", "ResponsesRequest"},
	{"openai", "embeddingsRequest", "EmbeddingsRequest"},
	{"openai", "tokenizeRequest", "TokenizeRequest"},
	{"anthropic", "messagesRequest", "MessagesRequest"},
	{"deepseek", "extras", "DeepSeekRequest"},
	{"deepseek", "fimRequest", "InfillRequest"},
	{"ollama", "chatRequest", "OllamaChatRequest"},
	{"ollama", "generateRequest", "GenerateRequest"},
	{"ollama", "options", "Options"},
}

// structs returns the struct types of a package by their names.
func structs(t *testing.T, dir string) map[string]*ast.StructType {
	t.Helper()
	out := map[string]*ast.StructType{}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, f.Name()), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if ts, ok := n.(*ast.TypeSpec); ok {
				if st, ok := ts.Type.(*ast.StructType); ok {
					out[ts.Name.Name] = st
				}
			}
			return true
		})
	}
	return out
}

// names lists the JSON names of a struct's fields, embedded ones included.
func names(all map[string]*ast.StructType, st *ast.StructType) []string {
	var out []string
	for _, f := range st.Fields.List {
		if len(f.Names) == 0 {
			if id, ok := f.Type.(*ast.Ident); ok && all[id.Name] != nil {
				out = append(out, names(all, all[id.Name])...)
			}
			continue
		}
		if f.Tag != nil {
			name, _, _ := strings.Cut(reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("json"), ",")
			out = append(out, name)
		}
	}
	return out
}

// TestStructs looks for fields that requests have, and the description has not.
func TestStructs(t *testing.T) {
	s := load(t)
	for _, r := range requestTypes {
		all := structs(t, filepath.Join(golden.ModuleRoot(t), "internal/server", r.folder))
		if all[r.typ] == nil {
			t.Errorf("there is no struct %s in %s", r.typ, r.folder)
			continue
		}
		props, _ := s.get(s.doc, "components", "schemas", r.schema, "properties").(map[string]any)
		fields := names(all, all[r.typ])
		if len(fields) == 0 {
			t.Errorf("%s.%s has no fields", r.folder, r.typ)
		}
		for _, name := range slices.Compact(fields) {
			if _, ok := props[name]; !ok {
				t.Errorf("%s.%s has the field %q, which the schema %s has not", r.folder, r.typ, name, r.schema)
			}
		}
	}
}
