package matmul

import (
	"math/rand/v2"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/machine/cpu/cputest"
	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

func eachGrid(f func(l *layout, g *grid)) {
	for _, t := range quant.Types() {
		if l := layoutOf(t); l != nil && l.grid != nil {
			l.grid.prepare()
			f(l, l.grid)
		}
	}
}

// TestRectanglesCoverTheGrid: each point of the file has a number of its own whose
// halves are those of the point.
func TestRectanglesCoverTheGrid(t *testing.T) {
	for _, g := range []*grid{gridIQ1S, gridIQ1M, gridIQ2S} {
		g.prepare()
		list := g.list()
		seen := map[int]bool{}
		for i, n := range g.number {
			num := int(n&255 | n>>24)
			if seen[num] {
				t.Fatalf("%s: two points have the number %#x", g.t, num)
			}
			seen[num] = true
			first, second := g.point(num)
			for c, want := range list[8*i:][:8] {
				got := append(append([]int8{}, first...), second...)[c]
				if got != want {
					t.Fatalf("%s: point %d coordinate %d: got %d, want %d", g.t, i, c, got, want)
				}
			}
		}
		if len(seen) != g.points {
			t.Errorf("%s: %d numbers for %d points", g.t, len(seen), g.points)
		}
	}
}

// TestRestIsReadBack writes all numbers' upper bits and reads them back.
func TestRestIsReadBack(t *testing.T) {
	for _, g := range []*grid{gridIQ1S, gridIQ2S} {
		rng := rand.New(rand.NewPCG(35, 36))
		var want rests
		for b := range 8 {
			for r := range Group {
				bits := rng.Uint32() & (1<<g.rests - 1) * 0x01010101
				want[b][r] = bits ^ rng.Uint32()&0x01010101
			}
		}
		bytes := make([]byte, 64*g.rests)
		g.putRests(bytes, &want)
		for b := range 8 {
			for p := range 4 * Group {
				got, want := g.getRest(bytes, b, p), int(want[b][p/4]>>(p%4*8)&255)<<8
				if got != want {
					t.Errorf("%s: block %d number %d: got %#x, want %#x", g.t, b, p, got, want)
				}
			}
		}
	}
}

// TestGridUnitsAreCompact: memory is why these types exist.
func TestGridUnitsAreCompact(t *testing.T) {
	eachGrid(func(l *layout, g *grid) {
		file := Group * g.t.BlockBytes()
		if l.bytes > file*111/100 {
			t.Errorf("%s: %d bytes packed, %d in the file", g.t, l.bytes, file)
		}
	})
}

// TestExpandersEqualUnpack compares the wide units of each tier with what unpack
// reads from the same packed units.
func TestExpandersEqualUnpack(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(33, 34))
		eachGrid(func(l *layout, g *grid) {
			expand := l.expander()
			if expand == nil {
				return // this tier has none: the portable code multiplies
			}
			for _, units := range []int{1, 2, 5} {
				cols := 256 * units
				src := guarded[byte](t, units*l.bytes)
				Pack(src, g.t, Group, cols, randomRows(rng, g.t, Group, cols), 0, 1)
				dst := guarded[byte](t, units*l.wide.bytes)
				expand(&dst[0], &src[0], units)
				var u unit
				for i := range units {
					g.unpack(&u, src[i*l.bytes:][:l.bytes])
					checkWide(t, g, &u, dst[i*l.wide.bytes:][:l.wide.bytes])
				}
			}
		})
	})
}

func checkWide(t *testing.T, g *grid, u *unit, w []byte) {
	t.Helper()
	codes, step := 192, 2 // columns per scale, in sixteens
	if g.halves {
		codes, step = 320, 1
	}
	for r := range Group {
		if d := getF32(w[4*r:]); d != u.d[r] {
			t.Fatalf("%s row %d: got scale %v, want %v", g.t, r, d, u.d[r])
		}
		for b := range 16 {
			if s := int32(int8(w[64+16*(b/step)+r])); s != u.scale[b][r] {
				t.Fatalf("%s row %d columns %d: got scale %d, want %d", g.t, r, 16*b, s, u.scale[b][r])
			}
		}
		for c, want := range u.q[r] {
			if got := int8(w[codes+c/4*64+4*r+c%4] - 128); got != want {
				t.Fatalf("%s row %d column %d: got code %d, want %d", g.t, r, c, got, want)
			}
		}
	}
}
