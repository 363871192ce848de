package attend

import "fmt"

// A Chunk is N consecutive cache rows of one K/V head. K holds the keys, one row
// every KStride bytes, V the values, one row every VStride bytes; the last row
// needs only its own bytes. K and V may be the same memory: attention over a
// latent (MLA) reads its values from the front of its key rows.
type Chunk struct {
	K, V []byte
	N    int
}

// Params describes the attention of one layer. It is read only: one Params may
// serve many calls at a time.
type Params struct {
	Elem    Elem
	DK, DV  int     // elements of a key (and query) and of a value
	KStride int     // bytes from one key row to the next; 0 means they touch
	VStride int     // the same for values
	Scale   float32 // usually 1/sqrt(DK)

	// Sink is a logit that takes part in every softmax but has no value: it
	// lets a head attend to nothing. Nil means none.
	Sink *float32
	// Sinks gives each query of a call a sink of its own, for groups of heads
	// that have one each. It is used instead of Sink; its length is the number
	// of queries.
	Sinks []float32
	// Round rounds the queries to the cache's number format first, as engines do
	// that multiply in that format. It is for comparisons with them.
	Round bool
	// Fast rounds queries and weights to bf16 if the cache is bf16, too, as GPU
	// engines do. Where the machine multiplies bf16 (AVX512-BF16) that takes half
	// the time. It is the same arithmetic on every machine, up to the rounding of
	// sums. Rows of Q8_0 of more than 256 dimensions, as of latents, are multiplied
	// in int8 where the machine does that (AVX-512 VNNI), with queries and weights
	// rounded to 8 bits; else, where it multiplies bf16, they are rounded to that.
	Fast bool
	// Pack, with Fast, makes the best of many queries: where the machine multiplies
	// bf16, rows of BF16 and Q8_0 are packed so that the products need no shuffles,
	// those of Q8_0 in bf16, or in int8 whatever their dimensions. Packing pays from
	// 16 queries on, with keys of 576 dimensions in bf16 from 128 on. It adds in
	// another order than without Pack.
	Pack bool
}

func (p *Params) kStride() int {
	if p.KStride != 0 {
		return p.KStride
	}
	return p.Elem.RowBytes(p.DK)
}

func (p *Params) vStride() int {
	if p.VStride != 0 {
		return p.VStride
	}
	return p.Elem.RowBytes(p.DV)
}

// check panics if the arguments do not fit together, and returns the number of
// rows in the chunks.
func (p *Params) check(q []float32, nq int, limit, first []int32, chunks []Chunk) int {
	if p.DK <= 0 || p.DV <= 0 || p.Elem > Q8_0 {
		panic(fmt.Sprintf("attend: Params of %d key and %d value elements of type %v", p.DK, p.DV, p.Elem))
	}
	if len(q) < nq*p.DK || len(limit) < nq || (first != nil && len(first) < nq) {
		panic(fmt.Sprintf("attend: %d queries of %d elements, but %d elements, %d limits, %d firsts",
			nq, p.DK, len(q), len(limit), len(first)))
	}
	if p.Sinks != nil && len(p.Sinks) < nq {
		panic(fmt.Sprintf("attend: %d sinks for %d queries", len(p.Sinks), nq))
	}
	rows := 0
	for i := range chunks {
		c := &chunks[i]
		rows += c.N
		if c.N == 0 {
			continue
		}
		k := (c.N-1)*p.kStride() + p.Elem.RowBytes(p.DK)
		v := (c.N-1)*p.vStride() + p.Elem.RowBytes(p.DV)
		if c.N < 0 || len(c.K) < k || len(c.V) < v {
			panic(fmt.Sprintf("attend: chunk %d of %d rows needs %d and %d bytes, has %d and %d",
				i, c.N, k, v, len(c.K), len(c.V)))
		}
	}
	return rows
}
