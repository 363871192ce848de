package matmul

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/machine/cpu"
	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

var benchTypes = []quant.Type{
	quant.Q4_0, quant.Q4_1, quant.Q5_0, quant.Q5_1, quant.Q8_0, quant.IQ4_NL, quant.MXFP4,
	quant.Q2_K, quant.Q3_K, quant.Q4_K, quant.Q5_K, quant.Q6_K, quant.IQ4_XS, quant.F16, quant.BF16,
}

// eachTier runs f as a sub-benchmark for every tier that the machine has.
func eachTier(b *testing.B, f func(b *testing.B)) {
	for _, tier := range []string{"avx512vnni", "avx2"} {
		b.Run("impl="+tier, func(b *testing.B) {
			ok, restore := cpu.Only(tier)
			defer restore()
			if !ok {
				b.Skip("not on this machine")
			}
			f(b)
		})
	}
}

// benchMatrix packs repeated random rows into a matrix.
func benchMatrix(b *testing.B, t quant.Type, rows, cols int) *Matrix {
	b.Helper()
	rng := rand.New(rand.NewPCG(1, 1))
	src := randomRows(rng, t, Group, cols)
	data := alignedBytes(PackedSize(t, rows, cols))
	group := PackedSize(t, Group, cols)
	Pack(data[:group], t, Group, cols, src, 0, 1)
	for o := group; o < len(data); o += group {
		copy(data[o:o+group], data)
	}
	m, err := Packed(t, rows, cols, data)
	if err != nil {
		b.Fatal(err)
	}
	return m
}

// mulOn multiplies with threads goroutines that claim grain groups at a time.
func mulOn(threads, grain int, m *Matrix, dst []float32, a *Acts, n int, ss []*Scratch) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for w := range threads {
		wg.Go(func() {
			runtime.LockOSThread()
			for {
				lo := int(next.Add(int64(grain))) - grain
				if lo >= m.Groups() {
					return
				}
				Mul(dst, m.Rows, m, lo, min(lo+grain, m.Groups()), a, m.Kind(false), nil, n, ss[w])
			}
		})
	}
	wg.Wait()
}

func benchMul(b *testing.B, t quant.Type, rows, cols, n, threads int) {
	m := benchMatrix(b, t, rows, cols)
	rng := rand.New(rand.NewPCG(1, 1))
	a := NewActs(n, cols)
	for i := range n {
		a.Set(m.Kind(false), i, randomFloats(rng, cols))
	}
	dst := make([]float32, n*rows)
	ss := []*Scratch{NewScratch(), NewScratch()}
	b.SetBytes(int64(m.Bytes()))
	for b.Loop() {
		mulOn(threads, 16, m, dst, a, n, ss)
	}
	ops := 2 * float64(rows) * float64(cols) * float64(n)
	b.ReportMetric(ops*float64(b.N)/b.Elapsed().Seconds()/1e9, "GOPS")
}

// BenchmarkDecode reads matrices larger than the caches: GB/s against the
// bandwidth of the machine.
func BenchmarkDecode(b *testing.B) {
	eachTier(b, func(b *testing.B) {
		for _, t := range benchTypes {
			for _, threads := range []int{1, 2} {
				for _, n := range []int{1, 8} {
					b.Run(fmt.Sprintf("type=%s/n=%d/threads=%d", t, n, threads), func(b *testing.B) {
						const cols = 1536
						rows := 160 << 20 / PackedSize(t, Group, cols) * Group
						benchMul(b, t, rows, cols, n, threads)
					})
				}
			}
		}
	})
}

// BenchmarkPrefill multiplies a prompt of 512 tokens: GOPS against the peak.
func BenchmarkPrefill(b *testing.B) {
	eachTier(b, func(b *testing.B) {
		for _, t := range benchTypes {
			b.Run(fmt.Sprintf("type=%s/n=512", t), func(b *testing.B) { benchMul(b, t, 2048, 1536, 512, 1) })
		}
		for _, t := range []quant.Type{quant.Q4_K, quant.Q8_0} {
			b.Run(fmt.Sprintf("type=%s/n=512/cols=8960", t), func(b *testing.B) { benchMul(b, t, 1536, 8960, 512, 1) })
		}
	})
}
