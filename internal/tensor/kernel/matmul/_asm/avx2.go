package main

import "fmt"

// The AVX2 kernels handle a unit in two halves of eight rows. Registers:
//
//	SI        the unit, plus 32 bytes in the second half: codes and f32 scales
//	DI        the unit, plus 16 bytes: f16 scales and pairs of minimums
//	BX        the unit, plus 8 bytes: byte scales
//	DX        the sums, plus 32 bytes
//	R8..R11   rows of activations
//	R12       how far ahead to prefetch
//	R13       halves left
//	CX        units left
//
//	Y0..Y3    sums of 16-bit products (T), one per row of activations
//	Y4..Y7    sums of 32 bits (S)
//	Y8        the broadcast quad, then its products
//	Y9        codes, Y10 their magnitudes if signed, Y11 scales, Y12 free
//	Y13..Y15  constants
//
// VPMADDUBSW multiplies unsigned codes with signed activations and adds two
// neighbours into 16 bits. That saturates, so each type says how many quads may
// be added before the sum is widened: 8*2*15*127, 4*2*31*127 and 2*2*63*127 fit.
// Signed codes go in as magnitudes, with their signs moved to the activations.
var avx2Tiles = []int{1, 2, 4}

var avx2Cols = []string{"R8", "R9", "R10", "R11"}

func avx2Macros(f *file, ny int) {
	r := func(c int) string { return avx2Cols[c] }
	f.macro(fmt.Sprintf("FIRST%d(off, w)", ny), ny, func(c int) string {
		return fmt.Sprintf("VPBROADCASTD off(%s), Y8; VPMADDUBSW Y8, w, Y%d", r(c), c)
	})
	f.macro(fmt.Sprintf("MORE%d(off, w)", ny), ny, func(c int) string {
		return fmt.Sprintf("VPBROADCASTD off(%s), Y8; VPMADDUBSW Y8, w, Y8; VPADDW Y8, Y%d, Y%d", r(c), c, c)
	})
	f.macro(fmt.Sprintf("SFIRST%d(off)", ny), ny, func(c int) string {
		return fmt.Sprintf("VPBROADCASTD off(%s), Y8; VPSIGNB Y9, Y8, Y8; VPMADDUBSW Y8, Y10, Y%d", r(c), c)
	})
	f.macro(fmt.Sprintf("SMORE%d(off)", ny), ny, func(c int) string {
		return fmt.Sprintf("VPBROADCASTD off(%s), Y8; VPSIGNB Y9, Y8, Y8; VPMADDUBSW Y8, Y10, Y8; VPADDW Y8, Y%d, Y%d", r(c), c, c)
	})
	// One quad of signed codes fills 16 bits: widen at once, with the factor s.
	f.macro(fmt.Sprintf("SWIDE%d(off, s)", ny), ny, func(c int) string {
		return fmt.Sprintf("VPBROADCASTD off(%s), Y8; VPSIGNB Y9, Y8, Y8; VPMADDUBSW Y8, Y10, Y8; VPMADDWD s, Y8, Y8; VPADDD Y8, Y%d, Y%d", r(c), c+4, c+4)
	})
	f.macro(fmt.Sprintf("WIDEN%d(s)", ny), ny, func(c int) string {
		return fmt.Sprintf("VPMADDWD s, Y%d, Y%d; VPADDD Y%d, Y%d, Y%d", c, c, c, c+4, c+4)
	})
	f.macro(fmt.Sprintf("CLEAR%d", ny), ny, func(c int) string {
		return fmt.Sprintf("VPXOR Y%d, Y%d, Y%d", c+4, c+4, c+4)
	})
	f.macro(fmt.Sprintf("NEXT%d(n)", ny), ny, func(c int) string {
		return fmt.Sprintf("ADDQ $n, %s", r(c))
	})
}

func avx2Start(f *file, name string, ny int) {
	f.raw("// func %s(w *byte, n int, x *byte, offs *int, out *float32, more int)", name)
	f.raw("TEXT ·%s(SB), NOSPLIT, $0-48", name)
	f.p("MOVQ w+0(FP), SI")
	f.p("MOVQ n+8(FP), CX")
	f.p("MOVQ x+16(FP), AX")
	f.p("MOVQ offs+24(FP), BX")
	for c := range ny {
		f.p("MOVQ %d(BX), %s", 8*c, avx2Cols[c])
		f.p("ADDQ AX, %s", avx2Cols[c])
	}
	f.p("MOVQ out+32(FP), DX")
}

// avx2Unit writes the loop over units and halves around body.
func avx2Unit(f *file, name string, ny, bytes, xBytes int, set []string, body func()) {
	avx2Start(f, name, ny)
	for _, s := range set {
		f.p("%s", s)
	}
	f.ahead(name, ny, xBytes == 384, "R12")
	f.p("MOVQ SI, DI")
	f.p("MOVQ SI, BX")
	f.p("CMPQ more+40(FP), $0")
	f.p("JNE loop")
	f.p("VPXOR Y0, Y0, Y0")
	for c := range 2 * ny {
		f.p("VMOVUPS Y0, %d(DX)", 32*c)
	}
	f.raw("loop:")
	f.p("MOVQ $2, R13")
	f.raw("half:")
	body()
	f.p("ADDQ $32, SI")
	f.p("ADDQ $16, DI")
	f.p("ADDQ $8, BX")
	f.p("ADDQ $32, DX")
	f.p("DECQ R13")
	f.p("JNE half")
	f.p("ADDQ $%d, SI", bytes-64)
	f.p("ADDQ $%d, DI", bytes-32)
	f.p("ADDQ $%d, BX", bytes-16)
	f.p("SUBQ $64, DX")
	f.p("NEXT%d(%d)", ny, xBytes)
	f.p("DECQ CX")
	f.p("JNE loop")
	f.p("VZEROUPPER")
	f.p("RET\n")
}

// halfPrefetcher spreads prefetches of a unit over its vectors. The second half
// asks for lines that are there already, which costs little.
type halfPrefetcher struct {
	f         *file
	next, end int
}

func (p *halfPrefetcher) line() {
	if p.next < p.end {
		p.f.p("%s %d(SI)(R12*1)", p.f.hint, p.next)
		p.next += 64
	}
}

// quads writes a run of quads: order lists quads of the block at activation
// offset x; widen is called after every acc quads.
func quads(f *file, pre *halfPrefetcher, ny, x, acc int, signed bool, order []int, load func(q int), factor string) {
	for i, q := range order {
		pre.line()
		load(q)
		if signed {
			f.p("VPABSB Y9, Y10")
		}
		off := x + 4*q
		switch {
		case signed && acc == 1:
			f.p("SWIDE%d(%d, %s)", ny, off, factor)
			continue
		case signed && i%acc == 0:
			f.p("SFIRST%d(%d)", ny, off)
		case signed:
			f.p("SMORE%d(%d)", ny, off)
		case i%acc == 0:
			f.p("FIRST%d(%d, Y9)", ny, off)
		default:
			f.p("MORE%d(%d, Y9)", ny, off)
		}
		if i%acc == acc-1 {
			f.p("WIDEN%d(%s)", ny, factor)
		}
	}
}

// yshift writes a shift of the vector at off(SI) by left bits into a register.
func yshift(f *file, left, off int, to string) {
	f.p("VMOVDQU %d(SI), %s", off, to)
	switch {
	case left > 0:
		f.p("VPSLLD $%d, %s, %s", left, to, to)
	case left < 0:
		f.p("VPSRLD $%d, %s, %s", -left, to, to)
	}
}

// ybits puts the bits that mask selects, shifted left, into Y9.
func ybits(f *file, left, off int, mask string) {
	if left == 0 {
		f.p("VPAND %d(SI), %s, Y9", off, mask)
		return
	}
	yshift(f, left, off, "Y9")
	f.p("VPAND %s, Y9, Y9", mask)
}

// yor merges further bits into Y9.
func yor(f *file, left, off int, mask string) {
	if left == 0 {
		f.p("VPAND %d(SI), %s, Y12", off, mask)
	} else {
		yshift(f, left, off, "Y12")
		f.p("VPAND %s, Y12, Y12", mask)
	}
	f.p("VPOR Y12, Y9, Y9")
}

func ynibble(f *file, off, q int, mask string) {
	left := 0
	if q >= 4 {
		left = -4
	}
	ybits(f, left, off+64*(q%4), mask)
}

func ybcast(name, reg string) string { return fmt.Sprintf("VPBROADCASTD %s<>(SB), %s", name, reg) }
