package par

import (
	"runtime"
	"strconv"
	"testing"
)

func BenchmarkBarrier(b *testing.B) {
	for _, n := range []int{2, runtime.NumCPU()} {
		b.Run("n="+strconv.Itoa(n), func(b *testing.B) {
			team := New(n)
			defer team.Close()
			team.Run(func(w int) {
				for range b.N {
					team.Barrier(w)
				}
			})
		})
	}
}

func BenchmarkRun(b *testing.B) {
	team := New(runtime.NumCPU())
	defer team.Close()
	f := func(int) {}
	b.ReportAllocs()
	for b.Loop() {
		team.Run(f)
	}
}
