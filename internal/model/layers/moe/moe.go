// Package moe computes mixtures of experts.
//
// The rows of a batch are sorted by expert, so that each expert's weights are
// read once for all its rows, and the row groups of all active experts are
// handed out to whoever is free: experts get unequal numbers of rows, and a
// fixed split would leave workers waiting.
//
// The weight of an expert is multiplied into its hidden units, before the down
// projection, which is linear. The results are then only added: first the
// shared experts, then the routed ones in ascending order, whatever the batch.
package moe

import (
	"github.com/holdfast-llm/holdfast/internal/machine/par"
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/layers"
	"github.com/holdfast-llm/holdfast/internal/model/layers/ffn"
	"github.com/holdfast-llm/holdfast/internal/model/layers/weights"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/vec"
)

// An MoE is the feed-forward of one layer.
type MoE struct {
	Router Router
	Gate   *matmul.Matrix // [Experts] x [embd] router, always with float32 activations

	GateExps, UpExps []*matmul.Matrix // [Experts] of [FF] x [embd]
	DownExps         []*matmul.Matrix // [Experts] of [embd] x [FF]
	Shared           *ffn.FFN         // nil without shared experts
	Clamp            float32          // of the routed experts, see ffn.Rows
	// Fixed, if not nil, names each token's experts; the router only weighs them.
	Fixed []float32 // [vocab][Used] expert numbers

	Kinds   layers.Kinds // of activations that the normalised rows are needed in
	upClaim *par.Claim
}

// Bind declares the tensors of a layer; prefix is "blk.0.".
func (m *MoE) Bind(b *weights.Binder, prefix string, embd int, c *model.MoE) {
	m.Router.MoE = *c
	b.Matrix(&m.Gate, prefix+"ffn_gate_inp.weight", c.Experts, embd)
	b.OptVector(&m.Router.Bias, b.FirstOf(prefix+"exp_probs_b.bias", prefix+"exp_probs_b"), c.Experts)
	if fused := prefix + "ffn_gate_up_exps.weight"; b.Has(fused) {
		b.ViewsOf(&m.GateExps, fused, c.Experts, c.FF, embd, 0, 2*c.FF)
		b.ViewsOf(&m.UpExps, fused, c.Experts, c.FF, embd, c.FF, 2*c.FF)
	} else {
		b.Experts(&m.GateExps, prefix+"ffn_gate_exps.weight", c.Experts, c.FF, embd)
		b.Experts(&m.UpExps, prefix+"ffn_up_exps.weight", c.Experts, c.FF, embd)
	}
	b.Experts(&m.DownExps, prefix+"ffn_down_exps.weight", c.Experts, embd, c.FF)
	if c.Shared > 0 {
		m.Shared = &ffn.FFN{}
		m.Shared.Bind(b, prefix+"ffn_", "_shexp", embd, c.SharedFF)
	}
}

// Ready finishes the layer after its weights are there.
func (m *MoE) Ready(exact bool) {
	m.Kinds = layers.Kinds{matmul.F32}.Add(exact, m.GateExps[0], m.UpExps[0])
	if m.Shared != nil {
		m.Shared.Ready(exact)
		m.Kinds = m.Kinds.With(m.Shared.Kinds...)
	}
}

// Claims gives the layer its work counter.
func (m *MoE) Claims(e *layers.Env) {
	m.upClaim = e.NewClaim()
}

// Run adds the layer's result to the residual stream. norm and eps are those of
// the norm before it. Afterwards every worker may use all rows.
func (m *MoE) Run(e *layers.Env, w, layer int, st *State, shared *ffn.Buffers, norm []float32, eps float32) {
	acts := m.route(e, w, layer, st, norm, eps)
	p, n := st.workers[w].plan, e.N()*m.Router.Used
	c := st.choices(e, w)
	p.make(c.experts[:n], c.weights[:n], m.Router.Used)
	m.gateUp(e, w, st, p, acts)
	if m.Shared != nil {
		m.gateUpShared(e, w, st, acts, shared)
	}
	e.Barrier(w)
	m.down(e, w, st, p)
}

// route normalises and converts the rows and chooses their experts. Afterwards
// the worker's view of the choices is complete.
func (m *MoE) route(e *layers.Env, w, layer int, st *State, norm []float32, eps float32) *matmul.Acts {
	n, experts := e.N(), m.Router.Experts
	acts := e.NormOwn(w, m.Kinds, norm, eps)
	_, lo, hi := e.Converts(w)
	if e.Private() {
		g0, g1 := e.Share(w, m.Gate.Groups())
		matmul.Mul(st.logits, experts, m.Gate, g0, g1, acts, matmul.F32, nil, n, e.Scratch(w))
		e.Barrier(w)
	} else {
		matmul.Mul(st.logits[lo*experts:], experts, m.Gate, 0, m.Gate.Groups(), acts, matmul.F32, e.RowList(lo, hi), hi-lo, e.Scratch(w))
	}
	used, c := m.Router.Used, st.choices(e, w)
	for r := lo; r < hi; r++ {
		chosen, weights := c.experts[r*used:(r+1)*used], c.weights[r*used:(r+1)*used]
		if m.Fixed != nil {
			at := int(e.Rows.Token[r]) * used
			m.Router.Weigh(st.workers[w].route, chosen, weights, st.logits[r*experts:(r+1)*experts], m.Fixed[at:at+used])
			continue
		}
		m.Router.Route(st.workers[w].route, chosen, weights, st.logits[r*experts:(r+1)*experts])
	}
	if !e.Private() {
		e.Barrier(w)
	}
	m.trace(e, w, layer, c)
	return acts
}

// trace shows the choices to the batch's TraceRouting, if it has one.
func (m *MoE) trace(e *layers.Env, w, layer int, c *choices) {
	trace := e.Rows.Batch.TraceRouting
	if trace == nil {
		return
	}
	if w == 0 {
		used := m.Router.Used
		for r := range e.N() {
			trace(layer, r, c.experts[r*used:(r+1)*used], c.weights[r*used:(r+1)*used])
		}
	}
	e.Barrier(w)
}

// gateUp computes the hidden units of all slots, each times its expert's weight.
// The row groups of all experts are handed out one after the other.
func (m *MoE) gateUp(e *layers.Env, w int, st *State, p *plan, acts *matmul.Acts) {
	groups := m.GateExps[0].Groups()
	for {
		lo, hi, ok := e.NextUneven(m.upClaim, groups*len(p.active))
		if !ok {
			return
		}
		for lo < hi {
			x, from := p.active[lo/groups], lo%groups
			to := min(from+hi-lo, groups)
			m.gateUpExpert(e, w, st, p, x, acts, from, to)
			lo += to - from
		}
	}
}

// gateUpExpert is gateUp for the row groups [lo, hi) of one expert. Who finishes an
// expert also converts its slots.
func (m *MoE) gateUpExpert(e *layers.Env, w int, st *State, p *plan, x int32, acts *matmul.Acts, lo, hi int) {
	ff, groups := m.Router.FF, m.GateExps[x].Groups()
	s0, s1 := p.slots(x)
	rows := ffn.Rows{Acts: acts, List: p.row[s0:s1], N: s1 - s0, Clamp: m.Clamp}
	rows.GateUp(e, w, m.GateExps[x], m.UpExps[x], st.hidden[s0*ff:], st.up[s0*ff:], lo, hi)
	from, to := lo*matmul.Group, min(hi*matmul.Group, ff)
	for s := s0; s < s1; s++ {
		vec.Scale(st.hidden[s*ff+from:s*ff+to], p.weight[s])
	}
	if st.done[x].Add(int32(hi-lo)) < int32(groups) {
		return
	}
	st.done[x].Store(0)
	kind := m.DownExps[x].Kind(e.Exact)
	for s := s0; s < s1; s++ {
		st.acts.Set(kind, s, st.hidden[s*ff:(s+1)*ff])
	}
}

// minOutputs and maxOutputs, divided by the rows, bound how many row groups of
// outputs of all experts are computed before they are added up: they should stay in
// a second-level cache.
const (
	minOutputs = 8
	maxOutputs = 1 << 10
)

// down projects the shared experts' hidden units and then those of all slots into
// the residual stream. A worker computes all experts of the outputs that it
// claims, so the additions need no order from outside.
func (m *MoE) down(e *layers.Env, w int, st *State, p *plan) {
	claim, groups := e.Claim(w), m.DownExps[0].Groups()
	for {
		lo, hi, ok := e.NextOutputs(claim, groups)
		if !ok {
			break
		}
		if d := m.Shared; d != nil {
			matmul.MulAdd(e.X, e.Embd, d.Down, lo, hi, st.sharedActs, d.Down.Kind(e.Exact), nil, e.N(), e.Scratch(w))
		}
		step := max(minOutputs, maxOutputs/e.N())
		for g := lo; g < hi; g += step {
			m.downExperts(e, w, st, p, g, min(g+step, hi))
		}
		e.DoneOutputs(w, lo, hi)
	}
	e.EndOutputs(w)
}

// downExperts adds the row groups [lo, hi) of all experts to their rows, in the
// experts' order.
func (m *MoE) downExperts(e *layers.Env, w int, st *State, p *plan, lo, hi int) {
	kind, used := m.DownExps[0].Kind(e.Exact), m.Router.Used
	if e.N() == 1 {
		for s, x := range p.active { // one slot each
			matmul.MulAdd(e.X, e.Embd, m.DownExps[x], lo, hi, st.acts, kind, st.slotList[s:s+1], 1, e.Scratch(w))
		}
		return
	}
	for _, x := range p.active {
		s0, s1 := p.slots(x)
		matmul.Mul(st.out[s0*e.Embd:], e.Embd, m.DownExps[x], lo, hi, st.acts, kind, st.slotList[s0:s1], s1-s0, e.Scratch(w))
	}
	from, to := lo*matmul.Group, min(hi*matmul.Group, e.Embd)
	for r := range e.N() {
		for _, s := range p.slot[r*used : (r+1)*used] {
			vec.Add(e.X[r*e.Embd+from:r*e.Embd+to], st.out[int(s)*e.Embd+from:int(s)*e.Embd+to])
		}
	}
}
