// Package servertest has models that say what a test wants, for tests of the
// APIs.
package servertest

import (
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-llm/holdfast/internal/engine/engine"
	"github.com/holdfast-llm/holdfast/internal/engine/engine/enginetest"
	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
	"github.com/holdfast-llm/holdfast/internal/text/tokenizer"
)

// Templates of chats, for a Model's Template.
const (
	ChatML = `{% for m in messages %}<|im_start|>{{ m.role }}
{{ m.content }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}`
	// Thinking opens the reasoning in the prompt.
	Thinking = ChatML + `{% if add_generation_prompt %}<think>
{% endif %}{# </think> #}`
	// Tools is recognised as DeepSeek-V3.1's, which has a native dialect with
	// tools; see Calls.
	Tools = `{% if thinking %}{% endif %}<｜User｜><｜Assistant｜></think>`
)

// Calls returns what a model with the template Tools says to call functions;
// texts are pairs of name and arguments.
func Calls(texts ...string) string {
	var s strings.Builder
	s.WriteString("<｜tool▁calls▁begin｜>")
	for i := 0; i < len(texts); i += 2 {
		s.WriteString("<｜tool▁call▁begin｜>" + texts[i] + "<｜tool▁sep｜>" + texts[i+1] + "<｜tool▁call▁end｜>")
	}
	return s.String() + "<｜tool▁calls▁end｜>"
}

// A Model answers every prompt with the same text. Fields are set before use.
type Model struct {
	Template string        // "" is ChatML
	Answer   string        // the text; with Endless it never ends
	Endless  bool          // the answer goes on with dots
	Delay    time.Duration // of each step
	Context  int           // 0 is 4096
	Queue    int           // 0 is the engine's default

	Fake *enginetest.Model // the last one that was loaded

	mu     sync.Mutex
	prompt int // its length, 0 when not known
	loads  int
}

// Loads returns how often the model was loaded.
func (m *Model) Loads() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.loads
}

// Next makes ready for a prompt of another length. Answers to prompts of one
// length can be made at the same time.
func (m *Model) Next() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.prompt = 0
}

func (m *Model) context() int {
	if m.Context == 0 {
		return 4096
	}
	return m.Context
}

// Tokenizer returns a small vocabulary: all bytes, some merges, ChatML's tags.
// root is the module's folder.
func Tokenizer(t testing.TB, root string) *tokenizer.Tokenizer {
	t.Helper()
	f, err := gguf.Open(filepath.Join(root, "test/vectors/goldens/models/quant-llama-64-q4_1/model.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // read only
	tok, err := tokenizer.FromGGUF(f)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// An Opener opens Models by the names of their sources.
type Opener struct {
	Models map[string]*Model
	tok    *tokenizer.Tokenizer
}

// Describe describes a model that takes a megabyte, and 64 bytes per position.
func (o *Opener) Describe(s *library.Source) (*library.Description, error) {
	m := o.Models[s.Name]
	if m == nil {
		return nil, errors.New("servertest: broken file")
	}
	return &library.Description{
		Arch: "fake", FullName: "Fake " + s.Name, Parameters: 1e6, Trained: m.context(), Vocab: o.tok.Size(), FileType: "q8_0",
		Chat: true, Base: 1 << 20, PerToken: 64,
	}, nil
}

// Load starts an engine on a fake model.
func (o *Opener) Load(s *library.Source, context int, obs engine.Observer) (*library.Loaded, error) {
	m := o.Models[s.Name]
	fake := enginetest.New(o.tok.Size(), m.context(), 16, false)
	fake.Delay, fake.Say = m.Delay, m.say(o.tok)
	e, err := engine.New(engine.Config{Model: fake, Context: context, Parallel: 4, Usable: 1 << 30, Queue: m.Queue, Observer: obs})
	if err != nil {
		return nil, err
	}
	template := m.Template
	if template == "" {
		template = ChatML
	}
	format, err := chat.ForModel(chat.ModelInfo{Template: template}, chat.Options{})
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.loads++
	m.Fake = fake
	return &library.Loaded{LLM: llm.New(e, o.tok, format), Close: e.Close}, nil
}

// say returns the token after n: those of the answer, counted from the first
// length that is asked about.
func (m *Model) say(tok *tokenizer.Tokenizer) func(n int) int32 {
	ids := tok.Encode(nil, tokenizer.Span{Text: m.Answer})
	end, dot := tok.EOG()[0], tok.Encode(nil, tokenizer.Span{Text: "."})[0]
	return func(n int) int32 {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.prompt == 0 {
			m.prompt = n
		}
		i := n - m.prompt
		switch {
		case i >= 0 && i < len(ids):
			return ids[i]
		case m.Endless:
			return dot
		}
		return end
	}
}

// Manager returns a manager of models, which are closed with the test. root is
// the module's folder.
func Manager(t testing.TB, root string, models map[string]*Model, o library.Options) *library.Manager {
	t.Helper()
	o.Opener = &Opener{Models: models, tok: Tokenizer(t, root)}
	if o.Keep == 0 {
		o.Keep = -1
	}
	if o.Memory == 0 {
		o.Memory = 1 << 30
	}
	m := library.New(o)
	for _, name := range slices.Sorted(maps.Keys(models)) {
		s := library.Source{Name: name, Data: []byte{0}, Created: time.Unix(1_700_000_000, 0)}
		if err := m.Add(s); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Errorf("servertest: %v", err)
		}
	})
	return m
}
