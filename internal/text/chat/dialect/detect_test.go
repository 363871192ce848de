package dialect

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/golden"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// goldenTemplates returns the sources of the golden chat templates by name.
func goldenTemplates(t testing.TB) map[string]string {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(golden.Dir(t, "prompts"), "jinja", "templates", "*.jinja"))
	out := map[string]string{}
	for _, f := range files {
		source, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimSuffix(filepath.Base(f), ".jinja")] = string(source)
	}
	return out
}

// TestGoldenDetect picks the dialect of each golden template, and none for
// other families.
func TestGoldenDetect(t *testing.T) {
	want := map[string]string{
		"deepseek-ai-DeepSeek-V2":                  "deepseek-llm",
		"deepseek-ai-deepseek-coder-33b-instruct":  "deepseek-coder",
		"deepseek-ai-DeepSeek-V3":                  "deepseek-v3",
		"deepseek-ai-DeepSeek-R1-Distill-Llama-8B": "deepseek-r1",
		"deepseek-ai-DeepSeek-R1-Distill-Qwen-32B": "deepseek-r1",
		"deepseek-ai-DeepSeek-R1-0528":             "deepseek-r1-0528",
		"deepseek-ai-DeepSeek-V3.1":                "deepseek-v3.1",
		"deepseek-ai-DeepSeek-V3.1-official":       "deepseek-v3.1",
		"deepseek-ai-DeepSeek-V3.2":                "deepseek-v3.2",
		"deepseek-ai-DeepSeek-V4":                  "deepseek-v4-april",
		"deepseek-ai-DeepSeek-V4-Flash-0731":       "deepseek-v4",
		"llama-cpp-deepseek-r1":                    "deepseek-r1",
	}
	templates := goldenTemplates(t)
	for name, source := range templates {
		if got := Detect(chat.ModelInfo{Template: source}); got != want[name] {
			t.Errorf("%s: got %q, want %q", name, got, want[name])
		}
	}
	golden.Report(t, "templates", len(templates))
}

func TestDetect(t *testing.T) {
	f := func(m chat.ModelInfo, want string) {
		t.Helper()
		if got := Detect(m); got != want {
			t.Errorf("%+v: got %q, want %q", m, got, want)
		}
	}
	f(chat.ModelInfo{}, "")
	f(chat.ModelInfo{Arch: "deepseek2"}, "") // a base model
	f(chat.ModelInfo{Arch: "llama", Template: "{{ messages[0].content }}"}, "")
	f(chat.ModelInfo{Arch: "deepseek32"}, "deepseek-v3.2")
	f(chat.ModelInfo{Arch: "deepseek4"}, "deepseek-v4")
	f(chat.ModelInfo{Arch: "deepseek41"}, "deepseek-v4.1")
	f(chat.ModelInfo{Arch: "deepseek4", Template: "<|im_start|>{{ messages[0].content }}"}, "") // somebody else's format
	f(chat.ModelInfo{Template: `{{ "<｜DSML｜ calls>" }}`}, "deepseek-v4.1")
	// V3.2-Exp kept V3.1's template.
	f(chat.ModelInfo{Arch: "deepseek32", Template: `{% if thinking %}{{ '<｜Assistant｜><think>' }}{% else %}{{ '<｜Assistant｜></think>' }}{% endif %}`}, "deepseek-v3.1")
	// Edited: other quotes, a newline in place of \n, another name of the text.
	f(chat.ModelInfo{Template: "{{ \"<｜User｜>\" + m.content }}{{ \"<｜Assistant｜><think>\n\" }}"}, "deepseek-r1")
	f(chat.ModelInfo{Template: `{{ "<｜User｜>" ~ text ~ "<｜Assistant｜>" }}{% if '</think>' in text %}{% endif %}`}, "deepseek-r1-0528")
	f(chat.ModelInfo{Template: `{{ '<｜User｜>' + x }}{{ '<｜Assistant｜>' }}`}, "deepseek-v3")
	const llm = `{{ 'User: ' + m.content }}{{ 'Assistant: ' + m.content + eos_token }}`
	f(chat.ModelInfo{Template: llm, BOS: tokBegin}, "deepseek-llm")
	f(chat.ModelInfo{Template: llm, BOS: "<s>"}, "")
	f(chat.ModelInfo{Template: llm, HasToken: func(string) bool { return false }}, "")
}

func TestRegistered(t *testing.T) {
	have := map[string]bool{}
	for _, name := range chat.Dialects() {
		have[name] = true
	}
	for _, name := range Names() {
		if !have[name] {
			t.Errorf("%s is not registered", name)
		}
		format, err := chat.ForModel(chat.ModelInfo{}, chat.Options{Template: name})
		if err != nil || format.Info().Name != name {
			t.Errorf("--template %s: %v, %v", name, format, err)
		}
	}
	format, err := chat.ForModel(chat.ModelInfo{Arch: "deepseek4"}, chat.Options{})
	if err != nil || format.Info().Name != "deepseek-v4" {
		t.Errorf("by architecture: %v, %v", format, err)
	}
	if _, err := New("deepseek-v5"); err == nil {
		t.Error("an unknown name is accepted")
	}
}
