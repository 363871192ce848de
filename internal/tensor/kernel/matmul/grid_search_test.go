package matmul

import (
	"flag"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

var searchRectangles = flag.Int("rectangles", 0, "search for new rectangles in so many millions of steps")

// TestSearchRectangles finds rectangles that cover a grid, as those in grid_cover.go
// were found: forty million steps cover either grid with every second seed or so.
//
//	go test -run SearchRectangles -rectangles 40 -v ./internal/tensor/kernel/matmul
func TestSearchRectangles(t *testing.T) {
	if *searchRectangles == 0 {
		t.Skip("takes a minute: -rectangles 40")
	}
	for _, g := range []*grid{gridIQ1S, gridIQ2S} {
		var c *cover
		for seed := uint64(1); seed == 1 || seed < 9 && c.left > 0; seed++ {
			c = newCover(g.pairs(g.list()), len(g.rectangles)/(2*side), seed)
			c.search(*searchRectangles << 20)
			t.Logf("%s: seed %d leaves %d points", g.t, seed, c.left)
		}
		if c.left > 0 {
			t.Errorf("%s: not covered", g.t)
		}
		t.Logf("%s: %q", g.t, c.letters())
	}
}

// A cover is a set of rectangles under change.
type cover struct {
	rng    *rand.Rand
	points [halfVectors][halfVectors]bool
	count  [halfVectors][halfVectors]int // rectangles that hold a pair
	sides  [][2][]int                    // of each rectangle, a permutation of all vectors, of which the first are in it
	left   int                           // points that no rectangle holds
}

func newCover(points [][2]int, rectangles int, seed uint64) *cover {
	c := &cover{rng: rand.New(rand.NewPCG(seed, 1)), sides: make([][2][]int, rectangles), left: len(points)}
	for _, p := range points {
		c.points[p[0]][p[1]] = true
	}
	for i := range c.sides {
		r := &c.sides[i]
		r[0], r[1] = c.rng.Perm(halfVectors), c.rng.Perm(halfVectors)
		for _, v := range r[0][:side] {
			c.left += c.change(v, r[1][:side], 0, 1)
		}
	}
	return c
}

// at returns the pair of vector v of a side with vector w of the other.
func at(v, w, which int) (first, second int) {
	if which == 0 {
		return v, w
	}
	return w, v
}

// change adds by to the count of pairs of v with others, and returns how many more
// points are left.
func (c *cover) change(v int, others []int, which, by int) (more int) {
	for _, w := range others {
		a, b := at(v, w, which)
		n := &c.count[a][b]
		if c.points[a][b] && *n == max(0, -by) {
			more -= by
		}
		*n += by
	}
	return more
}

// search anneals: it exchanges a vector in a rectangle for one outside, always if that
// covers no less, else the more seldom the less it covers and the later it is.
func (c *cover) search(steps int) {
	const hot, cold = 1.5, 0.15
	heat := hot
	for step := 0; step < steps && c.left > 0; step++ {
		if step%4096 == 0 {
			heat = hot * math.Pow(cold/hot, float64(step)/float64(steps))
		}
		r, which := &c.sides[c.rng.IntN(len(c.sides))], c.rng.IntN(2)
		mine, others := r[which], r[1-which][:side]
		i, k := c.rng.IntN(side), side+c.rng.IntN(halfVectors-side)
		more := c.change(mine[i], others, which, -1) + c.change(mine[k], others, which, 1)
		if more > 0 && c.rng.Float64() >= math.Exp(-float64(more)/heat) {
			c.change(mine[k], others, which, -1)
			c.change(mine[i], others, which, 1)
			continue
		}
		mine[i], mine[k] = mine[k], mine[i]
		c.left += more
	}
}

func (c *cover) letters() string {
	var text []byte
	for _, r := range c.sides {
		for _, list := range r {
			vectors := slices.Sorted(slices.Values(list[:side]))
			for _, v := range vectors {
				text = append(text, byte('('+v))
			}
		}
	}
	return string(text)
}
