package holdfast

import (
	"cmp"
	"errors"
	"slices"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
	"github.com/holdfast-llm/holdfast/internal/text/tokenizer"
)

// Info describes a model.
type Info struct {
	Name         string
	Architecture string
	License      string
	Files        []string // the file, or the parts of a split one
	FileBytes    int64
	Parameters   int64 // elements of all tensors

	Layers, Embedding, Vocabulary int
	Heads, KVHeads                int // of the first layer
	Experts, ExpertsUsed          int // 0 for a dense model
	TrainedContext                int // tokens
	Context                       int // tokens that conversations have here

	Quantization string       // the type that holds most of the parameters
	Types        []TensorType // all of them, the largest share first

	Tokenizer    string // such as "gpt2 (llama-bpe)"
	ChatFormat   string // how prompts are made, empty if the model does not chat
	ChatTemplate string // the file's own template
	Tools        bool   // the format shows tools to the model
	Thinking     bool   // the format knows reasoning
	Warnings     []string

	// Memory lists what is allocated (of a model that is not loaded: what
	// would be), in bytes.
	Memory     []MemoryPart
	KVType     string
	KVPerToken int64 // bytes of cache per token of context
}

// A TensorType is a type and how much of a model is in it.
type TensorType struct {
	Name       string
	Tensors    int
	Parameters int64
	Bytes      int64
}

// A MemoryPart is one line of a memory report.
type MemoryPart struct {
	Name  string
	Bytes int64
}

// Info describes the model.
func (m *Model) Info() Info { return m.info.clone() }

// Inspect describes a model without loading its weights. The options say how it
// would be opened.
func Inspect(path string, opts ...Option) (Info, error) {
	c, err := newConfig(opts)
	if err != nil {
		return Info{}, err
	}
	f, err := gguf.Open(path)
	if err != nil {
		return Info{}, publicErr(err)
	}
	defer func() { _ = f.Close() }() // it was only read
	return inspect(f, c)
}

// InspectBytes is Inspect for a file in memory.
func InspectBytes(name string, data []byte, opts ...Option) (Info, error) {
	c, err := newConfig(opts)
	if err != nil {
		return Info{}, err
	}
	f, err := gguf.OpenBytes(name, data)
	if err != nil {
		return Info{}, publicErr(err)
	}
	defer func() { _ = f.Close() }() // it was only read
	return inspect(f, c)
}

func inspect(f *gguf.File, c *config) (Info, error) {
	c.chooseKV(f.Arch())
	plan, err := model.Plan(f, c.modelOptions(nil))
	if err != nil {
		return Info{}, publicErr(err)
	}
	t, err := tokenizer.FromGGUF(f)
	if err != nil {
		return Info{}, publicErr(err)
	}
	format, err := newFormat(f, t, c)
	if err != nil && !errors.Is(err, chat.ErrNoTemplate) {
		return Info{}, publicErr(err)
	}
	return *describe(f, t, format, plan, c), nil
}

// describe collects what is known of a model; the memory is the plan's.
func describe(f *gguf.File, t *tokenizer.Tokenizer, format chat.Format, plan *model.MemoryPlan, c *config) *Info {
	mc := plan.Config
	i := &Info{
		Name: mc.Name, Architecture: mc.Arch, Files: f.Paths(), FileBytes: f.Size(),
		Layers: mc.Layers, Embedding: mc.Embd, Vocabulary: mc.Vocab,
		Experts: mc.MoE.Experts, ExpertsUsed: mc.MoE.Used, TrainedContext: mc.Context,
		Context: c.contextOf(mc) / max(1, c.parallel), Tokenizer: t.Model(), Warnings: t.Warnings(),
		KVType: c.kv.String(), KVPerToken: plan.PerToken(c.kv),
	}
	i.License, _, _ = f.String("general.license") // a licence of another type is none
	i.ChatTemplate, _, _ = f.String("tokenizer.chat_template")
	if len(mc.Heads) > 0 {
		i.Heads, i.KVHeads = mc.Heads[0], mc.KVHeads[0]
	}
	if t.Pre() != "" {
		i.Tokenizer += " (" + t.Pre() + ")"
	}
	if format != nil {
		fi := format.Info()
		i.ChatFormat, i.Tools, i.Thinking = fi.Name, fi.Tools, fi.Thinking
	}
	i.Types = tensorTypes(f)
	for _, ty := range i.Types {
		i.Parameters += ty.Parameters
	}
	if len(i.Types) > 0 {
		i.Quantization = i.Types[0].Name
	}
	for _, p := range plan.Parts {
		i.Memory = append(i.Memory, MemoryPart(p))
	}
	i.Memory = append(i.Memory, MemoryPart{Name: "cache", Bytes: int64(c.contextOf(mc)) * i.KVPerToken})
	return i
}

func tensorTypes(f *gguf.File) []TensorType {
	byName := map[string]*TensorType{}
	for _, t := range f.Tensors() {
		name := t.Type.String()
		if byName[name] == nil {
			byName[name] = &TensorType{Name: name}
		}
		ty := byName[name]
		ty.Tensors++
		ty.Parameters += int64(t.Elems())
		ty.Bytes += t.Size
	}
	var out []TensorType
	for _, ty := range byName {
		out = append(out, *ty)
	}
	slices.SortFunc(out, func(a, b TensorType) int {
		return cmp.Or(cmp.Compare(b.Parameters, a.Parameters), cmp.Compare(a.Name, b.Name))
	})
	return out
}

func (i *Info) clone() Info {
	c := *i
	c.Files, c.Types = slices.Clone(i.Files), slices.Clone(i.Types)
	c.Memory, c.Warnings = slices.Clone(i.Memory), slices.Clone(i.Warnings)
	return c
}

// Stats are numbers of a model at work.
type Stats struct {
	Waiting, Running int    // answers that wait, and that are being made
	PromptTokens     uint64 // computed so far
	CachedTokens     uint64 // of prompts, not computed again
	AnswerTokens     uint64 // generated
	CacheTokens      int    // tokens that the cache has room for
	CacheUsed        int    // of them, held by running answers
	CacheKept        int    // of them, kept for prompts to come

	DiskTokens uint64 // of CachedTokens, those that were read from disk
	DiskBytes  int64  // taken by the folder of WithDiskCache
	DiskOff    string // why nothing more is written there, if so
}

// Stats returns the numbers as of the last step.
func (m *Model) Stats() Stats {
	s := m.eng.Stats()
	bt := m.model.CacheSpec().BlockTokens
	return Stats{
		Waiting: s.Queued, Running: s.Running, PromptTokens: s.PrefillTokens, CachedTokens: s.Cache.CachedTokens,
		DiskTokens: s.DiskTokens, DiskBytes: s.Disk.Bytes, DiskOff: s.Disk.Problem,
		AnswerTokens: s.Generated, CacheTokens: s.Cache.Blocks * bt, CacheUsed: s.Cache.Used * bt, CacheKept: s.Cache.Cached * bt,
	}
}
