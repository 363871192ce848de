package matmul

import "slices"

// Offsets in the memory that asmTables makes.
const (
	tableDigits = 0       // 4 vec: controls that bring the digits of point k to the bytes of a lane
	tableOthers = 4 * 64  // 8 vec: likewise for signs, upper digits or shifts
	tableValues = 12 * 64 // 1 vec: values by digit and sign
	tableFields = 13 * 64 // 4 vec: values by the fields of a byte of digits
	tableColumn = 17 * 64 // 1 vec: the columns of activations in the order of fields
	tablePlanes = 18 * 64 // two bytes of digits of each point, in planes of their own
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
				*at = byte(lane+g.signAt(k, i)-2) & 63 // the sign at bit 2
			default:
				*at = byte(p%16/4*4 + k%4) // for a shuffle
			}
		}
		t[tableValues+p] = byte(g.value(p)) + 128
	}
	if g.size == 8 {
		g.fields(t[tableFields:])
	}
	g.planes(t[tablePlanes:])
	copy(t[tablePlanes+2*g.entries():], bytesOfCodes(g.codes))
	return t
}

// fields writes what kernels of points of 8 coordinates look up. They take the digits
// of a byte from where they are: the columns of a quad are those of the same digit
// of the four bytes of a lane, and the activations are brought into that order. The
// byte of digits has signs in place of two digits:
//
//	digits 0 and 1 at bits 0 and 2, signs at 4 and 5
//	digits 2 and 3 at bits 2 and 4, signs at 0 and 1: shifted down by two bits
//
// The digits of IQ1 come without signs, and count 64 times: the last one is taken
// by a mask.
func (g *grid) fields(t []byte) {
	for p := range 64 {
		column := p &^ 31
		column += g.column(p%32/16, p%16/4, p%4)
		t[tableColumn-tableFields+p] = byte(column)
		for f := range 4 {
			at := &t[64*f+p]
			switch {
			case !g.signs && f == 3:
				*at = 0xc0
			case !g.signs:
				*at = byte(p>>(2*f)) << 6
			default:
				digit, sign := p>>(2*f)&3, p>>(4+f)&1
				if f >= 2 {
					digit, sign = p>>(2*f-2)&3, p>>(f-2)&1
				}
				*at = byte(g.value(digit|sign<<2)) + 128
			}
		}
	}
}

// column returns which of 32 columns is digit f of byte b of a lane of vector v. The
// vectors are the planes; or, where each half of a block has a scale of its own, the
// halves, of which the second has those of the second plane first.
func (g *grid) column(v, f, b int) int {
	if !g.halves {
		return 8*b + 4*v + f
	}
	return 16*v + 8*(b%2) + 4*(b/2^v) + f
}

// signAt returns the bit of a lane of signs that belongs to coordinate i of quad q.
// A byte has the signs of digits 0, 1, 2 and 3 of its digits in the first vector at
// bits 0, 1, 6 and 7, and of those in the second at bits 4, 5, 2 and 3.
func (g *grid) signAt(q, i int) int {
	for b := range 4 {
		for v := range 2 {
			if g.column(v, i, b) == 4*q+i {
				return 8*b + [2][4]int{{0, 1, 6, 7}, {4, 5, 2, 3}}[v][i]
			}
		}
	}
	panic("matmul: no such column") // the quads are 0 to 7
}

// entries is the number of bytes in a plane.
func (g *grid) entries() int {
	if g.rests > 0 {
		return len(g.rectangles) / 2 // side numbers per rectangle, of 2*side letters
	}
	return g.points
}

// planes writes the digits of all points, or of all halves.
func (g *grid) planes(t []byte) {
	values, n := g.values(), g.entries()
	size := len(g.codes) / n // coordinates of both planes
	for i, v := range g.codes {
		point, c := i/size, i%size
		if g.rests > 0 { // all first halves come before all second ones
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
