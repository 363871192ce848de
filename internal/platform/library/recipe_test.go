package library

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

func TestRecipeFiles(t *testing.T) {
	dir := t.TempDir()
	want := Recipe{Name: "a/b:c", From: "x", System: "Be kind.", Parameters: json.RawMessage(`{"top_k":3}`), Created: time.Unix(1_700_000_000, 0).UTC()}
	other := Recipe{Name: "a-b-c", File: "o/r/m.gguf"} // reads the same in a file's name
	for _, r := range []Recipe{want, other} {
		if err := r.Save(dir); err != nil {
			t.Fatal(err)
		}
	}
	again := want
	again.System = "Be brief."
	if err := again.Save(dir); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"broken.json":  `{`,
		"outside.json": `{"name":"x","file":"../../etc/passwd"}`,
		"both.json":    `{"name":"x","file":"a.gguf","from":"b"}`,
		"none.json":    `{"name":"x"}`,
		"name.json":    `{"name":"../x","from":"b"}`,
		"long.json":    `{"name":"x","from":"b","system":"` + strings.Repeat("x", longestRecipe) + `"}`,
		"go.json":      `{"name":"x","from":"b","template":"{{ range .Messages }}"}`,
		".hidden.json": `{`,
		"notes.txt":    `{`,
	} {
		if err := os.WriteFile(filepath.Join(dir, recipeFolder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Recipes(dir)
	for _, name := range []string{"broken", "outside", "both", "none", "name", "long", "go"} {
		if err == nil || !strings.Contains(err.Error(), name+".json") {
			t.Errorf("%s.json is not named in %v", name, err)
		}
	}
	byName := map[string]Recipe{}
	for _, r := range got {
		var p any // indented in the file
		if r.Parameters != nil {
			if err := json.Unmarshal(r.Parameters, &p); err != nil {
				t.Error(err)
			}
			r.Parameters, _ = json.Marshal(p)
		}
		byName[r.Name] = r
	}
	if d := cmp.Diff(map[string]Recipe{"a/b:c": again, "a-b-c": other}, byName); d != "" {
		t.Error(d)
	}
	if none, err := Recipes(filepath.Join(dir, "nowhere")); none != nil || err != nil {
		t.Errorf("%v %v", none, err)
	}
}

func TestRecipeNamesAreNoPaths(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a/../../x", "c:/windows/x", "x/y/z", "con", "a.json", strings.Repeat("n", 200)} {
		r := Recipe{Name: name, From: "x"}
		if p := r.path(dir); filepath.Dir(p) != filepath.Join(dir, recipeFolder) || len(filepath.Base(p)) > 100 {
			t.Errorf("%q is kept at %s", name, p)
		}
	}
	for _, name := range []string{"", "/x", "../x", "a b", "a\\b", "ä", strings.Repeat("n", 201), "-x", "a\n"} {
		if CheckName(name) == nil {
			t.Errorf("%q is a name", name)
		}
	}
}

func TestRecipeBegins(t *testing.T) {
	turn := func(role chat.Role, text string) chat.Message {
		return chat.Message{Role: role, Content: chat.Text(text)}
	}
	r := &Recipe{System: "S", Messages: []RecipeMessage{{"user", "q"}, {"assistant", "a"}}}
	got := r.begin([]chat.Message{turn(chat.User, "Q")})
	want := []chat.Message{turn(chat.System, "S"), turn(chat.User, "q"), turn(chat.Assistant, "a"), turn(chat.User, "Q")}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	got = r.begin([]chat.Message{turn(chat.System, "own"), turn(chat.User, "Q")})
	want[0] = turn(chat.System, "own")
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestRecipeOver(t *testing.T) {
	base := &Recipe{Name: "a", From: "root", System: "S", Template: "T", Parameters: json.RawMessage(`{"top_k":1,"seed":2}`)}
	got := Recipe{Name: "b", From: "a", System: "own", Parameters: json.RawMessage(`{"top_k":7}`)}.over(base)
	want := Recipe{Name: "b", From: "root", System: "own", Template: "T", Parameters: json.RawMessage(`{"seed":2,"top_k":7}`)}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// A template of a model's own decides what the list says of the model.
func TestRecipeDescribes(t *testing.T) {
	base := &Description{Arch: "llama"}
	e := &entry{recipe: &Recipe{Name: "a", From: "b"}}
	if got := e.described(base); got != base {
		t.Errorf("without a template: %+v", got)
	}
	e.recipe = &Recipe{Name: "a", From: "b", Template: "{{ messages[0].content }}{% if enable_thinking is defined and not enable_thinking %}<think></think>{% else %}<think>{% endif %}"}
	got := e.described(base)
	if !got.Chat || !got.Format.Thinking || !got.Format.Switch || got.Template != e.recipe.Template || got.Arch != "llama" {
		t.Errorf("%+v", got)
	}
	if base.Chat || base.Template != "" {
		t.Errorf("the file's description was changed: %+v", base)
	}
}

func TestGoTemplates(t *testing.T) {
	f := func(template string, ok bool) {
		t.Helper()
		_, err := parseTemplate(chat.ModelInfo{}, template)
		if te := (*TemplateError)(nil); (err == nil) != ok || err != nil && !errors.As(err, &te) {
			t.Errorf("%s: %v", template, err)
		}
	}
	f("{{ .Prompt }}", false)
	f("{{- if .System }}x{{ end }}", false)
	f("{{ range $i, $_ := .Messages }}", false)
	f("{{ if and .Tools (eq .Role \"user\") }}", false)
	f("{% for m in messages %}{{ m.content }}{% endfor %}", true)
	f("{{ messages[0].content if messages else '' }}", true)
	f("{% for m in messages %}", false)
}

func TestLocate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "o", "m-Q4.gguf")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("GGUF"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, r := range []Recipe{{Name: "hf.co/o/m:Q4", File: "o/m-Q4.gguf"}, {Name: "short", From: "m-Q4"}, {Name: "own", From: "m-Q4", System: "S"}, {Name: "lost", From: "gone"}} {
		if err := r.Save(dir); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{"m-Q4": path, "M-q4:latest": path, "hf.co/o/m:Q4": path, "short": path, "own": "", "lost": "", "other": ""} {
		got, recipe, err := Locate(dir, name)
		if got != want || err != nil || (recipe != nil) != (name == "own") {
			t.Errorf("%s is at %q (%v, %v), expected %q", name, got, recipe, err, want)
		}
	}
}
