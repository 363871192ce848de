package attend

import (
	"fmt"
	"math"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/machine/cpu"
)

// benchmark times one call of nq queries against rows rows. The metric GFLOPS
// counts two operations per visible row and element of K and V; MB/s counts the
// cache bytes, once.
func benchmark(b *testing.B, impl string, e Elem, dk, dv, nq, rows int, alias bool) {
	_, restore := cpu.Only(impl)
	defer restore()
	const chunk = 32
	p := Params{Elem: e, DK: dk, DV: dv, Scale: float32(1 / math.Sqrt(float64(dk)))}
	kb, vb := e.RowBytes(dk), e.RowBytes(dv)
	if alias {
		p.KStride, p.VStride, vb = kb, kb, 0
	}
	// As many layers as make the cache leave the third-level cache.
	layers := max(1, min(64, 128<<20/(rows*(kb+vb))))
	if nq > 64 {
		layers = 1
	}
	sets := make([][]Chunk, layers)
	row := make([]float32, max(dk, dv))
	for i := range row {
		row[i] = float32(i%7) / 7
	}
	for l := range sets {
		for r := 0; r < rows; r += chunk {
			c := Chunk{K: make([]byte, chunk*kb), V: make([]byte, chunk*vb), N: chunk}
			for i := range chunk {
				e.Store(c.K[i*kb:], row[:dk])
				if !alias {
					e.Store(c.V[i*vb:], row[:dv])
				}
			}
			if alias {
				c.V = c.K
			}
			sets[l] = append(sets[l], c)
		}
	}
	q, out, limit := make([]float32, nq*dk), make([]float32, nq*dv), make([]int32, nq)
	pairs := 0
	for i := range nq {
		q[i*dk] = 1
		limit[i] = int32(rows)
		if nq > 64 { // prefill: the last nq/4 tokens of 4 heads
			limit[i] = int32(rows - nq/4 + i/4 + 1)
		}
		pairs += int(limit[i])
	}
	s := NewScratch()
	b.SetBytes(int64(rows * (kb + vb)))
	i := 0
	for b.Loop() {
		p.Run(s, out, q, nq, limit, nil, sets[i%layers])
		i++
	}
	flops := 2 * float64(pairs) * float64(dk+dv) * float64(b.N)
	b.ReportMetric(flops/b.Elapsed().Seconds()/1e9, "GFLOPS")
}

func BenchmarkDecode(b *testing.B) {
	for _, impl := range cpu.Tiers() {
		for _, e := range elems {
			for _, nq := range []int{1, 4, 7} {
				for _, rows := range []int{512, 4096, 8192} {
					b.Run(fmt.Sprintf("impl=%s/type=%v/d=128/nq=%d/rows=%d", impl, e, nq, rows), func(b *testing.B) {
						benchmark(b, impl, e, 128, 128, nq, rows, false)
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
					benchmark(b, impl, e, 128, 128, 4*512, rows, false)
				})
			}
		}
	}
}

func BenchmarkLatentDecode(b *testing.B) {
	for _, impl := range cpu.Tiers() {
		for _, e := range elems {
			b.Run(fmt.Sprintf("impl=%s/type=%v/dk=576/dv=512/nq=16/rows=4096", impl, e), func(b *testing.B) {
				benchmark(b, impl, e, 576, 512, 16, 4096, true)
			})
		}
	}
}
