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
//	u64 mask [vectors of numbers][bits]: a further bit of each of the 64 numbers
//	8 blocks of 32 columns: 1 or 2 vec of the low bytes of numbers, then, if the
//	type has signs, a vec of 32 signs per row
//
// The points of IQ1 are renumbered, see rectangle, with 12 bits instead of 11.
// Byte k of row r in a vec of numbers is that of the k-th point of the block (of
// the half block, if points have 4 coordinates). A nibble s stands for the odd
// number 2s+1; in IQ1_S its top bit is the shift.
type grid struct {
	t      quant.Type
	points int     // in the list
	size   int     // coordinates per point
	masks  int     // bits per number beyond eight; IQ1_M has its shifts as a fifth
	signs  bool    // signs are stored apart
	halves bool    // a scale per 16 columns
	factor float32 // what d is multiplied with

	once   sync.Once
	codes  []int8   // the values of all points; of IQ1, of all first halves, then of all second ones
	number []uint32 // of IQ1: our numbers by those of the file, with bits 8 to 11 at 8, 12, 16 and 20
	tables **byte   // what kernels look up, see asmTables: a variable of the package, so that assembly finds it
}

func (g *grid) vecs() int { return 32 / g.size / 4 } // of numbers, per block

// scales and bits are offsets of parts of a unit, blocks that of the first block.
func (g *grid) scales() int { return 32 }

func (g *grid) bits() int {
	if g.halves {
		return g.scales() + 128
	}
	return g.scales() + 64
}

func (g *grid) blocks() int { return g.bits() + 8*8*g.vecs()*g.masks }

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
	return l
}

var (
	gridIQ1S = &grid{
		t: quant.IQ1_S, points: 2048, size: 8, masks: 4, factor: 0.125, tables: &tablesIQ1_S,
	}
	gridIQ1M = &grid{
		t: quant.IQ1_M, points: 2048, size: 8, masks: 5, halves: true, factor: 0.125, tables: &tablesIQ1_M,
	}
	gridIQ2XXS = &grid{
		t: quant.IQ2_XXS, points: 256, size: 8, signs: true, factor: 0.125, tables: &tablesIQ2_XXS,
	}
	gridIQ2XS = &grid{
		t: quant.IQ2_XS, points: 512, size: 8, masks: 1, signs: true, halves: true, factor: 0.125, tables: &tablesIQ2_XS,
	}
	gridIQ2S = &grid{
		t: quant.IQ2_S, points: 1024, size: 8, masks: 2, signs: true, halves: true, factor: 0.125, tables: &tablesIQ2_S,
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
		if !g.signs {
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

// split renumbers the points of IQ1 and makes codes those of halves.
func (g *grid) split() {
	values := g.values()
	vector := func(q []int8) (n int) {
		for i := range q {
			digit, _ := slices.BinarySearch(values, q[len(q)-1-i])
			n = n*len(values) + digit
		}
		return n
	}
	pairs := make([][2]int, g.points)
	for i := range pairs {
		q := g.codes[8*i:][:8]
		pairs[i] = [2]int{vector(q[:4]), vector(q[4:])}
	}
	s := splitPoints(pairs)
	g.codes = nil
	for _, n := range s.number {
		n := uint32(n)
		g.number = append(g.number, n&0x1ff|n&0x200<<3|n&0x400<<6|n&0x800<<9)
	}
	for _, half := range s.half {
		for _, n := range half {
			for range 4 {
				g.codes = append(g.codes, values[n%len(values)])
				n /= len(values)
			}
		}
	}
}

// point returns the values of the coordinates of a point in two parts, of which
// the second is empty unless the points are split.
func (g *grid) point(num int) (first, second []int8) {
	if g.signs {
		return g.codes[num*g.size:][:g.size], nil
	}
	upper := num&63 | num>>9&7<<6
	return g.codes[num&511*4:][:4], g.codes[2048+4*upper:][:4]
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
func (g *grid) values() []int8 {
	v := slices.Clone(g.codes)
	slices.Sort(v)
	return slices.Compact(v)
}
