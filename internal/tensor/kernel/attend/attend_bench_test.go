package attend

import (
	"fmt"
	"math"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/machine/cpu"
	"github.com/holdfast-llm/holdfast/internal/machine/par"
)

// A bench is the shape of a benchmark.
type bench struct {
	elem       Elem
	dk, dv     int
	nq, rows   int
	alias      bool
	fast       bool
	pack       bool
	workers    int  // each with a K/V head of its own
	pairs      int  // visible query-row pairs of a worker's call
	layers     int  // sets of rows that take turns
	rowK, rowV int  // bytes
	cached     bool // one set of rows, so that small ones stay in the cache
	q          []float32
	limit      []int32
}

const benchChunk = 32 // rows

// run times calls of nq queries against rows rows. The metric GFLOPS counts two
// operations per visible row and element of K and V; MB/s counts the cache
// bytes, once.
func (c *bench) run(b *testing.B, impl string) {
	_, restore := cpu.Only(impl)
	defer restore()
	c.time(b)
}

// time is run with the bodies that are on.
func (c *bench) time(b *testing.B) {
	c.workers = max(c.workers, 1)
	p := c.prepare()
	sets := make([][]Chunk, c.layers*c.workers)
	for i := range sets {
		sets[i] = c.chunks()
	}
	scratch, out := make([]*Scratch, c.workers), make([][]float32, c.workers)
	for w := range scratch {
		scratch[w], out[w] = NewScratch(), make([]float32, c.nq*c.dv)
	}
	team := par.New(c.workers)
	defer team.Close()
	i := 0
	call := func(w int) {
		p.Run(scratch[w], out[w], c.q, c.nq, c.limit, nil, sets[i%c.layers*c.workers+w])
	}
	b.SetBytes(int64(c.workers * c.rows * (c.rowK + c.rowV)))
	for b.Loop() {
		team.Run(call)
		i++
	}
	flops := 2 * float64(c.workers*c.pairs) * float64(c.dk+c.dv) * float64(b.N)
	b.ReportMetric(flops/b.Elapsed().Seconds()/1e9, "GFLOPS")
}

// prepare fills in what follows from the shape.
func (c *bench) prepare() *Params {
	p := &Params{Elem: c.elem, DK: c.dk, DV: c.dv, Scale: float32(1 / math.Sqrt(float64(c.dk))), Fast: c.fast, Pack: c.pack}
	c.rowK, c.rowV = c.elem.RowBytes(c.dk), c.elem.RowBytes(c.dv)
	if c.alias {
		p.KStride, p.VStride, c.rowV = c.rowK, c.rowK, 0
	}
	// Decode takes turns among as many layers as leave the third-level cache.
	c.layers = 1
	if c.nq <= 64 && !c.cached {
		c.layers = max(1, min(64, 128<<20/(c.rows*(c.rowK+c.rowV))))
	}
	c.q, c.limit, c.pairs = make([]float32, c.nq*c.dk), make([]int32, c.nq), 0
	for i := range c.nq {
		c.q[i*c.dk] = 1
		c.limit[i] = int32(c.rows)
		if c.nq > 128 { // prefill: the last nq/4 tokens of 4 heads
			c.limit[i] = int32(c.rows - c.nq/4 + i/4 + 1)
		}
		c.pairs += int(c.limit[i])
	}
	return p
}

// chunks makes one layer's rows.
func (c *bench) chunks() []Chunk {
	row := make([]float32, max(c.dk, c.dv))
	for i := range row {
		row[i] = float32(i%7) / 7
	}
	var list []Chunk
	for r := 0; r < c.rows; r += benchChunk {
		k := Chunk{K: make([]byte, benchChunk*c.rowK), V: make([]byte, benchChunk*c.rowV), N: benchChunk}
		for i := range benchChunk {
			c.elem.Store(k.K[i*c.rowK:], row[:c.dk])
			if !c.alias {
				c.elem.Store(k.V[i*c.rowV:], row[:c.dv])
			}
		}
		if c.alias {
			k.V = k.K
		}
		list = append(list, k)
	}
	return list
}

func BenchmarkDecode(b *testing.B) {
	for _, impl := range cpu.Tiers() {
		for _, e := range elems {
			for _, nq := range []int{1, 4, 7} {
				for _, rows := range []int{512, 4096, 8192} {
					b.Run(fmt.Sprintf("impl=%s/type=%v/d=128/nq=%d/rows=%d", impl, e, nq, rows), func(b *testing.B) {
						(&bench{elem: e, dk: 128, dv: 128, nq: nq, rows: rows}).run(b, impl)
					})
				}
			}
		}
	}
}

func BenchmarkPrefill(b *testing.B) {
	for _, impl := range append([]string{""}, cpu.Tiers()...) {
		for _, e := range elems {
			for _, rows := range []int{512, 4096, 8192} {
				if impl == "" && (rows > 512 || e != F16) {
					continue
				}
				b.Run(fmt.Sprintf("impl=%s/type=%v/d=128/tokens=512/heads=4/rows=%d", impl, e, rows), func(b *testing.B) {
					(&bench{elem: e, dk: 128, dv: 128, nq: 4 * 512, rows: rows}).run(b, impl)
				})
			}
		}
	}
}

func BenchmarkLatentDecode(b *testing.B) {
	for _, impl := range cpu.Tiers() {
		for _, e := range elems {
			b.Run(fmt.Sprintf("impl=%s/type=%v/dk=576/dv=512/nq=16/rows=4096", impl, e), func(b *testing.B) {
				(&bench{elem: e, dk: 576, dv: 512, nq: 16, rows: 4096, alias: true}).run(b, impl)
			})
		}
	}
}

// BenchmarkTeam runs one K/V head per worker, as a layer with several does.
func BenchmarkTeam(b *testing.B) {
	for _, impl := range cpu.Tiers() {
		for _, nq := range []int{1, 4, 4 * 512} {
			for workers := 1; workers <= cpu.Usable(); workers *= 2 {
				b.Run(fmt.Sprintf("impl=%s/type=f16/d=128/nq=%d/rows=4096/workers=%d", impl, nq, workers), func(b *testing.B) {
					(&bench{elem: F16, dk: 128, dv: 128, nq: nq, rows: 4096, workers: workers}).run(b, impl)
				})
			}
		}
	}
}
