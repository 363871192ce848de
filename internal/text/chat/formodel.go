package chat

import (
	"errors"
	"fmt"
	"sync"
)

// ErrNoTemplate is returned when a model has no chat template: a base model,
// which completes text and does not answer.
var ErrNoTemplate = errors.New("the model has no chat template")

// ModelInfo is what choosing a format needs to know about a model.
type ModelInfo struct {
	Arch     string // general.architecture
	Name     string // general.name, for detection and messages
	Template string // the file's tokenizer.chat_template; empty if it has none

	// BOS, EOS, Pad and Unk are the texts of the special tokens; empty if the
	// model has none.
	BOS, EOS, Pad, Unk string
	// AddBOS says that a text must begin with BOS.
	AddBOS bool

	// HasToken reports whether the vocabulary has a token with this text; nil
	// means unknown.
	HasToken func(text string) bool
}

// Options change the choice of a format.
type Options struct {
	// Template replaces the model's own template, if not empty, and with it
	// any native dialect. The name of a registered dialect chooses that.
	Template string
	// Jinja keeps to the Jinja template even if a native dialect is known.
	Jinja bool
}

// dialect is a registered native format.
type dialect struct {
	name   string
	detect func(ModelInfo) bool
	make   func(ModelInfo) (Format, error)
}

var registry struct {
	sync.RWMutex
	list []dialect
}

// Register offers a native format. detect says whether it is the right one for
// a model; the first that says yes, in the order of registration, makes the
// format. A name is registered once.
func Register(name string, detect func(ModelInfo) bool, make func(ModelInfo) (Format, error)) {
	registry.Lock()
	defer registry.Unlock()
	for _, d := range registry.list {
		if d.name == name {
			panic("chat: dialect " + name + " registered twice")
		}
	}
	registry.list = append(registry.list, dialect{name, detect, make})
}

// Dialects returns the names of the registered native formats.
func Dialects() []string {
	registry.RLock()
	defer registry.RUnlock()
	names := make([]string, len(registry.list))
	for i, d := range registry.list {
		names[i] = d.name
	}
	return names
}

// findDialect returns the registered dialect with a name.
func findDialect(name string) (dialect, bool) {
	registry.RLock()
	defer registry.RUnlock()
	for _, d := range registry.list {
		if d.name == name {
			return d, true
		}
	}
	return dialect{}, false
}

// ForModel picks a model's format: the template of the options, a registered
// dialect that knows the model, or the model's own template. A model without
// any of them gives ErrNoTemplate. A format that does not know tools, or writes
// calls in a way that cannot be read back, gets them in a way of our own.
func ForModel(m ModelInfo, o Options) (Format, error) {
	if d, ok := findDialect(o.Template); ok {
		f, err := d.make(m)
		if err != nil {
			return nil, fmt.Errorf("chat: dialect %s: %w", d.name, err)
		}
		return orDefaultTools(f), nil
	}
	if o.Template != "" {
		m.Template = o.Template
		return withDefaultTools(m)
	}
	if !o.Jinja {
		registry.RLock()
		list := registry.list
		registry.RUnlock()
		for _, d := range list {
			if d.detect(m) {
				f, err := d.make(m)
				if err != nil {
					return nil, fmt.Errorf("chat: dialect %s: %w", d.name, err)
				}
				return orDefaultTools(f), nil
			}
		}
	}
	if m.Template == "" {
		return nil, fmt.Errorf("chat: %w: it is a base model, which continues text and does not answer; use raw completion, or give a template", ErrNoTemplate)
	}
	return withDefaultTools(m)
}

func withDefaultTools(m ModelInfo) (Format, error) {
	t, err := NewTemplate(m)
	if err != nil {
		return nil, err
	}
	return &defaultTools{inner: t, think: t.think, markup: true}, nil
}

func orDefaultTools(f Format) Format {
	i := f.Info()
	if i.Tools {
		return f
	}
	d := &defaultTools{inner: f}
	if i.Thinking {
		d.think = knownTags[0]
	}
	return d
}
