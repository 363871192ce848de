package main

import "fmt"

// A fieldWriter writes a kernel for points of eight coordinates. It multiplies the
// digits of a byte where they are, without moving them to a place of their own: the
// quad of digit f of the four bytes of a lane has columns that are four or eight
// apart, and the activations were brought into that order. See
// the fields of package matmul's grid.
//
// The registers are those of gridWriter, but for
//
//	Z16..Z19  values by fields; of IQ1 the last is a mask
//	Z20, Z21  masks of signs; of IQ1 Z20 is that of upper, and Z21 -16 in all words
//	Z26       scales; of all blocks that share bytes of scales
//	Z28, Z29  free between lookups
//	K7        words of the first point of each pair
//
// Units of arranged activations are those of Q8K with their codes in another order,
// but for IQ1. A code of IQ1 is 8q-8+1 or 8q-8-1, and the kernel sums 64q, so it
// starts with -56 or -72 times the sum of the activations. The type with a shift per
// block has both at 256 and 288, by blocks. The other has the first at 256, by halves
// of blocks, and at 384, as words, the sums of the activations of each point.
type fieldWriter struct {
	gridWriter
	ny int
}

func newFieldWriter(f *file, g *gridType, pre *prefetcher, ny int) *fieldWriter {
	w := &fieldWriter{gridWriter: gridWriter{f: f, g: g, pre: pre, next: ny <= 2}, ny: ny}
	w.each = w.block
	return w
}

// constants loads what stays in registers.
func (w *fieldWriter) constants() {
	f, g := w.f, w.g
	f.p("MOVQ ·tables%s(SB), R12", g.name)
	for k := range 4 {
		f.p("VMOVDQU64 %d(R12), Z%d", tableFields+64*k, 16+k)
	}
	if g.signs {
		f.p("%s", bcast("mask30", "Z20"))
		f.p("%s", bcast("mask0C", "Z21"))
	} else {
		f.p("%s", bcast("down16", "Z21"))
	}
	f.p("%s", bcast(fmt.Sprintf("scale%02x", g.scaleBits), "Z30"))
	f.p("%s", bcast("lowest", "Z31"))
	if g.halves {
		f.p("MOVL $0x55555555, R13")
		f.p("KMOVD R13, K7")
	}
	w.planes()
}

// arranger writes what brings the activations of units into the order of the fields.
func arranger(f *file, g *gridType) {
	f.raw("// func vbmiArrange%s(dst, src *byte, n int)", g.name)
	f.raw("TEXT ·vbmiArrange%s(SB), NOSPLIT, $0-24", g.name)
	f.p("MOVQ dst+0(FP), DI")
	f.p("MOVQ src+8(FP), SI")
	f.p("MOVQ n+16(FP), CX")
	f.p("MOVQ ·tables%s(SB), R12", g.name)
	f.p("VMOVDQU64 %d(R12), Z0", tableColumn)
	f.p("%s", bcast("down56", "Z1"))
	f.p("%s", bcast("down72", "Z2"))
	f.p("%s", bcast("mask80", "Z3"))
	f.p("VPXORD Z4, Z4, Z4")
	f.raw("loop:")
	for v := range 4 {
		f.p("VPERMB %d(SI), Z0, Z5", 64*v)
		f.p("VMOVDQU64 Z5, %d(DI)", 64*v)
	}
	f.p("VMOVDQU64 320(SI), Z5")
	f.p("VMOVDQU64 Z5, 320(DI)")
	switch {
	case g.signs:
		f.p("VMOVDQU64 256(SI), Z5")
		f.p("VMOVDQU64 Z5, 256(DI)")
	case g.halves:
		f.p("VPMOVSXWD 320(SI), Z5")
		f.p("VPMULLD Z1, Z5, Z5")
		f.p("VMOVDQU32 Z5, 256(DI)")
		for v := range 4 { // the sum of eight bytes and 8*128
			f.p("VPXORD %d(SI), Z3, Z5", 64*v)
			f.p("VPSADBW Z4, Z5, Z5")
			f.p("VPSUBQ.BCST point<>(SB), Z5, Z5")
			f.p("VPMOVQW Z5, %d(DI)", 384+16*v)
		}
	default:
		f.p("VPMOVSXWD 352(SI), Y5")
		f.p("VPMULLD Y1, Y5, Y6")
		f.p("VPMULLD Y2, Y5, Y7")
		f.p("VMOVDQU32 Y6, 256(DI)")
		f.p("VMOVDQU32 Y7, 288(DI)")
	}
	f.p("ADDQ $384, SI")
	f.p("ADDQ $%d, DI", g.arranged())
	f.p("DECQ CX")
	f.p("JNE loop")
	f.p("VZEROUPPER")
	f.p("RET\n")
}

// arranged is the number of bytes of a unit of arranged activations.
func (g *gridType) arranged() int {
	if g.halves && !g.signs {
		return 448
	}
	return 384
}

// block multiplies a block with all rows; vec is its first vector in the pair.
func (w *fieldWriter) block(b, vec int) {
	f, g := w.f, w.g
	v := [2]string{w.plane(b, vec, 0), w.plane(b, vec, 1)}
	if g.halves {
		f.p("VPROLD $16, %s, Z28", v[1])
		f.p("VPBLENDMW Z28, %s, K7, %s", v[0], v[1])
		f.p("VPBLENDMW %s, Z28, K7, %s", v[0], v[0])
	}
	if g.signs {
		load(f, w.pre, w.at(b, 0)+64, "Z27")
	}
	if g.halves || b%2 == 0 {
		w.scales(b)
	}
	if g.halves && !g.signs {
		f.p("MOVQ %d(SI), R13", w.mask(b-vec, vec))
	}
	for i := range 2 {
		if g.halves || i == 0 {
			w.start(b, i)
		}
		if g.signs {
			w.signed(b, i, v[i], v[0])
		} else {
			w.plain(b, i, v[i])
		}
		if g.halves || i == 1 {
			w.end(b, i)
		}
	}
}

// scales loads the bytes of scales of block b, and of the next if they share it.
func (w *fieldWriter) scales(b int) {
	at := 32 + 16*(b/2)
	if w.g.halves {
		at = 32 + 16*b
	}
	w.f.p("VPMOVZXBD %d(SI), Z26", at)
}

// start begins the sums of block b, or of its half i.
func (w *fieldWriter) start(b, i int) {
	f, g := w.f, w.g
	switch {
	case g.signs && g.halves:
		f.p("INIT%d(%d)", w.ny, 256+8*b+4*i)
	case g.signs:
		f.p("INIT%d(%d)", w.ny, 256+8*b)
		f.p("PLUS%d(%d)", w.ny, 256+8*b+4)
	case g.halves:
		f.p("MOVQ $0x%x, R15", uint64(0x3333333333333333)<<(2*i))
		f.p("PEXTQ R15, R13, R15")
		f.p("KMOVD R15, K5")
		f.p("VMOVDQU16.Z Z21, K5, Z28")
		for c := range w.ny {
			f.p("VPBROADCASTD %d(%s), Z%d", 256+8*b+4*i, vnniCols[c], c)
			f.p("VPDPWSSD.BCST %d(%s), Z28, Z%d", 384+8*b+4*i, vnniCols[c], c)
		}
	default:
		f.p("VPTESTMD.BCST shift%d<>(SB), Z26, K5", b%2)
		for c := range w.ny {
			f.p("VPBROADCASTD %d(%s), Z%d", 256+4*b, vnniCols[c], c)
			f.p("VPBROADCASTD %d(%s), K5, Z%d", 288+4*b, vnniCols[c], c)
		}
	}
}

// dot multiplies the quad of digit d of vector i.
func (w *fieldWriter) dot(b, i, d int, codes string) {
	w.f.p("DOT%d(%d, %s)", w.ny, 32*b+16*i+4*d, codes)
}

// signed multiplies the quads of a vector with signs; free may be overwritten, once
// the vector is not needed any more.
func (w *fieldWriter) signed(b, i int, v, free string) {
	f := w.f
	lower, upper := "Z29", "Z28"
	if i == 0 {
		f.p("VPSLLW $4, Z27, %s", lower)
		f.p("VPSRLW $4, Z27, %s", upper)
	} else {
		lower, upper = free, "Z27"
		f.p("VMOVDQA64 Z27, %s", lower)
	}
	f.p("VPTERNLOGD $0xe4, Z20, %s, %s // bits of the signs where Z20 is set, else digits", v, lower)
	f.p("VPTERNLOGD $0xe4, Z21, %s, %s", v, upper)
	f.p("VPSRLW $2, %s, %s", upper, upper)
	for d, from := range []string{lower, lower, upper, upper} {
		to := v
		if d%2 == 1 {
			to = from
		}
		f.p("VPERMB Z%d, %s, %s", 16+d, from, to)
		w.dot(b, i, d, to)
	}
}

// plain multiplies the quads of a vector of IQ1.
func (w *fieldWriter) plain(b, i int, v string) {
	for d := range 3 {
		to := [2]string{"Z28", "Z29"}[d%2]
		w.f.p("VPERMB Z%d, %s, %s", 16+d, v, to)
		w.dot(b, i, d, to)
	}
	w.f.p("VPANDD %s, Z19, %s", v, v)
	w.dot(b, i, 3, v)
}

// end adds the sums of block b, or of its half i, times their scales to the unit's.
func (w *fieldWriter) end(b, i int) {
	f := w.f
	upper := b%2 == 1
	if w.g.halves {
		upper = i == 1
	}
	if upper {
		f.p("VPSRLD $3, Z26, Z28")
	} else {
		f.p("VPADDD Z26, Z26, Z28")
	}
	f.p("VPTERNLOGD $0xea, Z31, Z30, Z28 // s & mask | 1")
	for c := range w.ny {
		f.p("VPMULLD Z28, Z%d, Z%d", c, c)
		f.p("VPADDD Z%d, Z%d, Z%d", c, c+4, c+4)
	}
}
