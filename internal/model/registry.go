package model

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/attend"
)

// An Architecture is what a model package registers: how to load a file of its
// kind, and how to say what that would cost without doing it.
type Architecture struct {
	Load func(f *gguf.File, o Options) (Model, error)
	Plan func(f *gguf.File, o Options) (*MemoryPlan, error)
	// BF16Cache says that the cache holds latents, or what was compressed from them:
	// half precision overflows on those of DeepSeek-V3, and products of bf16 rows are
	// faster where processors have them.
	BF16Cache bool
}

var registry struct {
	sync.Mutex
	archs map[string]Architecture
}

// Register makes an architecture known under its GGUF name. It is called from
// init functions; a name that is taken is a programmer's mistake and panics.
func Register(arch string, a Architecture) {
	registry.Lock()
	defer registry.Unlock()
	if _, dup := registry.archs[arch]; dup {
		panic("model: architecture " + arch + " registered twice")
	}
	if registry.archs == nil {
		registry.archs = map[string]Architecture{}
	}
	registry.archs[arch] = a
}

// DefaultCache returns the element type of an architecture's cache where nobody
// asks for one: bf16 for latents, f16 for keys and values, whose rounding is an
// eighth of bf16's.
func DefaultCache(arch string) attend.Elem {
	registry.Lock()
	defer registry.Unlock()
	if registry.archs[arch].BF16Cache {
		return attend.BF16
	}
	return attend.F16
}

// Architectures returns the registered names, sorted.
func Architectures() []string {
	registry.Lock()
	defer registry.Unlock()
	names := make([]string, 0, len(registry.archs))
	for name := range registry.archs {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Supported reports whether an architecture is registered.
func Supported(arch string) bool {
	registry.Lock()
	defer registry.Unlock()
	_, ok := registry.archs[arch]
	return ok
}

// An UnsupportedError says that no registered architecture runs a file.
type UnsupportedError struct {
	Arch      string   // what the file says, may be empty
	Supported []string // what there is, sorted
}

// Error names the architecture and lists the supported ones.
func (e *UnsupportedError) Error() string {
	list := strings.Join(e.Supported, ", ")
	if e.Arch == "" {
		return "model: the file has no general.architecture key, so it is no language model; supported are: " + list
	}
	return fmt.Sprintf("model: architecture %q is not supported; supported are: %s", e.Arch, list)
}

// Load loads the weights of a file and returns a model that is ready to run.
// The file must stay open as long as the model if o.KeepMapped is set.
func Load(f *gguf.File, o Options) (Model, error) {
	a, err := lookup(f)
	if err != nil {
		return nil, err
	}
	if o.Team == nil {
		return nil, fmt.Errorf("model: no worker team to run on")
	}
	return a.Load(f, o.WithDefaults())
}

// Plan computes what Load would allocate, without loading. o.Team may be nil;
// then o.Workers says how many workers there would be.
func Plan(f *gguf.File, o Options) (*MemoryPlan, error) {
	a, err := lookup(f)
	if err != nil {
		return nil, err
	}
	return a.Plan(f, o.WithDefaults())
}

func lookup(f *gguf.File) (Architecture, error) {
	registry.Lock()
	a, ok := registry.archs[f.Arch()]
	registry.Unlock()
	if !ok {
		return Architecture{}, &UnsupportedError{Arch: f.Arch(), Supported: Architectures()}
	}
	return a, nil
}
