package hyper

import (
	"math"
	"slices"

	"github.com/holdfast-llm/holdfast/internal/model/layers"
	"github.com/holdfast-llm/holdfast/internal/model/layers/weights"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/vec"
)

// The weights of a sublayer are products of small matrices with the streams of a
// row, all of them, divided by their common root mean square. They are computed
// in blocks: blockCols columns of every stream at a time, whose products and sum
// of squares are then added up in the blocks' order. So whoever has just written
// some columns goes on with their share while they are in its cache, and the
// result does not depend on who that was. The division comes last.
const (
	blockGroups = 4
	blockCols   = blockGroups * matmul.Group
)

// A table is one such matrix, [width] x [S*embd], in either number format. Its
// values lie in the order in which blocks use them: [blocks][width][S][columns].
type table struct {
	full  []float32
	half  []uint16
	width int
}

func (t *table) bind(b *weights.Binder, name string, width int, p *Params, embd int) {
	t.width = width
	b.HalfTable(&t.full, &t.half, name, width, p.Streams*embd)
}

// ready puts the values in order.
func (t *table) ready(streams, embd int) {
	reorder(t.full, t.width, streams, embd)
	reorder(t.half, t.width, streams, embd)
}

func reorder[T any](x []T, width, streams, embd int) {
	old := slices.Clone(x)
	x = x[:0]
	for from := 0; from < embd && len(old) > 0; from += blockCols {
		to := min(from+blockCols, embd)
		for o := range width {
			for s := range streams {
				at := (o*streams + s) * embd
				x = append(x, old[at+from:at+to]...)
			}
		}
	}
}

// dots sets dst to the products of one block with x, [S][columns], and its last
// element to the sum of squares of x.
func (t *table) dots(dst, x []float32, block, streams int) {
	at, n := block*t.width*streams*blockCols, len(x)
	for o := range t.width {
		if t.half != nil {
			dst[o] = vec.DotF16(x, t.half[at:at+n])
		} else {
			dst[o] = vec.Dot(x, t.full[at:at+n])
		}
		at += n
	}
	dst[t.width] = vec.Dot(x, x)
}

// A Mix holds what turns the streams of a token into the weights of a sublayer.
type Mix struct {
	fn     table       // [S + S + S*S] x [S*embd]
	base   []float32   // [S + S + S*S]
	scale  []float32   // [3] of pre, post and comb
	finish func(w int) // computes the weights of all rows of a batch that is Alone
}

// Bind declares the tensors of a mix; prefix is "blk.0.hc_attn_".
func (m *Mix) Bind(b *weights.Binder, prefix string, embd int, p *Params) {
	m.fn.bind(b, prefix+"fn.weight", p.width(), p, embd)
	b.Vector(&m.base, prefix+"base.weight", p.width())
	b.Vector(&m.scale, prefix+"scale.weight", 3)
}

// connect finishes a mix after its weights are there.
func (m *Mix) connect(e *layers.Env, st *State) {
	m.fn.ready(st.Streams, st.embd)
	m.finish = func(int) {
		for r := range e.N() {
			st.weigh(r, m)
		}
	}
}

func (st *State) blocks() int { return (st.embd + blockCols - 1) / blockCols }

// measure computes one block of a table's products with the streams of a row.
func (st *State) measure(w int, t *table, r, block int) {
	from := block * blockCols
	to := min(from+blockCols, st.embd)
	x := st.tmp[w][:0]
	for s := range st.Streams {
		x = append(x, st.stream(r, s)[from:to]...)
	}
	at := (r*st.blocks() + block) * (st.width() + 1)
	t.dots(st.sums[at:at+t.width+1], x, block, st.Streams)
}

// total adds up the blocks of a row and returns the products with the streams
// divided by their root mean square.
func (st *State) total(dst []float32, r int) []float32 {
	var sum [MaxStreams*(2+MaxStreams) + 1]float64
	n, width := len(dst), st.width()+1
	for b := range st.blocks() {
		at := (r*st.blocks() + b) * width
		for i, v := range st.sums[at : at+n+1] {
			sum[i] += float64(v)
		}
	}
	inv := 1 / math.Sqrt(sum[n]/float64(st.Streams*st.embd)+float64(st.RMSEps))
	for i := range dst {
		dst[i] = float32(sum[i] * inv)
	}
	return dst
}

// weigh computes the weights of a row from its measured blocks.
func (st *State) weigh(r int, m *Mix) {
	var buf [MaxStreams * (2 + MaxStreams)]float32
	if st.Lagged {
		s := st.Streams
		copy(st.pre[r*s:(r+1)*s], st.next[r*s:(r+1)*s])
	}
	st.squash(st.total(buf[:st.width()], r), r, m)
}

// squash turns the raw weights of a row into pre, post and comb.
func (st *State) squash(x []float32, r int, m *Mix) {
	s := st.Streams
	raw := func(i, scale int) float64 { return float64(x[i])*float64(m.scale[scale]) + float64(m.base[i]) }
	pre := st.pre
	if st.Lagged {
		pre = st.next
	}
	for i := range s {
		pre[r*s+i] = float32(sigmoid(raw(i, 0)) + float64(st.Eps))
		st.post[r*s+i] = float32(2 * sigmoid(raw(s+i, 1)))
	}
	var buf [MaxStreams * MaxStreams]float64
	c := buf[:s*s]
	for i := range c {
		c[i] = raw(2*s+i, 2)
	}
	sinkhorn(c, s, st.Iters, float64(st.Eps))
	for i, v := range c {
		st.comb[r*s*s+i] = float32(v)
	}
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
