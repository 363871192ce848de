package main

import "fmt"

// A gridType mirrors the grid of package matmul, which describes the bytes of a
// unit and of the tables.
type gridType struct {
	name           string
	points, size   int // entries of a plane, and coordinates per point
	masks, rests   int
	signs, halves  bool
	factor         uint32 // float32 bits of what d is multiplied with
	scaleBits, one uint32 // masks that make the odd number 2s+1 of a nibble s
}

const (
	eighth = 0x3e000000
	fourth = 0x3e800000
	whole  = 0x3f800000
)

var gridTypes = []gridType{
	{name: "IQ1_S", points: 256, size: 8, rests: 4, factor: eighth, scaleBits: 0x0e},
	{name: "IQ1_M", points: 256, size: 8, masks: 1, rests: 4, halves: true, factor: eighth, scaleBits: 0x0e},
	{name: "IQ2_XXS", points: 256, size: 8, signs: true, factor: eighth, scaleBits: 0x1e},
	{name: "IQ2_XS", points: 512, size: 8, masks: 1, signs: true, halves: true, factor: eighth, scaleBits: 0x1e},
	{name: "IQ2_S", points: 128, size: 8, rests: 3, signs: true, halves: true, factor: eighth, scaleBits: 0x1e},
	{name: "IQ3_XXS", points: 256, size: 4, signs: true, factor: fourth, scaleBits: 0x1e},
	{name: "IQ3_S", points: 512, size: 4, masks: 1, signs: true, factor: whole, scaleBits: 0x1e},
}

func (g *gridType) vecs() int { return 32 / g.size / 4 }

func (g *gridType) bits() int {
	if g.halves {
		return 32 + 128
	}
	return 32 + 64
}

func (g *gridType) marks() int { return g.bits() + 64*g.rests }

func (g *gridType) blocks() int { return g.marks() + 64*g.vecs()*g.masks }

func (g *gridType) blockBytes() int {
	if g.signs {
		return 64*g.vecs() + 64
	}
	return 64 * g.vecs()
}

func (g *gridType) bytes() int { return g.blocks() + 8*g.blockBytes() }

// wide is the number of columns per scale, and the first code, of the wide layout.
func (g *gridType) wide() (block, codes, bytes int) {
	if g.halves {
		return 16, 320, 4416
	}
	return 32, 192, 4288
}

// Offsets in the tables, which R12 points to.
const (
	tableDigits = 0
	tableOthers = 4 * 64
	tableValues = 12 * 64
	tableFields = 13 * 64
	tableColumn = 17 * 64
	tablePlanes = 18 * 64
)

// segments is the number of pairs of 64-byte tables that a plane consists of: one
// permutation looks up seven bits of a number.
func (g *gridType) segments() int { return g.points / 128 }

func (g *gridType) segment(plane, i, half int) int {
	return tablePlanes + plane*g.points + 128*i + 64*half
}

// A gridWriter writes the expansion of units of a grid type. Registers:
//
//	Z0..Z7    left to the user, but see below
//	Z8..Z15   the planes, if they have 256 entries; or Z8..Z11 tables, and Z12 and
//	          Z13 results of a part of a plane; or Z8..Z11 the planes and Z12 a mask
//	Z16..Z19  controls of digits
//	Z20       values; of IQ1 in Z0, and here a mask
//	Z21       0x03 in all bytes
//	Z22..Z25  planes: first and second of the first vector of numbers, then of the other;
//	          and, of every other pair if next is set, Z2, Z3, Z6 and Z7
//	Z26       scales
//	Z27       signs or shifts
//	Z28, Z29  numbers; later codes
//	Z30, Z31  masks for scales
//	K1..K4    the eighth bit of numbers unset and set, of both vectors
//	K5        shifts; K6 the ninth bit of numbers
//	R12       tables
type gridWriter struct {
	f    *file
	g    *gridType
	pre  *prefetcher
	next bool               // look up a pair before the quads of the one before it
	each func(b, vec int)   // uses the planes of block b, whose first vector in the pair is vec
	quad func(b, q int)     // uses the codes of a quad, in Z28
	ends func(b, first int) // uses the scale of columns from 16*first on, in Z26
}

// constants loads what stays in registers.
func (w *gridWriter) constants() {
	f, g := w.f, w.g
	f.p("MOVQ ·tables%s(SB), R12", g.name)
	for k := range 4 {
		f.p("VMOVDQU64 %d(R12), Z%d", tableDigits+64*k, 16+k)
	}
	if g.signs {
		f.p("VMOVDQU64 %d(R12), Z20", tableValues)
		f.p("%s", bcast("mask03", "Z21"))
	} else {
		f.p("VMOVDQU64 %d(R12), Z0", tableValues)
	}
	f.p("%s", bcast(fmt.Sprintf("scale%02x", g.scaleBits), "Z30"))
	f.p("%s", bcast("lowest", "Z31"))
	w.planes()
}

// planes loads planes of up to 256 entries, and what upper needs.
func (w *gridWriter) planes() {
	f, g := w.f, w.g
	if g.segments() <= 2 {
		for i := range 4 * g.segments() {
			n := 2 * g.segments() // per plane
			f.p("VMOVDQU64 %d(R12), Z%d", g.segment(i/n, i%n/2, i%2), 8+i)
		}
	}
	switch g.rests {
	case 4:
		f.p("%s", bcast("mask87", "Z20"))
	case 3:
		f.p("%s", bcast("mask38", "Z12"))
	}
}

// unit expands a unit: two vectors of numbers at a time, which share the loads of
// tables. These are two blocks, or one whose points have four coordinates.
func (w *gridWriter) unit() {
	step := 2 / w.g.vecs()
	if w.next {
		w.lookups(0)
	}
	for b := 0; b < 8; b += step {
		switch {
		case !w.next:
			w.lookups(b)
		case b+step < 8:
			w.lookups(b + step)
		}
		for i := range step {
			w.each(b+i, i)
		}
	}
}

// lookups looks up the pair that begins with block b.
func (w *gridWriter) lookups(b int) {
	w.numbers(b)
	for plane := range 2 {
		to := []string{w.plane(b, 0, plane), w.plane(b, 1, plane)}
		from := []string{"Z28", "Z29"}
		if plane == 1 && w.g.rests > 0 {
			w.upper(b, to)
			from = to
		}
		w.part(b, plane, w.levels(), 0, from, to)
	}
}

// plane is the register of a plane of vector vec of the pair with block b.
func (w *gridWriter) plane(b, vec, plane int) string {
	if w.next && b*w.g.vecs()/2%2 == 1 {
		return []string{"Z2", "Z3", "Z6", "Z7"}[2*vec+plane]
	}
	return fmt.Sprintf("Z%d", 22+2*vec+plane)
}

// at is the offset of vector vec of the pair that begins with block b.
func (w *gridWriter) at(b, vec int) int {
	g := w.g
	if g.vecs() == 2 {
		return g.blocks() + b*g.blockBytes() + 64*vec
	}
	return g.blocks() + (b+vec)*g.blockBytes()
}

// mask is the offset of the mask of the same vector.
func (w *gridWriter) mask(b, vec int) int {
	return w.g.marks() + 8*(b*w.g.vecs()+vec)
}

// numbers loads two vectors of numbers, and splits them by their eighth bits if tables
// have that many entries.
func (w *gridWriter) numbers(b int) {
	for vec := range 2 {
		load(w.f, w.pre, w.at(b, vec), fmt.Sprintf("Z%d", 28+vec))
		if w.g.segments() > 1 {
			w.f.p("VPMOVB2M Z%d, K%d", 28+vec, 2+2*vec)
			w.f.p("KNOTQ K%d, K%d", 2+2*vec, 1+2*vec)
		}
	}
}

// upper makes the numbers of second halves. See join and putRests.
func (w *gridWriter) upper(b int, to []string) {
	f := w.f
	if w.g.rests == 4 {
		// The eighth bit is that of the first half.
		f.p("VPSLLW $3, %d(SI), %s", w.g.bits()+64*(b/2), to[0])
		f.p("VPSRLW $1, %d(SI), %s", w.g.bits()+64*(b/2), to[1])
		for vec, t := range to {
			f.p("VPTERNLOGD $0xd8, Z20, Z%d, %s // four bits of the number, four of the rest", 28+vec, t)
		}
		return
	}
	rest := func(v int) int { return w.g.bits() + 64*v }
	for vec, t := range to {
		num := fmt.Sprintf("Z%d", 28+vec)
		f.p("VPSRLW $1, %s, %s", num, num)
		switch {
		case b == 6:
			f.p("VPSRLW $3, %d(SI), %s", rest(2*vec), t)
			f.p("VPTERNLOGD.BCST $0xe4, mask18<>(SB), %s, %s", num, t)
			f.p("VPSRLW $%d, %d(SI), %s", 1+vec, rest(1), num)
			f.p("VPTERNLOGD.BCST $0xd8, mask20<>(SB), %s, %s", num, t)
			continue
		case vec == 0:
			f.p("VMOVDQU64 %d(SI), %s", rest(b/2), t)
		default:
			f.p("VPSLLW $3, %d(SI), %s", rest(b/2), t)
		}
		f.p("VPTERNLOGD $0xe4, Z12, %s, %s // three bits of the rest, the others of the number", num, t)
	}
}

// levels is the number of bits above the eighth that choose a part of a plane.
func (w *gridWriter) levels() int {
	n := 0
	for s := w.g.segments(); s > 2; s /= 2 {
		n++
	}
	return n
}

// part looks up both vectors of numbers in a part of a plane. The permutations of a
// leaf leave alone the bytes that belong to the other, so the second finds its
// numbers in place; the results of parts are then merged by the ninth bit.
func (w *gridWriter) part(b, plane, level, first int, from, to []string) {
	f, g := w.f, w.g
	if level == 1 {
		other := []string{"Z12", "Z13"}
		w.part(b, plane, 0, 0, from, to)
		w.part(b, plane, 0, 1, from, other)
		for vec, r := range to {
			f.p("KMOVQ %d(SI), K6", w.mask(b, vec))
			f.p("VPBLENDMB %s, %s, K6, %s", other[vec], r, r)
		}
		return
	}
	var t [4]string
	for i := range t {
		t[i] = fmt.Sprintf("Z%d", 8+i+2*plane*g.segments())
		if g.segments() > 2 {
			t[i] = fmt.Sprintf("Z%d", 8+i)
			f.p("VMOVDQU64 %d(R12), %s", g.segment(plane, 2*first+i/2, i%2), t[i])
		}
	}
	for vec, r := range to {
		if from[vec] != r {
			f.p("VMOVDQA64 %s, %s", from[vec], r)
		}
		if g.segments() == 1 {
			f.p("VPERMI2B %s, %s, %s", t[1], t[0], r)
			continue
		}
		f.p("VPERMI2B %s, %s, K%d, %s", t[1], t[0], 1+2*vec, r)
		f.p("VPERMI2B %s, %s, K%d, %s", t[3], t[2], 2+2*vec, r)
	}
}

// block writes the quads of a block; vec is its first vector in the pair.
func (w *gridWriter) block(b, vec int) {
	f, g := w.f, w.g
	switch {
	case g.signs:
		load(f, w.pre, w.at(b, 0)+64*g.vecs(), "Z27")
	case g.halves: // a shift per point
		f.p("KMOVQ %d(SI), K5", w.mask(b-vec, vec))
		f.p("VPMOVM2B K5, Z27")
		f.p("VPADDB Z27, Z27, Z27")
	default:
		w.shift(b)
	}
	for q := range 8 {
		switch {
		case g.size == 4:
			w.quad4(b, q)
		case g.signs:
			w.quadSigned(b, vec, q)
		default:
			w.quadShifted(b, vec, q)
		}
		w.quad(b, q)
		if g.halves && q%4 == 3 {
			w.scale(b, q/4)
		}
	}
	if !g.halves {
		w.scale(b, 0)
	}
}

// shift puts -2 into the bytes of rows whose block is shifted down.
func (w *gridWriter) shift(b int) {
	w.f.p("VPMOVZXBD %d(SI), Z27", 32+16*(b/2))
	w.f.p("VPSLLD $%d, Z27, Z27", 28-b%2*4)
	w.f.p("VPSRAD $31, Z27, Z27")
	w.f.p("VPADDB Z27, Z27, Z27")
}

// scale puts the odd numbers of half h of block b into Z26.
func (w *gridWriter) scale(b, h int) {
	at, upper := 32+16*(b/2), b%2 == 1
	if w.g.halves {
		at, upper = 32+16*b, h == 1
	}
	w.f.p("VPMOVZXBD %d(SI), Z26", at)
	if upper {
		w.f.p("VPSRLD $3, Z26, Z26")
	} else {
		w.f.p("VPADDD Z26, Z26, Z26")
	}
	w.f.p("VPTERNLOGD $0xea, Z31, Z30, Z26 // s & mask | 1")
	w.ends(b, h)
}

// quadSigned: digits at bits 0 and 1, the sign at bit 2.
func (w *gridWriter) quadSigned(b, vec, q int) {
	w.f.p("VPMULTISHIFTQB %s, Z%d, Z28", w.plane(b, vec, q%2), 16+q/2)
	w.f.p("VMOVDQU64 %d(R12), Z29", tableOthers+64*q)
	w.f.p("VPMULTISHIFTQB Z27, Z29, Z29")
	w.f.p("VPTERNLOGD $0xe4, Z21, Z29, Z28 // the lower bits of Z28, the upper of Z29")
	w.f.p("VPERMB Z20, Z28, Z28")
}

// quadShifted: digits without a sign, and a shift.
func (w *gridWriter) quadShifted(b, vec, q int) {
	if w.g.halves && q%2 == 0 {
		w.f.p("VPSHUFB %d(R12), Z27, Z29", tableOthers+64*(q/2))
	}
	w.f.p("VPMULTISHIFTQB %s, Z%d, Z28", w.plane(b, vec, q%2), 16+q/2)
	w.f.p("VPERMB Z0, Z28, Z28")
	if w.g.halves {
		w.f.p("VPADDB Z29, Z28, Z28")
	} else {
		w.f.p("VPADDB Z27, Z28, Z28")
	}
}

// quad4: digits at bits 0 to 2, of which the second plane has the upper ones, and
// the sign at bit 3. The signs join the second plane, at the bits between.
func (w *gridWriter) quad4(b, q int) {
	vec := q / 4
	upper := w.plane(b, vec, 1)
	if q == 4 {
		w.f.p("VPADDD Z27, Z27, Z27")
	}
	if q%4 == 0 {
		w.f.p("VPTERNLOGD.BCST $0xf8, maskAA<>(SB), Z27, %s // | signs & 0xaa", upper)
	}
	w.f.p("VPMULTISHIFTQB %s, Z%d, Z28", w.plane(b, vec, 0), 16+q%4)
	w.f.p("VMOVDQU64 %d(R12), Z29", tableOthers+64*(q%4))
	w.f.p("VPMULTISHIFTQB %s, Z29, Z29", upper)
	w.f.p("VPTERNLOGD $0xe4, Z21, Z29, Z28")
	w.f.p("VPERMB Z20, Z28, Z28")
}
