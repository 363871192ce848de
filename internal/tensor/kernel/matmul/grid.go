package matmul

import (
	"slices"
	"sync"

	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// A grid describes a type whose codes are numbers of points: IQ1, IQ2 and IQ3.
// A point has 8 or 4 coordinates, which stand for values; signs or shifts are
// kept apart. The packed unit keeps the numbers, so that it is about as small as
// the file, and kernels look the points up. Its bytes, for 16 rows:
//
//	f16 d
//	u8 scale [4 or 8 pairs of blocks][16 rows]: the even block in the low nibble
//	1 to 4 vec of further bits of numbers, see putRests; or
//	u64 mask [vectors of numbers]: a further bit of each of the 64 numbers
//	8 blocks of 32 columns: 1 or 2 vec of the low bytes of numbers, then, if the
//	type has signs, a vec of 32 signs per row
//
// The points of IQ1 and IQ2_S are renumbered, see rectangle, with a bit more than in
// the file.
// Byte k of row r in a vec of numbers is that of the k-th point of the block (of
// the half block, if points have 4 coordinates). A nibble s stands for the odd
// number 2s+1; in IQ1_S its top bit is the shift.
type grid struct {
	t      quant.Type
	points int     // in the list
	size   int     // coordinates per point
	masks  int     // bits per number beyond eight; those of IQ1_M are its shifts
	rests  int     // vecs of further bits, of types whose points are split
	signs  bool    // signs are stored apart
	halves bool    // a scale per 16 columns
	factor float32 // what d is multiplied with

	rectangles string // of types whose points are split

	once   sync.Once
	codes  []int8   // the values of all points; if they are split, of all first halves, then of all second ones
	number []uint64 // if points are split: our numbers by those of the file, see split; room for 2048
	tables **byte   // what kernels look up, see asmTables: a variable of the package, so that assembly finds it
}

func (g *grid) vecs() int { return 32 / g.size / 4 } // of numbers, per block

// scales, bits and marks (the masks) are offsets of parts of a unit, blocks that of
// the first block.
func (g *grid) scales() int { return 32 }

func (g *grid) bits() int {
	if g.halves {
		return g.scales() + 128
	}
	return g.scales() + 64
}

func (g *grid) marks() int { return g.bits() + 64*g.rests }

func (g *grid) blocks() int { return g.marks() + 8*8*g.vecs()*g.masks }

func (g *grid) blockBytes() int {
	if g.signs {
		return 64*g.vecs() + 64
	}
	return 64 * g.vecs()
}

func (g *grid) bytes() int { return g.blocks() + 8*g.blockBytes() }

// layout returns the layout of the type.
func (g *grid) layout() *layout {
	l := &layout{t: g.t, kind: Q8K, cols: 256, bytes: g.bytes(), pack: g.pack, unpack: g.unpack, grid: g, wide: wide32}
	if g.halves {
		l.wide = wide16
	}
	l.arranged = q8kBytes
	if g.halves && !g.signs {
		l.arranged += 64 // the sums of points
	}
	return l
}

var (
	gridIQ1S = &grid{
		t: quant.IQ1_S, points: 2048, size: 8, rests: 4, rectangles: rectanglesIQ1, factor: 0.125, tables: &tablesIQ1_S,
	}
	gridIQ1M = &grid{
		t: quant.IQ1_M, points: 2048, size: 8, rests: 4, masks: 1, rectangles: rectanglesIQ1, halves: true, factor: 0.125, tables: &tablesIQ1_M,
	}
	gridIQ2XXS = &grid{
		t: quant.IQ2_XXS, points: 256, size: 8, signs: true, factor: 0.125, tables: &tablesIQ2_XXS,
	}
	gridIQ2XS = &grid{
		t: quant.IQ2_XS, points: 512, size: 8, masks: 1, signs: true, halves: true, factor: 0.125, tables: &tablesIQ2_XS,
	}
	gridIQ2S = &grid{
		t: quant.IQ2_S, points: 1024, size: 8, rests: 3, rectangles: rectanglesIQ2S, signs: true, halves: true, factor: 0.125,
		tables: &tablesIQ2_S,
	}
	gridIQ3XXS = &grid{
		t: quant.IQ3_XXS, points: 256, size: 4, signs: true, factor: 0.25, tables: &tablesIQ3_XXS,
	}
	gridIQ3S = &grid{
		t: quant.IQ3_S, points: 512, size: 4, masks: 1, signs: true, factor: 1, tables: &tablesIQ3_S,
	}
)

// The tables of the types, for the assembly.
var tablesIQ1_S, tablesIQ1_M, tablesIQ2_XXS, tablesIQ2_XS, tablesIQ2_S, tablesIQ3_XXS, tablesIQ3_S *byte

// prepare makes the tables, when the first matrix of the type is made.
func (g *grid) prepare() {
	g.once.Do(func() {
		g.codes = g.list()
		if g.rests > 0 {
			g.split()
		}
		*g.tables = &g.asmTables()[0]
	})
}

// list returns the values of all points, those of IQ1 shifted up. It finds them by
// unpacking blocks that are zero but for the number of the first point.
func (g *grid) list() []int8 {
	codes := make([]int8, 0, g.points*g.size)
	q, scale := make([]int8, q8kCols), make([]float32, q8kCols/quant.GroupElems)
	for i := range g.points {
		block := make([]byte, g.t.BlockBytes())
		g.put(block, i)
		if err := quant.Unpack(g.t, block, q, scale, nil); err != nil {
			panic("matmul: " + err.Error()) // the sizes are those of the type
		}
		codes = append(codes, q[:g.size]...)
	}
	return codes
}

// split renumbers the points and makes codes those of halves.
func (g *grid) split() {
	values := g.values()
	s := g.splitPoints(g.pairs(g.codes))
	g.codes, g.number = nil, s.number
	for _, half := range s.half {
		for _, n := range half {
			for range 4 {
				g.codes = append(g.codes, values[n%len(values)])
				n /= len(values)
			}
		}
	}
}

// pairs returns points as pairs of halves: a vector is a number whose digits are its
// coordinates, the first one being the lowest.
func (g *grid) pairs(codes []int8) [][2]int {
	values := distinct(codes)
	vector := func(q []int8) (n int) {
		for _, v := range slices.Backward(q) {
			digit, _ := slices.BinarySearch(values, v)
			n = n*len(values) + digit
		}
		return n
	}
	pairs := make([][2]int, g.points)
	for i := range pairs {
		q := codes[8*i:][:8]
		pairs[i] = [2]int{vector(q[:4]), vector(q[4:])}
	}
	return pairs
}

// point returns the values of the coordinates of a point in two parts, of which
// the second is empty unless the points are split.
func (g *grid) point(num int) (first, second []int8) {
	if g.rests == 0 {
		return g.codes[num*g.size:][:g.size], nil
	}
	a, b := g.halfNumbers(num)
	return g.codes[4*a:][:4], g.codes[4*(g.entries()+b):][:4]
}

// put writes the number of the first point into an empty block.
func (g *grid) put(b []byte, i int) {
	low, high := 2, map[quant.Type]int{quant.IQ1_S: 34, quant.IQ1_M: 32, quant.IQ2_XS: 3, quant.IQ2_S: 66, quant.IQ3_S: 66}[g.t]
	if g.t == quant.IQ1_M {
		low = 0
	}
	b[low] = byte(i)
	if high > 0 {
		b[high] = byte(i >> 8)
	}
}

// values returns the different values of coordinates in rising order: digit k
// stands for the k-th.
func (g *grid) values() []int8 { return distinct(g.codes) }

func distinct(codes []int8) []int8 {
	v := slices.Clone(codes)
	slices.Sort(v)
	return slices.Compact(v)
}
