package matmul

import "math/rand/v2"

// The 2048 points of IQ1 are too many for byte permutations: 16 for each half of
// the coordinates. But a point is a pair of halves, each one of 81 vectors, and the
// pairs fill the square of all pairs so unevenly that 64 rectangles of 8 by 8
// vectors cover them. So packing renumbers the points: 6 bits for the rectangle, 3
// for the vector of the first half in it, 3 for that of the second. Each half then
// depends on 9 bits, and four permutations find it.

// A rectangle is a choice of first and of second halves.
type rectangle struct{ first, second [8]int }

const (
	halfVectors = 81 // vectors of four coordinates of three values
	rectangles  = 64
)

// A cover looks for rectangles that hold all pairs of a set.
type cover struct {
	open [halfVectors][halfVectors]bool // pairs that no rectangle holds yet
	rng  *rand.Rand
}

// coverPairs returns rectangles that cover the pairs, the same in every run. It takes the best of a few rectangles that
// random choices lead to, until nothing is left.
func coverPairs(pairs [][2]int) []rectangle {
	c := cover{rng: rand.New(rand.NewPCG(1, 1))}
	for _, p := range pairs {
		c.open[p[0]][p[1]] = true
	}
	var rs []rectangle
	for left := len(pairs); left > 0; {
		var best rectangle
		most := 0
		for range coverTries {
			if r, n := c.climb(); n > most {
				best, most = r, n
			}
		}
		if most == 0 {
			continue
		}
		for _, i := range best.first {
			for _, k := range best.second {
				c.open[i][k] = false
			}
		}
		rs, left = append(rs, best), left-most
	}
	return rs
}

// coverTries is how many rectangles compete: 8 lead to 55 rectangles.
const coverTries = 8

// climb starts with pairs of a random first half and improves either side in turn.
func (c *cover) climb() (r rectangle, n int) {
	row := c.rng.IntN(halfVectors)
	var list []int
	for k, open := range c.open[row] {
		if open {
			list = append(list, k)
		}
	}
	if len(list) == 0 {
		return r, 0
	}
	for i := range r.second {
		r.second[i] = list[c.rng.IntN(len(list))]
	}
	for last := -1; n > last; {
		last = n
		r.first, _ = best8(c.rng, func(i int) int { return c.count(i, &r.second, false) })
		r.second, n = best8(c.rng, func(k int) int { return c.count(k, &r.first, true) })
	}
	return r, n
}

// count returns how many open pairs a vector has with those of the other side.
func (c *cover) count(v int, others *[8]int, second bool) int {
	n := 0
	for _, o := range others {
		a, b := v, o
		if second {
			a, b = o, v
		}
		if c.open[a][b] {
			n++
		}
	}
	return n
}

// best8 returns the eight vectors with the largest counts, and the sum of these.
func best8(rng *rand.Rand, count func(v int) int) (best [8]int, sum int) {
	var counts [halfVectors]int
	for v := range counts {
		counts[v] = count(v)
	}
	for i := range best {
		top := rng.IntN(halfVectors) // so that ties fall this way and that
		for v, n := range counts {
			if n > counts[top] {
				top = v
			}
		}
		best[i] = top
		sum += counts[top]
		counts[top] = -1
	}
	return best, sum
}

// A split is the renumbering of the points of IQ1, and the halves by new numbers.
// Of the bits of a number, 0 to 5 are the rectangle, 6 to 8 the first half and 9
// to 11 the second.
type split struct {
	number []uint16               // by the number in the file
	half   [2][8 * rectangles]int // first and second halves, as numbers of vectors
}

// splitPoints renumbers points, which are pairs of halves.
func splitPoints(pairs [][2]int) *split {
	rs := coverPairs(pairs)
	if len(rs) > rectangles {
		panic("matmul: no cover of the grid found") // the tests exclude it
	}
	s := &split{number: make([]uint16, len(pairs))}
	at := map[[2]int]uint16{}
	for c, r := range rs {
		for i := range 8 {
			s.half[0][c+64*i], s.half[1][c+64*i] = r.first[i], r.second[i]
			for k := range 8 {
				at[[2]int{r.first[i], r.second[k]}] = uint16(c + 64*i + 512*k)
			}
		}
	}
	for i, p := range pairs {
		s.number[i] = at[p]
	}
	return s
}
