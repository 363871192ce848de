package matmul

import "slices"

// Offsets in the memory that asmTables makes.
const (
	tableDigits = 0       // 4 vec: controls that bring the digits of point k to the bytes of a lane
	tableOthers = 4 * 64  // 8 vec: likewise for signs, upper digits or shifts
	tableValues = 12 * 64 // 1 vec: values by digit and sign
	tablePlanes = 13 * 64 // two bytes of digits of each point, in planes of their own
)

// asmTables returns what the kernels of a grid type look up. A point is kept as
// the digits of its coordinates, in two planes of bytes:
//
//	8 coordinates  two bits per digit: coordinates 0 to 3, and 4 to 7
//	4 coordinates  the lower two bits of digits; the upper bits, at even bits
//
// A plane is short enough for permutations of bytes, which look up 64 numbers at
// a time. A multishift then spreads the digits of one point over the four bytes
// of each lane, with the sign above; what is left above that does not matter,
// because the table of values repeats. After the planes come the values of all
// points as they are, for gathers.
func (g *grid) asmTables() []byte {
	t := alignedBytes(tablePlanes + 2*g.entries() + len(g.codes))
	for p := range 64 {
		lane, i := p%8/4*32, p%4
		for k := range 4 {
			t[tableDigits+64*k+p] = byte(lane + 8*k + 2*i)
		}
		for k := range 8 {
			at := &t[tableOthers+64*k+p]
			switch {
			case g.size == 4:
				*at = byte(lane+8*(k%4)+2*i-2) & 63 // the upper digit at bit 2, the sign at bit 3
			case g.signs:
				*at = byte(lane+4*k+i-2) & 63 // the sign at bit 2
			default:
				*at = byte(p%16/4*4 + k%4) // for a shuffle
			}
		}
		t[tableValues+p] = byte(g.value(p)) + 128
	}
	g.planes(t[tablePlanes:])
	copy(t[tablePlanes+2*g.entries():], bytesOfCodes(g.codes))
	return t
}

// entries is the number of bytes in a plane.
func (g *grid) entries() int {
	if g.signs {
		return g.points
	}
	return 8 * rectangles
}

// planes writes the digits of all points, or of all halves.
func (g *grid) planes(t []byte) {
	values, n := g.values(), g.entries()
	size := len(g.codes) / n // coordinates of both planes
	for i, v := range g.codes {
		point, c := i/size, i%size
		if !g.signs { // all first halves come before all second ones
			point, c = i/4%n, i/(4*n)*4+i%4
		}
		digit, _ := slices.BinarySearch(values, v)
		if g.size == 8 {
			t[c/4*n+point] |= byte(digit) << (c % 4 * 2)
			continue
		}
		t[point] |= byte(digit&3) << (2 * c)
		t[n+point] |= byte(digit>>2) << (2 * c)
	}
}

// value returns what the lower bits of p stand for: a digit and a sign.
func (g *grid) value(p int) int8 {
	values := g.values()
	width := 2
	if g.size == 4 {
		width = 3
	}
	digit := p & (1<<width - 1)
	if digit >= len(values) {
		return 0
	}
	if g.signs && p>>width&1 == 1 {
		return -values[digit]
	}
	return values[digit]
}
