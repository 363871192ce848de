//go:build !noasm

package attend

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/holdfast-llm/holdfast/internal/machine/cpu"
	"github.com/holdfast-llm/holdfast/internal/machine/cpu/cputest"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/vec"
	"github.com/holdfast-llm/holdfast/internal/testutil/guard"
)

// needAVX512 skips the test of a body that needs nothing else.
func needAVX512(t *testing.T) {
	t.Helper()
	if !cpu.Has("avx512") {
		t.Skip("this machine lacks AVX-512")
	}
}

func random16(rng *rand.Rand, x []uint16) []uint16 {
	for i := range x {
		x[i] = uint16(rng.Uint32())
	}
	return x
}

// TestTilesOfQueries: a tile is [16 pairs of dimensions][16 queries][2].
func TestTilesOfQueries(t *testing.T) {
	needAVX512(t)
	rng := rand.New(rand.NewPCG(41, 1))
	for _, n := range []int{1, 2, 4, 18} {
		dk := n * pairDims
		q := random16(rng, guard.Slice[uint16](t, tileRows*dk))
		dst := guard.Slice[byte](t, n*tileBytes)
		amxQueries(&dst[0], &q[0], 2*dk, n)
		got := view[uint16](dst)
		for i := range tileRows {
			for d := range dk {
				at := d/2*2*tileRows + 2*i + d%2
				if got[at] != q[i*dk+d] {
					t.Fatalf("%d tiles: query %d dimension %d is %x, want %x", n, i, d, got[at], q[i*dk+d])
				}
			}
		}
	}
}

// TestTilesOfValues: a tile is [16 pairs of rows][16 dimensions][2], in the order of
// dimensions that sums undoes.
func TestTilesOfValues(t *testing.T) {
	needAVX512(t)
	rng := rand.New(rand.NewPCG(42, 1))
	for _, n := range []int{1, 2, 3, 16} {
		dv := n * pairDims
		var list [Step]unsafe.Pointer
		rows := make([][]uint16, Step)
		for r := range rows {
			rows[r] = random16(rng, guard.Slice[uint16](t, dv))
			list[r] = unsafe.Pointer(&rows[r][0])
		}
		dst := guard.Slice[byte](t, 4*n*tileBytes)
		amxPairs(&dst[0], &list[0], n)
		got := view[uint16](dst)
		// The place of each dimension among those of a vector.
		s := &Scratch{acc: make([]float32, dv), dv: dv, pairs: true}
		for i := range s.acc {
			s.acc[i] = float32(i)
		}
		place := make([]float32, dv)
		s.sums(place, 0)
		for r := range Step {
			for d := range dv {
				at := int(place[d])
				tile := r/32*2*n + at/16
				if v := got[tile*tileBytes/2+r%32/2*32+at%16*2+r%2]; v != rows[r][d] {
					t.Fatalf("%d vectors: row %d dimension %d is %x, want %x", n, r, d, v, rows[r][d])
				}
			}
		}
	}
}

// TestTilesOfScores compares products of tiles with sums in float64.
func TestTilesOfScores(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		if !useAMX {
			t.Skip("no tiles")
		}
		rng := rand.New(rand.NewPCG(45, 1))
		for _, n := range []int{1, 3, 18} {
			dk := n * pairDims
			p := newProblem(rng, BF16, dk, dk, 1, Step, 6, false)
			s := &Scratch{n: 33, dk: dk, pairs: true, q16: make([]uint16, tile*dk), score: make([]float32, tile*scoreStride)}
			q := normals(rng, tile*dk)
			vec.F32ToBF16(s.q16, q)
			vec.BF16ToF32(q, s.q16)
			s.setTiles(&p.Params)
			s.tiles.gather(&p.Params, cursor{chunks: p.cut(t, Step)}, 0, 0, Step)
			s.scoresTiles(0, s.n)
			k := make([]float32, dk)
			for r := range Step {
				BF16.Load(k, p.k[r*p.kStride():])
				for i := range s.n {
					want := 0.0
					for d := range k {
						want += float64(k[d]) * float64(q[i*dk+d])
					}
					if got := s.score[i*scoreStride+r]; math.Abs(float64(got)-want) > 1e-5*float64(dk) {
						t.Fatalf("%d tiles: query %d key %d: %v, want %v", n, i, r, got, want)
					}
				}
			}
		}
	}, "amx")
}

// TestTilesOfWeightedValues compares sums of values with those in float64.
func TestTilesOfWeightedValues(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		if !useAMX {
			t.Skip("no tiles")
		}
		rng := rand.New(rand.NewPCG(46, 1))
		for _, n := range []int{1, 2, 3, 16} {
			dv := n * pairDims
			p := newProblem(rng, BF16, dv, dv, 1, Step, 6, false)
			s := &Scratch{n: 33, dk: dv, dv: dv, pairs: true, q16: make([]uint16, tile*dv), acc: make([]float32, tile*dv)}
			w := normals(rng, tile*Step)
			s.w16 = make([]uint16, len(w))
			vec.F32ToBF16(s.w16, w)
			vec.BF16ToF32(w, s.w16)
			before := normals(rng, len(s.acc))
			copy(s.acc, before)
			s.setTiles(&p.Params)
			s.tiles.gather(&p.Params, cursor{chunks: p.cut(t, 7)}, 0, 0, Step)
			s.valuesTiles(3, s.n)
			v, sums, was := make([]float32, dv), make([]float32, dv), make([]float32, dv)
			old := &Scratch{acc: before, dv: dv, pairs: true}
			for i := range s.n {
				s.sums(sums, i)
				old.sums(was, i)
				want := make([]float64, dv)
				for r := range Step {
					BF16.Load(v, p.v[r*p.vStride():])
					for d := range v {
						if i >= 3 {
							want[d] += float64(w[i*Step+r]) * float64(v[d])
						}
					}
				}
				for d := range want {
					if math.Abs(float64(sums[d])-float64(was[d])-want[d]) > 1e-4 {
						t.Fatalf("%d vectors: query %d dimension %d: %v, want %v", n, i, d, sums[d], float64(was[d])+want[d])
					}
				}
			}
		}
	}, "amx")
}

// TestGather: keys are found where they are if 16 lie in one chunk, and copied else;
// values are found row by row.
func TestGather(t *testing.T) {
	rng := rand.New(rand.NewPCG(43, 1))
	for _, sizes := range [][]int{{200}, {16}, {32}, {7}, {1}, {5, 0, 40, 3, 100}} {
		for _, rows := range [][2]int{{64, 128}, {64, 65}, {70, 99}, {127, 128}, {80, 113}} {
			p := newProblem(rng, BF16, 32, 64, 1, 200, 4, false)
			g := &tiling{}
			g.grow(&p.Params)
			r0, r1 := rows[0], rows[1]
			g.gather(&p.Params, cursor{chunks: p.cut(t, sizes...)}, 64, r0, r1)
			for i := range Step {
				k := unsafe.Slice((*byte)(unsafe.Add(g.keys[i/tileRows], i%tileRows*g.strides[i/tileRows])), 2*p.DK)
				v := unsafe.Slice((*byte)(g.rows[i]), 2*p.DV)
				r := 64 + i
				if r < r0 || r >= r1 {
					if slices.ContainsFunc(v, func(b byte) bool { return b != 0 }) {
						t.Fatalf("chunks of %v, rows %v: row %d is not zero", sizes, rows, r)
					}
					continue
				}
				if !slices.Equal(k, p.k[r*p.kStride():][:2*p.DK]) || !slices.Equal(v, p.v[r*p.vStride():][:2*p.DV]) {
					t.Fatalf("chunks of %v, rows %v: row %d is not that row", sizes, rows, r)
				}
			}
		}
	}
}

// TestEncodings: package matmul compares the instructions with a disassembler; this
// package's header must have the same.
func TestEncodings(t *testing.T) {
	own, err := os.ReadFile("encodings_amd64.h")
	if err != nil {
		t.Fatal(err)
	}
	tested, err := os.ReadFile(filepath.Join("..", "matmul", "encodings_amd64.h"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(own)) {
		if !strings.HasPrefix(line, "#define ") {
			continue
		}
		n++
		if !strings.Contains(string(tested), "\n"+line) {
			t.Errorf("not tested: %s", line)
		}
	}
	if n < 40 {
		t.Errorf("only %d instructions in the header", n)
	}
}

func BenchmarkTiles(b *testing.B) {
	if !cpu.Has("avx512") {
		b.Skip("this machine lacks AVX-512")
	}
	rng := rand.New(rand.NewPCG(44, 1))
	p := newProblem(rng, BF16, 128, 128, 16, 4096, 0, false)
	chunks := p.cut(b, 32)
	g := &tiling{}
	g.grow(&p.Params)
	b.Run("gather", func(b *testing.B) {
		cur := cursor{chunks: chunks}
		for b.Loop() {
			g.gather(&p.Params, cur, 0, 0, Step)
		}
	})
	b.Run("pairs", func(b *testing.B) {
		for b.Loop() {
			amxPairs(&g.v[0], &g.rows[0], 4)
		}
	})
	b.Run("queries", func(b *testing.B) {
		q := make([]uint16, 16*128)
		for b.Loop() {
			amxQueries(&g.q[0], &q[0], 256, 4)
		}
	})
}
