package attention

import (
	"github.com/holdfast-llm/holdfast/internal/model/layers"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/vec"
)

// QKV computes queries, keys and values of all rows, rotates them and stores
// keys and values in the cache. A unit is one head of q, k or v. Where heads are
// whole groups and share out evenly, a worker finishes the heads that it
// projected; otherwise the workers meet in between. It ends with a barrier.
func (l *Layer) QKV(e *layers.Env, w int, st *State, acts *matmul.Acts) {
	units := l.Heads + 2*l.KVHeads
	byHeads := l.byHeads(e.Workers())
	if !byHeads {
		lo, hi := e.Share(w, l.groups())
		l.project(e, w, st, acts, lo, hi)
		e.Barrier(w)
	}
	claim := e.Claim(w)
	for {
		lo, hi, ok := e.Next(claim, units)
		if !ok {
			break
		}
		if byHeads {
			l.project(e, w, st, acts, l.groupOf(lo), l.groupOf(hi))
		}
		for u := lo; u < hi; u++ {
			l.finish(e, st, u)
		}
	}
	e.Barrier(w)
}

// byHeads reports whether the projections can be split by heads.
func (l *Layer) byHeads(workers int) bool {
	if l.KeyDim%matmul.Group != 0 || l.ValueDim%matmul.Group != 0 {
		return false
	}
	units := l.Heads + 2*l.KVHeads
	most := (units + workers - 1) / workers
	return most*workers*8 <= units*9
}

// groups returns the number of row groups of all projections.
func (l *Layer) groups() int {
	n := 0
	for _, s := range l.in {
		n += s.m.Groups()
	}
	return n
}

// groupOf returns the first group of a unit, counted over all projections.
func (l *Layer) groupOf(unit int) int {
	keys := min(unit, l.Heads+l.KVHeads)
	return (keys*l.KeyDim + (unit-keys)*l.ValueDim) / matmul.Group
}

// project computes the row groups [lo, hi), counted over all projections.
func (l *Layer) project(e *layers.Env, w int, st *State, acts *matmul.Acts, lo, hi int) {
	for _, s := range l.in {
		n := s.m.Groups()
		from, to := max(lo, 0), min(hi, n)
		if from < to {
			matmul.Mul(st.qkv[s.out:], l.width(), s.m, from, to, acts, s.m.Kind(e.Exact), nil, e.N(), e.Scratch(w))
		}
		lo, hi = lo-n, hi-n
	}
}

// finish turns the projected values of one head into what attention uses.
func (l *Layer) finish(e *layers.Env, st *State, unit int) {
	part, head, dim := 0, unit, l.KeyDim
	start := unit * l.KeyDim
	if unit >= l.Heads {
		part, head = 1, unit-l.Heads
	}
	if unit >= l.Heads+l.KVHeads {
		part, head, dim = 2, unit-l.Heads-l.KVHeads, l.ValueDim
		start = (l.Heads+l.KVHeads)*l.KeyDim + head*dim
	}
	var bias []float32
	if b := l.biases[part]; b != nil {
		bias = b[head*dim : (head+1)*dim]
	}
	norm := [3][]float32{l.qNorm, l.kNorm, nil}[part]
	width := l.width()
	for r := range e.N() {
		x := st.qkv[r*width+start : r*width+start+dim]
		if bias != nil {
			vec.Add(x, bias)
		}
		if norm != nil {
			vec.RMSNorm(x, x, norm, st.eps)
		}
		if part < 2 {
			st.rotate(x, r)
		}
		if part > 0 {
			st.Elem.Store(l.cacheRow(e, st, r, part, head), x)
		}
	}
}

// rotate applies the position of row r to one head.
func (st *State) rotate(x []float32, r int) {
	n := st.Angles.Dims()
	cs := st.cs[r*n : (r+1)*n]
	if st.Style.Neox {
		vec.RopeNeox(x[:n], cs)
	} else {
		vec.RopeNorm(x[:n], cs)
	}
}

// Fill computes the rotations of worker w's own rows. A barrier has to come
// before they are used.
func (st *State) Fill(e *layers.Env, w int) {
	lo, hi := e.Share(w, e.N())
	n := st.Angles.Dims()
	for r := lo; r < hi; r++ {
		st.Angles.Fill(st.cs[r*n:(r+1)*n], int(e.Rows.Pos[r]))
	}
}
