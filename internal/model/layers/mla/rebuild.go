package mla

import (
	"github.com/holdfast-llm/holdfast/internal/machine/mem"
	"github.com/holdfast-llm/holdfast/internal/machine/par"
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/layers"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/attend"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/vec"
)

// RebuildRows is from how many tokens of one sequence in a Forward on its keys
// and values are rebuilt. Per row and position, absorbed attention multiplies
// KVLora+Row = 1088 values and rebuilt attention QK+Value = 320; building costs
// KVLora*(Nope+Value) = 131072 per position, shared by all rows: even at 171.
// Measured on V2-Lite's shape (BF16 cache, two cores): at 64 rows rebuilding is a
// sixth slower, at 256 rows a quarter faster, at 512 more.
const RebuildRows = 256

// build is a worker's memory for rebuilt keys and values of one head.
type build struct {
	keys, values []byte    // [buildRows][QK], [buildRows][Value] of float32 or bf16
	k, v         []float32 // [buildRows][QK], [buildRows][Value]; the same memory if they are float32
	row          []float32 // [Row]
	q            []float32 // [maxRows][QK]
	out          []float32 // [maxRows][Value]
	parts        []*attend.Partial
}

// rebuiltElem is what rebuilt keys and values are kept in: a cache of two bytes or
// less has rounded more already, unless it is f16.
func rebuiltElem(o model.Options) attend.Elem {
	if o.Exact || o.CacheElem == attend.F32 || o.CacheElem == attend.F16 {
		return attend.F32
	}
	return attend.BF16
}

func newBuild(d Dims, maxRows int, elem attend.Elem) *build {
	nk, nv := buildRows*d.QK(), buildRows*d.Value
	b := &build{
		keys:   make([]byte, elem.RowBytes(nk)),
		values: make([]byte, elem.RowBytes(nv)),
		row:    make([]float32, d.Row()),
		q:      make([]float32, maxRows*d.QK()),
		out:    make([]float32, maxRows*d.Value),
	}
	if elem == attend.F32 {
		b.k, b.v = mem.Float32s(b.keys), mem.Float32s(b.values)
	} else {
		b.k, b.v = make([]float32, nk), make([]float32, nv)
	}
	return b
}

// buildBytes is the size of a build: with keys and values twice, at most.
func buildBytes(d Dims, maxRows int, elem attend.Elem) int64 {
	n := 4 * int64(buildRows+maxRows) * int64(d.QK()+d.Value)
	if elem != attend.F32 {
		n += int64(elem.RowBytes(buildRows * (d.QK() + d.Value)))
	}
	return n
}

// rebuild computes the attention of the long sequences. A unit of work is one
// head of one sequence.
func (l *Layer) rebuild(e *layers.Env, w int, claim *par.Claim, st *State) {
	for {
		u, _, ok := claim.Next(1, len(st.long)*l.Heads)
		if !ok {
			return
		}
		l.rebuildHead(e, w, st, int(st.long[u/l.Heads]), u%l.Heads)
	}
}

func (l *Layer) rebuildHead(e *layers.Env, w int, st *State, seq, h int) {
	k := &st.work[w]
	b := k.build
	s := &e.Rows.Seqs[seq]
	first, n := int(e.Rows.First[seq]), len(s.Tokens)
	qk := l.QK()
	for i := range n {
		r := first + i
		q := b.q[i*qk : (i+1)*qk]
		copy(q, st.q[(r*l.Heads+h)*qk:])
		vec.RopeNorm(q[l.Nope:], st.cs[r*l.Rope:(r+1)*l.Rope])
		k.limit[i] = int32(s.Pos + i + 1)
	}
	end := s.Pos + n
	parts := (end + buildRows - 1) / buildRows
	for p := range parts {
		if p == len(b.parts) {
			b.parts = append(b.parts, &attend.Partial{})
		}
		lo, hi := p*buildRows, min((p+1)*buildRows, end)
		l.buildPart(e, w, st, seq, h, lo, hi)
		k.chunks = append(k.chunks[:0], attend.Chunk{K: b.keys, V: b.values, N: hi - lo})
		st.rebuilt.RunPartial(k.s, b.parts[p], b.q, n, k.limit[:n], nil, k.chunks, lo)
	}
	st.rebuilt.Merge(b.out, b.parts[:parts])
	for i := range n {
		copy(st.Out[((first+i)*l.Heads+h)*l.Value:], b.out[i*l.Value:(i+1)*l.Value])
	}
}

// buildPart computes one head's keys and values of the positions lo to hi-1.
func (l *Layer) buildPart(e *layers.Env, w int, st *State, seq, h, lo, hi int) {
	k := &st.work[w]
	b := k.build
	mk, mv := l.keys[h], l.values[h]
	kk, vk := mk.Kind(e.Exact), mv.Kind(e.Exact)
	size, qk := st.params.KStride, l.QK()
	i := 0
	k.chunks = l.chunks(e, st, k.chunks, seq, lo, hi)
	for _, c := range k.chunks {
		for j := range c.N {
			st.Elem.Load(b.row, c.K[j*size:])
			k.acts.Set(kk, i, b.row[:l.KVLora])
			if vk != kk {
				k.acts.Set(vk, i, b.row[:l.KVLora])
			}
			copy(b.k[i*qk+l.Nope:(i+1)*qk], b.row[l.KVLora:])
			i++
		}
	}
	matmul.Mul(b.k, qk, mk, 0, mk.Groups(), k.acts, kk, nil, i, e.Scratch(w))
	matmul.Mul(b.v, l.Value, mv, 0, mv.Groups(), k.acts, vk, nil, i, e.Scratch(w))
	if elem := st.rebuilt.Elem; elem != attend.F32 {
		elem.Store(b.keys, b.k[:i*qk])
		elem.Store(b.values, b.v[:i*l.Value])
	}
}
