package library

import (
	"errors"
	"fmt"

	"github.com/holdfast-llm/holdfast/internal/engine/diskcache"
	"github.com/holdfast-llm/holdfast/internal/engine/diskcache/identity"
	"github.com/holdfast-llm/holdfast/internal/engine/engine"
	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/machine/par"
	"github.com/holdfast-llm/holdfast/internal/model"
	_ "github.com/holdfast-llm/holdfast/internal/model/all" // the architectures
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/attend"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
	"github.com/holdfast-llm/holdfast/internal/text/tokenizer"
)

// defaultContext is the context of a request unless told otherwise, if the model
// was trained for as much.
const defaultContext = 8192

// leastContext is the shortest context that a model is loaded with when memory
// is short and nobody asked for a certain one.
const leastContext = 512

// A Loaded is a model in memory. Close frees it.
type Loaded struct {
	LLM   *llm.Model
	Close func() error
}

// An Opener knows how to describe and load a source. Tests have their own.
type Opener interface {
	// Describe reads a source without loading weights.
	Describe(s *Source) (*Description, error)
	// Load loads it with a context that Describe's numbers said would fit.
	Load(s *Source, context int, obs engine.Observer) (*Loaded, error)
}

// A Description is what is known of a model before it is loaded.
type Description struct {
	Arch       string
	FullName   string // general.name
	Parameters int64
	Trained    int // context that it was trained for
	Vocab      int
	FileType   string // the most frequent type of its matrices
	Template   string // its chat template, may be empty
	Format     chat.FormatInfo
	Chat       bool  // it has a prompt format
	Insert     bool  // it has tokens for filling in the middle
	Base       int64 // bytes of weights and scratch
	PerToken   int64 // bytes of cache per position
	Licence    string
}

// A GGUF opens sources as GGUF files and runs them on one team of workers.
type GGUF struct {
	Team *par.Team
	KV   attend.Elem
	// DefaultKV takes each architecture's own element type instead of KV.
	DefaultKV bool
	Parallel  int // sequences of full length
	Exact     bool
	// Deterministic is model.Options' of that name.
	Deterministic bool
	Queue         int // requests that may wait; 0 is the engine's default
	// DiskDir and DiskBytes keep what was computed of prompts in a folder, for
	// after a restart; "" keeps nothing. It is shared by all models.
	DiskDir   string
	DiskBytes int64
	Warn      func(error) // told of what goes wrong beside the answers, such as a full disk; may be nil
}

// Describe reads metadata only.
func (g *GGUF) Describe(s *Source) (d *Description, err error) {
	f, err := open(s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	plan, err := model.Plan(f, g.options(f))
	if err != nil {
		return nil, err
	}
	t, err := tokenizer.FromGGUF(f)
	if err != nil {
		return nil, err
	}
	d = &Description{
		Arch: f.Arch(), Trained: plan.Config.Context, Vocab: t.Size(),
		Base: plan.Total(), PerToken: plan.PerToken(g.kv(f)),
	}
	// Keys of another type than expected are as good as absent here.
	d.FullName, _, _ = f.String("general.name")
	d.Licence, _, _ = f.String("general.license")
	d.Template, _, _ = f.String("tokenizer.chat_template")
	d.Parameters, d.FileType = count(f)
	_, _, _, d.Insert = t.FIM()
	format, err := newFormat(f, t)
	if err != nil && !errors.Is(err, chat.ErrNoTemplate) {
		return nil, err
	}
	if format != nil {
		d.Format, d.Chat = format.Info(), true
	}
	return d, nil
}

// Load loads the weights and starts an engine.
func (g *GGUF) Load(s *Source, context int, obs engine.Observer) (*Loaded, error) {
	f, err := open(s)
	if err != nil {
		return nil, err
	}
	l, err := g.load(f, context, obs)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return l, nil
}

func (g *GGUF) load(f *gguf.File, context int, obs engine.Observer) (*Loaded, error) {
	t, err := tokenizer.FromGGUF(f)
	if err != nil {
		return nil, err
	}
	format, err := newFormat(f, t)
	if err != nil && !errors.Is(err, chat.ErrNoTemplate) {
		return nil, err
	}
	m, err := model.Load(f, g.options(f))
	if err != nil {
		return nil, err
	}
	disk, closeDisk, err := g.disk(f, m)
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	eng, err := engine.New(engine.Config{
		Model: m, Context: context, Parallel: max(1, g.Parallel), MaxRows: model.DefaultMaxRows, Queue: g.Queue, Disk: disk, Observer: obs,
	})
	if err != nil {
		return nil, errors.Join(err, closeDisk(), m.Close())
	}
	return &Loaded{
		LLM:   llm.New(eng, t, format),
		Close: func() error { return errors.Join(eng.Close(), closeDisk(), m.Close(), f.Close()) },
	}, nil
}

// disk opens the folder that keeps what was computed of prompts. A folder that
// cannot be used is worth a warning, not the model.
func (g *GGUF) disk(f *gguf.File, m model.Model) (*diskcache.Store, func() error, error) {
	none := func() error { return nil }
	if g.DiskDir == "" {
		return nil, none, nil
	}
	id, err := identity.Of(f, m.CacheSpec(), g.kv(f), g.Exact, g.Deterministic)
	if err != nil {
		return nil, none, err
	}
	d, err := diskcache.Open(diskcache.Config{Dir: g.DiskDir, MaxBytes: g.DiskBytes, Identity: id, Warn: g.Warn})
	if err != nil {
		if g.Warn != nil {
			g.Warn(err)
		}
		return nil, none, nil
	}
	return d, d.Close, nil
}

func (g *GGUF) kv(f *gguf.File) attend.Elem {
	if g.DefaultKV {
		return model.DefaultCache(f.Arch())
	}
	return g.KV
}

func (g *GGUF) options(f *gguf.File) model.Options {
	o := model.Options{Team: g.Team, CacheElem: g.kv(f), Exact: g.Exact, Deterministic: g.Deterministic}
	return o.WithDefaults()
}

func open(s *Source) (*gguf.File, error) {
	if s.Data != nil {
		return gguf.OpenBytes(s.Path, s.Data)
	}
	return gguf.Open(s.Path)
}

// newFormat picks the prompt format of a model.
func newFormat(f *gguf.File, t *tokenizer.Tokenizer) (chat.Format, error) {
	template, _, err := f.String("tokenizer.chat_template")
	if err != nil {
		return nil, fmt.Errorf("library: %w", err)
	}
	name, _, _ := f.String("general.name") // a name of another type is no name
	info := chat.ModelInfo{
		Arch: f.Arch(), Name: name, Template: template, AddBOS: t.AddBOS(),
		HasToken: func(text string) bool { _, ok := t.Lookup(text); return ok },
	}
	if id, ok := t.BOS(); ok {
		info.BOS = t.Piece(id)
	}
	if id, ok := t.EOS(); ok {
		info.EOS = t.Piece(id)
	}
	return chat.ForModel(info, chat.Options{})
}

// count returns the number of weights, and the type that most of them have.
func count(f *gguf.File) (n int64, fileType string) {
	byType := map[string]int64{}
	for _, t := range f.Tensors() {
		e := int64(1)
		for _, d := range t.Dims {
			e *= int64(d)
		}
		n += e
		byType[t.Type.String()] += e
	}
	var most int64
	for name, e := range byType {
		if e > most || e == most && name < fileType {
			most, fileType = e, name
		}
	}
	return n, fileType
}
