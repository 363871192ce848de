package deepseek2

import (
	"errors"
	"fmt"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/machine/mem"
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/layers"
	"github.com/holdfast-llm/holdfast/internal/model/layers/ffn"
	"github.com/holdfast-llm/holdfast/internal/model/layers/head"
	"github.com/holdfast-llm/holdfast/internal/model/layers/mla"
	"github.com/holdfast-llm/holdfast/internal/model/layers/moe"
	"github.com/holdfast-llm/holdfast/internal/model/layers/weights"
)

// A Model is a loaded network with the memory to run it.
type Model struct {
	net     *network
	store   *weights.Store
	keys    *mem.Arena // transposed key matrices
	spec    model.CacheSpec
	env     *layers.Env
	attn    *mla.State
	hidden  *ffn.Buffers // nil without dense layers and shared experts
	experts *moe.State   // nil without experts
	head    *head.Head
	program func(w int) // forward, as a value that Run can take without allocating
	scratch int64
	derived int64
}

// load binds and loads a file.
func (s Spec) load(f *gguf.File, o model.Options) (model.Model, error) {
	c, err := s.config(f)
	if err != nil {
		return nil, err
	}
	b := weights.NewBinder(f, o.KeepMapped)
	net := bind(b, c)
	store, err := b.Load(o.Team, o.Progress)
	if err != nil {
		return nil, err
	}
	m, err := newModel(net, store, o)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return m, nil
}

func newModel(n *network, store *weights.Store, o model.Options) (*Model, error) {
	angles, err := n.angles()
	if err != nil {
		return nil, err
	}
	m := &Model{net: n, store: store, spec: n.cacheSpec(o, o.CacheElem), derived: n.derivedBytes(o)}
	if m.keys, err = mla.Transpose(n.attn, o.Exact, o.Team); err != nil {
		return nil, err
	}
	n.ready(o)
	s := n.sizes(o)
	m.env = layers.NewEnv(o, s.env)
	m.attn = mla.NewState(m.env, o, mla.Options{
		Config: n.cfg.Config, Dims: n.cfg.dims, Scale: n.cfg.scale, LatentEps: latentEps, Angles: angles, Spec: m.spec,
	}, n.attn)
	if s.width > 0 {
		m.hidden = ffn.NewBuffers(o, s.width)
	}
	if s.experts {
		m.experts = moe.NewState(o, n.cfg.Config, s.down)
	}
	m.head = head.New(n.output, n.outNorm, n.cfg.Eps)
	for i := range n.blocks {
		if x := n.blocks[i].moe; x != nil {
			x.Claims(m.env)
		}
	}
	m.scratch = n.scratchBytes(o, s)
	m.program = m.forward
	return m, nil
}

// derivedBytes is the memory of what is made from the weights at load time.
func (n *network) derivedBytes(o model.Options) int64 {
	b := int64(0)
	for _, l := range n.attn {
		b += l.TransposedBytes(o.Exact)
	}
	return b
}

// Config returns the sizes read from the file.
func (m *Model) Config() *model.Config { return m.net.cfg.Config }

// CacheSpec says how much cache memory a block of positions takes.
func (m *Model) CacheSpec() model.CacheSpec { return m.spec }

// Memory lists what the model has allocated.
func (m *Model) Memory() []model.MemoryPart {
	return append(m.store.Sizes().Parts(),
		model.MemoryPart{Name: "transposed keys", Bytes: m.derived},
		model.MemoryPart{Name: "scratch", Bytes: m.scratch},
		model.MemoryPart{Name: "logits", Bytes: m.head.Bytes()})
}

// Close frees the weights.
func (m *Model) Close() error {
	if err := errors.Join(m.store.Close(), m.keys.Free()); err != nil {
		return fmt.Errorf("model: %w", err)
	}
	return nil
}

// Forward computes every row of b.
func (m *Model) Forward(b *model.Batch) error {
	if err := m.env.Begin(b, m.net.cfg.Config, m.spec); err != nil {
		return err
	}
	m.attn.Begin(m.env, m.net.cfg.topK())
	m.attn.Reserve(m.env)
	b.Logits = m.head.Begin(m.env)
	m.env.Team.Run(m.program)
	return nil
}

// forward is the program of worker w.
func (m *Model) forward(w int) {
	e, n := m.env, m.net
	eps := n.cfg.Eps
	m.attn.Fill(e, w)
	e.Embed(w, n.embed)
	e.Trace(w, 0)
	for i := range n.blocks {
		l := &n.blocks[i]
		l.attn.Run(e, w, i, m.attn, l.attnNorm, eps)
		if l.moe != nil {
			l.moe.Run(e, w, i, m.experts, m.hidden, l.ffnNorm, eps)
		} else {
			acts := e.NormRows(w, l.dense.Kinds, l.ffnNorm, eps)
			l.dense.GateUp(e, w, acts, m.hidden)
			e.Barrier(w)
			e.Project(w, l.dense.Down, m.hidden.Hidden, nil)
		}
		e.Trace(w, i+1)
	}
	m.head.Run(e, w)
}

// plan says what load would allocate.
func (s Spec) plan(f *gguf.File, o model.Options) (*model.MemoryPlan, error) {
	c, err := s.config(f)
	if err != nil {
		return nil, err
	}
	b := weights.NewBinder(f, o.KeepMapped)
	n := bind(b, c)
	if err := b.Outline(); err != nil {
		return nil, err
	}
	n.ready(o)
	w := b.Sizes()
	scratch, logits, derived := n.scratchBytes(o, n.sizes(o)), head.Bytes(c.Vocab), n.derivedBytes(o)
	return &model.MemoryPlan{
		Config:  c.Config,
		Weights: w.Total() + derived,
		Mapped:  w.Mapped,
		Scratch: scratch + logits,
		Parts: append(w.Parts(),
			model.MemoryPart{Name: "transposed keys", Bytes: derived},
			model.MemoryPart{Name: "scratch", Bytes: scratch},
			model.MemoryPart{Name: "logits", Bytes: logits}),
		Cache: mla.CacheCosts(n.attn),
	}, nil
}
