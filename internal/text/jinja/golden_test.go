package jinja

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-llm/holdfast/internal/golden"
)

// engineCase is one snippet with what the reference makes of it.
type engineCase struct {
	ID, Template, Error, Message, Hostile string
	Out                                   *string
	Any                                   bool
}

func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func parseDict(t *testing.T, data []byte) *Dict {
	t.Helper()
	v, err := FromJSON(data)
	if err != nil {
		t.Fatal(err)
	}
	return v.(*Dict)
}

func renderText(source string, ctx *Dict) (string, error) {
	tmpl, err := Parse("test", source)
	if err != nil {
		return "", err
	}
	clock := func() time.Time { return time.Date(2026, 11, 23, 12, 34, 56, 0, time.UTC) }
	return tmpl.RenderText(ctx, Options{Clock: clock})
}

// strictKinds are the kinds of errors that must be told apart.
var strictKinds = []string{"raise_exception", "undefined", "syntax"}

// patience is far more than any bounded rendering takes on a busy machine: what
// it catches is a template that would run on for minutes.
const patience = 2 * time.Minute

func checkEngineCase(t *testing.T, c engineCase, ctx *Dict) {
	t.Helper()
	start := time.Now()
	out, err := renderText(c.Template, ctx)
	if d := time.Since(start); d > patience {
		t.Errorf("%s: took %v", c.ID, d)
	}
	switch {
	case c.Any || c.Hostile != "":
	case c.Error != "":
		kind := string(KindOf(err))
		if err == nil {
			t.Errorf("%s: %.200q gave %.200q, want an error: %s %s", c.ID, c.Template, out, c.Error, c.Message)
		} else if kind != c.Error && (slices.Contains(strictKinds, c.Error) || slices.Contains(strictKinds, kind)) {
			t.Errorf("%s: %.200q: kind %s (%v), want %s %s", c.ID, c.Template, kind, err, c.Error, c.Message)
		}
	case err != nil:
		t.Errorf("%s: %.200q: %v, want %.200q", c.ID, c.Template, err, *c.Out)
	case out != *c.Out:
		t.Errorf("%s: %.200q\n got %.300q\nwant %.300q", c.ID, c.Template, out, *c.Out)
	}
}

func TestGoldenEngine(t *testing.T) {
	dir := filepath.Join(golden.Dir(t, "prompts"), "jinja-engine")
	var file struct {
		Context json.RawMessage
		Cases   []engineCase
	}
	readJSON(t, filepath.Join(dir, "cases.json"), &file)
	ctx := parseDict(t, file.Context)
	for _, c := range file.Cases {
		checkEngineCase(t, c, ctx)
	}
	golden.Report(t, "jinja-engine", len(file.Cases))
}

type templateFile struct {
	Template string
	Tokens   json.RawMessage
	Clock    string
	Cases    []struct {
		Conversation   string
		Vars           json.RawMessage
		Out            *string
		Error, Message string
	}
}

func TestGoldenTemplates(t *testing.T) {
	dir := filepath.Join(golden.Dir(t, "prompts"), "jinja")
	var convs []struct {
		ID              string
		Messages, Tools json.RawMessage
	}
	readJSON(t, filepath.Join(dir, "conversations.json"), &convs)
	byID := map[string]int{}
	for i, c := range convs {
		byID[c.ID] = i
	}
	files, _ := filepath.Glob(filepath.Join(dir, "cases", "*.json"))
	ran := 0
	for _, path := range files {
		var f templateFile
		readJSON(t, path, &f)
		source, err := os.ReadFile(filepath.Join(dir, f.Template))
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		tmpl, err := Parse(name, string(source))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		clock, err := time.Parse("2006-01-02T15:04:05", f.Clock)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range f.Cases {
			conv := convs[byID[c.Conversation]]
			ctx := templateContext(t, conv.Messages, conv.Tools, f.Tokens, c.Vars)
			ran++
			out, err := renderCase(tmpl, ctx, Options{Clock: func() time.Time { return clock }})
			id := name + "/" + c.Conversation + string(c.Vars)
			switch kind := string(KindOf(err)); {
			case c.Error == "security" && err == nil: // may be rendered
			case c.Error != "" && err == nil:
				t.Errorf("%s: gave %.200q, want an error: %s %s", id, out, c.Error, c.Message)
			case c.Error != "" && kind != c.Error && (slices.Contains(strictKinds, c.Error) || slices.Contains(strictKinds, kind)):
				t.Errorf("%s: kind %s (%v), want %s %s", id, kind, err, c.Error, c.Message)
			case c.Error == "" && err != nil:
				t.Errorf("%s: %v", id, err)
			case c.Error == "" && out != *c.Out:
				t.Errorf("%s:\n got %.600q\nwant %.600q", id, out, *c.Out)
			}
		}
	}
	golden.Report(t, "jinja", ran)
}

// templateContext builds the variables of a case as the reference does.
func templateContext(t *testing.T, messages, tools, tokens, vars json.RawMessage) *Dict {
	t.Helper()
	v, err := FromJSON(messages)
	if err != nil {
		t.Fatal(err)
	}
	ctx := NewDict().Set("messages", Mark(v)).Set("tools", None).Set("documents", None)
	if len(bytes.TrimSpace(tools)) > 0 && string(tools) != "null" {
		v, err := FromJSON(tools)
		if err != nil {
			t.Fatal(err)
		}
		ctx.Set("tools", Mark(v))
	}
	for _, raw := range []json.RawMessage{tokens, vars} {
		d := parseDict(t, raw)
		for i, k := range d.keys {
			ctx.Set(k.(Str).s, d.vals[i])
		}
	}
	return ctx
}

func renderCase(tmpl *Template, ctx *Dict, o Options) (string, error) {
	if v, _ := ctx.Get("continue_final_message"); v != true {
		return tmpl.RenderText(ctx, o)
	}
	segs, err := tmpl.RenderContinued(ctx, "content", o)
	out := ""
	for _, s := range segs {
		out += s.Text
	}
	return out, err
}
