package deepseek4

import (
	"errors"
	"fmt"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/layers"
	"github.com/holdfast-llm/holdfast/internal/model/layers/csa"
	"github.com/holdfast-llm/holdfast/internal/model/layers/engram"
	"github.com/holdfast-llm/holdfast/internal/model/layers/ffn"
	"github.com/holdfast-llm/holdfast/internal/model/layers/head"
	"github.com/holdfast-llm/holdfast/internal/model/layers/hyper"
	"github.com/holdfast-llm/holdfast/internal/model/layers/moe"
	"github.com/holdfast-llm/holdfast/internal/model/layers/rope"
	"github.com/holdfast-llm/holdfast/internal/model/layers/weights"
)

// A Model is a loaded network with the memory to run it.
type Model struct {
	net     *network
	store   *weights.Store
	spec    model.CacheSpec
	env     *layers.Env
	streams *hyper.State
	attn    *csa.State
	hidden  *ffn.Buffers // nil without shared experts
	experts *moe.State
	engram  *engram.State // nil without
	head    *head.Head
	program func(w int) // forward, as a value that Run can take without allocating
	scratch int64
}

// load binds and loads a file.
func (s Spec) load(f *gguf.File, o model.Options) (model.Model, error) {
	c, err := s.config(f)
	if err != nil {
		return nil, err
	}
	b := weights.NewBinder(f, o.KeepMapped)
	net, err := bind(f, b, c)
	if err != nil {
		return nil, errors.Join(b.Err(), err)
	}
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
	if err := n.check(); err != nil {
		return nil, err
	}
	c := n.cfg
	short, err := rope.New(&c.short, nil)
	if err != nil {
		return nil, err
	}
	long, err := rope.New(&c.long, nil)
	if err != nil {
		return nil, err
	}
	long.SetMagnitude(1)
	m := &Model{net: n, store: store, spec: n.ready(o)}
	s := n.sizes(o)
	m.env = layers.NewEnv(o, s.env)
	m.streams = hyper.NewState(m.env, o, c.hyper, c.Embd, n.mixes(), n.collapse)
	m.attn = csa.NewState(m.env, o, csa.Options{
		Dims: c.dims, Eps: c.Eps, Short: short, Long: long, Spec: m.spec, Blocks: c.blocks,
	}, n.attn)
	if s.width > 0 {
		m.hidden = ffn.NewBuffers(o, s.width)
	}
	m.experts = moe.NewState(o, c.Config, s.down)
	if len(n.engrams) > 0 {
		m.engram = engram.NewState(m.env, o, n.engrams[0].Params, c.Embd, m.streams, n.engrams)
		m.engram.Token = m.attn.Token
	}
	m.head = head.New(n.output, n.outNorm, c.Eps)
	for i := range n.blocks {
		n.blocks[i].moe.Claims(m.env)
	}
	m.scratch = n.scratchBytes(o, s)
	m.program = m.forward
	return m, nil
}

// Config returns the sizes read from the file.
func (m *Model) Config() *model.Config { return m.net.cfg.Config }

// CacheSpec says how much cache memory a block of positions takes.
func (m *Model) CacheSpec() model.CacheSpec { return m.spec }

// Memory lists what the model has allocated.
func (m *Model) Memory() []model.MemoryPart {
	return append(m.net.parts(m.store.Sizes()),
		model.MemoryPart{Name: "scratch", Bytes: m.scratch},
		model.MemoryPart{Name: "logits", Bytes: m.head.Bytes()})
}

// Close frees the weights.
func (m *Model) Close() error {
	if err := m.store.Close(); err != nil {
		return fmt.Errorf("model: %w", err)
	}
	return nil
}

// Forward computes every row of b.
func (m *Model) Forward(b *model.Batch) error {
	if err := m.env.Begin(b, m.net.cfg.Config, m.spec); err != nil {
		return err
	}
	if err := m.attn.Begin(m.env); err != nil {
		return err
	}
	b.Logits = m.head.Begin(m.env)
	m.env.Team.Run(m.program)
	m.attn.End(m.env)
	return nil
}

// Jump makes a sequence's state one that goes on from position pos, whatever it
// was before. For measuring at a depth that nobody has computed.
func (m *Model) Jump(state []byte, pos int) { csa.SetPos(state, pos) }

// forward is the program of worker w.
func (m *Model) forward(w int) {
	e, n := m.env, m.net
	m.attn.Fill(e, w)
	e.Embed(w, n.embed)
	m.streams.Start(e, w, n.firstMix(0))
	m.streams.Trace(e, w, 0)
	for i := range n.blocks {
		l := &n.blocks[i]
		if l.engram != nil {
			l.engram.Run(e, w, i, m.engram, m.streams, &l.attnMix)
		}
		m.streams.Enter(e, w, &l.attnMix, &l.ffnMix)
		l.attn.Run(e, w, i, m.attn, l.attnNorm)
		m.streams.Leave(e, w)
		m.streams.Enter(e, w, &l.ffnMix, n.firstMix(i+1))
		l.moe.Run(e, w, i, m.experts, m.hidden, l.ffnNorm, n.cfg.Eps)
		m.streams.Leave(e, w)
		m.streams.Trace(e, w, i+1)
	}
	m.streams.Finish(e, w, n.collapse)
	m.head.Run(e, w)
}
