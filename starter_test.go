package holdfast

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/golden"
)

// TestStarterChats talks with the starter model, if its file is there: the
// answer is about the question, and a second turn does not read the first again.
func TestStarterChats(t *testing.T) {
	path := filepath.Join(golden.ModuleRoot(t), "starter", "SmolLM2-135M-Instruct.Q4_1.gguf")
	if _, err := os.Stat(path); err != nil || testing.Short() {
		t.Skip("needs the starter model, and some seconds")
	}
	m, err := Open(path, WithContext(2048))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	s, err := m.NewSession(WithTemperature(0), WithMaxTokens(48))
	if err != nil {
		t.Fatal(err)
	}
	text, first := mustAnswer(t, s.Chat(background, "Why is the sea salty?"))
	if !strings.Contains(strings.ToLower(text), "salt") {
		t.Errorf("answer %q", text)
	}
	t.Logf("%q; prompt %.0f, answer %.0f tokens/s", text, first.PromptRate(), first.AnswerRate())
	_, second := mustAnswer(t, s.Chat(background, "And lakes?"))
	if want := first.Usage.PromptTokens; second.Usage.CachedTokens < want {
		t.Errorf("second turn: %+v, want at least the first prompt's %d tokens cached", second.Usage, want)
	}
	t.Logf("second turn: %+v", second.Usage)
}
