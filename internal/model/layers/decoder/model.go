package decoder

import (
	"errors"
	"fmt"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/layers"
	"github.com/holdfast-llm/holdfast/internal/model/layers/attention"
	"github.com/holdfast-llm/holdfast/internal/model/layers/ffn"
	"github.com/holdfast-llm/holdfast/internal/model/layers/head"
	"github.com/holdfast-llm/holdfast/internal/model/layers/moe"
	"github.com/holdfast-llm/holdfast/internal/model/layers/weights"
)

// A Model is a loaded network with the memory to run it.
type Model struct {
	net     *network
	store   *weights.Store
	spec    model.CacheSpec
	env     *layers.Env
	attn    *attention.State
	hidden  *ffn.Buffers // nil without dense layers
	experts *moe.State   // nil without experts
	head    *head.Head
	program func(w int) // forward, as a value that Run can take without allocating
	scratch int64
	trim    bool // this batch drops rows without logits in the last layer
}

// load binds and loads a file.
func (s Spec) load(f *gguf.File, o model.Options) (model.Model, error) {
	c, err := s.config(f)
	if err != nil {
		return nil, err
	}
	b := weights.NewBinder(f, o.KeepMapped)
	net := s.bind(b, c)
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
	n.ready(o)
	s := n.sizes(o)
	m := &Model{net: n, store: store, spec: attention.CacheSpec(n.cfg, o.CacheElem, o.BlockTokens)}
	m.env = layers.NewEnv(o, s.env)
	m.attn = attention.NewState(m.env, o, n.cfg, n.style, angles)
	if s.width > 0 {
		m.hidden = ffn.NewBuffers(o, s.width)
	}
	if s.experts {
		m.experts = moe.NewState(o, n.cfg, s.down)
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

// Config returns the sizes read from the file.
func (m *Model) Config() *model.Config { return m.net.cfg }

// CacheSpec says how much cache memory a block of positions takes.
func (m *Model) CacheSpec() model.CacheSpec { return m.spec }

// Memory lists what the model has allocated.
func (m *Model) Memory() []model.MemoryPart {
	parts := m.store.Sizes().Parts()
	return append(parts, model.MemoryPart{Name: "scratch", Bytes: m.scratch}, model.MemoryPart{Name: "logits", Bytes: m.head.Bytes()})
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
	if err := m.env.Begin(b, m.net.cfg, m.spec); err != nil {
		return err
	}
	m.attn.Begin(m.env, m.net.cfg)
	m.trim = m.env.Trims()
	b.Logits = m.head.Begin(m.env)
	m.env.Team.Run(m.program)
	return nil
}

// forward is the program of worker w. The workers meet this often per layer:
//
//	                      few rows   in between   many rows per worker
//	norm, convert            -           1              1
//	q, k, v, rope, store     1           1              1
//	attention                1           1              1
//	convert, project         1           2              -
//	norm, convert            -           1              1
//	gate, up, SwiGLU         1           1              1
//	convert, project         1           2              -
//
// Few rows are those that every worker converts alone (layers.Env); teams of up to four
// have nothing in between. One more where heads do not share out evenly, and one where
// a long sequence's attention is split over the workers. Experts take three in place of
// the last three lines (router; gate and up; down). A test counts them: TestMeetings.
func (m *Model) forward(w int) {
	e, n := m.env, m.net
	m.attn.Fill(e, w)
	e.Embed(w, n.embed)
	e.Trace(w, 0)
	for i := range n.blocks {
		l := &n.blocks[i]
		acts := e.NormRows(w, l.attn.Kinds, l.attnNorm, n.cfg.Eps)
		l.attn.QKV(e, w, m.attn, acts)
		if m.trim && i == len(n.blocks)-1 {
			if len(e.Rows.Out) == 0 {
				return
			}
			l.attn.RunLast(e, w, i, m.attn)
			e.Trim(w, m.attn.Out, l.attn.Out.Cols)
		} else {
			l.attn.Run(e, w, i, m.attn)
		}
		e.Project(w, l.attn.Out, m.attn.Out, l.attn.OutBias)
		m.feedForward(w, i, l)
		e.Trace(w, i+1)
	}
	m.head.Run(e, w)
}

func (m *Model) feedForward(w, i int, l *block) {
	e, eps := m.env, m.net.cfg.Eps
	if l.moe != nil {
		l.moe.Run(e, w, i, m.experts, m.hidden, l.ffnNorm, eps)
		return
	}
	acts := e.NormRowsFine(w, l.dense.Kinds, l.dense.Fine, l.ffnNorm, eps)
	l.dense.GateUp(e, w, acts, m.hidden)
	l.dense.Project(e, w, m.hidden)
}
