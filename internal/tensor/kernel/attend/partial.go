package attend

import (
	"fmt"
	"math"

	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/vec"
)

// A Partial is what some of a sequence's rows contribute to the attention of a
// call's queries. It lets several workers share the rows of one long sequence.
// The zero value is ready; its memory is reused by the next RunPartial.
type Partial struct {
	nq, dv int
	m, l   []float32 // [nq] largest score and sum of weights under it
	acc    []float32 // [nq][dv] sums of weights*V, not normalised
}

// RunPartial does Run's work for the rows base, base+1, ... that the chunks
// hold, and leaves the result in part. base must be a multiple of Step. limit
// and first are row numbers of the whole sequence, as in Run, and may lie
// outside the chunks. Merge combines the parts.
func (p *Params) RunPartial(s *Scratch, part *Partial, q []float32, nq int, limit, first []int32, chunks []Chunk, base int) {
	n := p.check(q, nq, limit, first, chunks)
	if base < 0 || base%Step != 0 {
		panic(fmt.Sprintf("attend: a part begins at row %d, want a multiple of %d", base, Step))
	}
	part.nq, part.dv = nq, p.DV
	part.m, part.l = grow(part.m, nq), grow(part.l, nq)
	part.acc = grow(part.acc, nq*p.DV)
	for at := 0; at < nq; at += tile {
		k := min(tile, nq-at)
		s.begin(p, q[at*p.DK:], k, limit[at:], tail(first, at))
		s.sweep(p, base, base+n, chunks)
		copy(part.m[at:], s.m[:k])
		copy(part.l[at:], s.l[:k])
		for i := range k {
			s.sums(part.acc[(at+i)*p.DV:(at+i+1)*p.DV], i)
		}
	}
	s.following = nil
}

// Merge sets out [nq][DV] to the attention over the rows of all parts, which it
// adds in the given order. The result depends on where the rows were split only
// by rounding, and not at all on who computed which part.
func (p *Params) Merge(out []float32, parts []*Partial) {
	if len(parts) == 0 {
		panic("attend: Merge of no parts")
	}
	for i := range parts[0].nq {
		p.MergeQuery(out[i*p.DV:(i+1)*p.DV], parts, i)
	}
}

// MergeQuery is Merge for query i alone, so that workers can share the queries.
func (p *Params) MergeQuery(out []float32, parts []*Partial, i int) {
	top := float32(math.Inf(-1))
	for _, part := range parts {
		if part.dv != p.DV || i >= part.nq {
			panic(fmt.Sprintf("attend: Merge of query %d in a part of %d queries of %d elements, want %d elements",
				i, part.nq, part.dv, p.DV))
		}
		if part.l[i] != 0 {
			top = max(top, part.m[i])
		}
	}
	out = out[:p.DV]
	clear(out)
	var sum float32
	for _, part := range parts {
		if part.l[i] == 0 { // no row was visible here
			continue
		}
		shrink := exp(part.m[i] - top)
		vec.Axpy(out, shrink, part.acc[i*p.DV:(i+1)*p.DV])
		sum += shrink * part.l[i]
	}
	p.normalize(out, top, sum, i)
}
