package main

import (
	"encoding/binary"
	"fmt"
)

// The ternary types have no scales within a unit: a register per row of
// activations sums all 64 quads. Codes are 0, 1 and 2 for -1, 0 and 1, and the sums
// start with minus the sum of the activations.
type ternary struct {
	name  string
	bytes int
	// steps calls load for each vector of weights and then, as often as the vector
	// has quads, digit and use with the first column of the quad.
	steps func(load func(off int), digit func(i int), use func(column int))
}

var ternaries = []ternary{
	{
		name: "TQ2_0", bytes: 1056,
		steps: func(load func(off int), digit func(i int), use func(column int)) {
			for v := range 16 {
				load(32 + 64*v)
				for m := range 4 {
					digit(m)
					use(v/8*128 + 32*m + v%8*4)
				}
			}
		},
	},
	{
		name: "TQ1_0", bytes: 864,
		steps: func(load func(off int), digit func(i int), use func(column int)) {
			for v := range 13 {
				load(32 + 64*v)
				first, step, n := 4*v, 32, 5
				switch {
				case v == 12:
					first, step, n = 240, 4, 4
				case v >= 8:
					first, step = 160+4*(v-8), 16
				}
				for i := range n {
					digit(i)
					use(first + step*i)
				}
			}
		},
	},
}

func vnniTernary(f *file) []entry {
	constant(f, "mask03", 0x03030303)
	constant(f, "third", 0x56565656)  // 86: three times that is above 255
	constant(f, "thirds", 0xabababab) // 171: three times that is above 511
	constant(f, "one", 0x01010101)
	constant(f, "maskC0", 0xc0c0c0c0)
	constant(f, "less64", 0xffc0ffc0)
	tq1Tables(f)
	f.raw("")
	var list []entry
	for _, ny := range vnniTiles {
		vnniMacros(f, ny)
		q8kMacros(f, ny, 0)
		chains := max(1, 4/ny) // a dot product takes longer than the next may wait
		for c := range chains {
			f.macro(fmt.Sprintf("TDOT%dx%d(off, w)", ny, c), ny, func(r int) string {
				return fmt.Sprintf("VPDPBUSD.BCST off(%s), w, Z%d", vnniCols[r], c*ny+r)
			})
			f.macro(fmt.Sprintf("JOIN%dx%d", ny, c), ny, func(r int) string {
				return fmt.Sprintf("VPADDD Z%d, Z%d, Z%d", c*ny+r, r, r)
			})
		}
		for _, t := range ternaries {
			name := fmt.Sprintf("vnni%sx%d", t.name, ny)
			vnniTernaryKernel(f, name, &t, ny, chains)
			list = append(list, entry{"vnni", t.name, ny, name})
		}
		name := fmt.Sprintf("vbmiTQ1_0x%d", ny)
		vbmiTQ1(f, name, ny, chains)
		list = append(list, entry{"vbmi", "TQ1_0", ny, name})
	}
	return byType(list)
}

// tq1Tables writes what vbmiTQ1 looks up: the first four digits of each byte in
// two bits each, 64 times the fifth, and 64 times each of the lower three digits
// of six bits.
func tq1Tables(f *file) {
	var t [11 * 64]byte
	for b := range 256 {
		x := b
		for i := range 5 {
			x *= 3
			if i < 4 {
				t[b] |= byte(x >> 8 << (2 * i))
			} else {
				t[256+b] = byte(x >> 8 << 6)
			}
			x &= 0xff
		}
	}
	for i := range 3 * 64 {
		t[512+i] = byte(i % 64 >> (2 * (i / 64)) << 6)
	}
	for i := 0; i < len(t); i += 8 {
		f.raw("DATA tq1<>+%d(SB)/8, $0x%016x", i, binary.LittleEndian.Uint64(t[i:]))
	}
	f.raw("GLOBL tq1<>(SB), RODATA|NOPTR, $%d", len(t))
}

// vbmiTQ1 looks the digits of TQ1_0 up, and sums 64 times their products:
//
//	Z0..Z11   sums
//	Z12..Z15  tables of four digits; Z16..Z19 of the fifth
//	Z20..Z22  tables of one digit; Z23 the upper two bits of all bytes
//	Z24, Z25  fifth digits of bytes, and the others; Z28, Z29 of the next vector
//	K1, K2    bytes below 128, and the others
func vbmiTQ1(f *file, name string, ny, chains int) {
	t := &ternaries[1]
	vnniStart(f, name, ny)
	for i := range 11 {
		f.p("VMOVDQU64 tq1<>+%d(SB), Z%d", 64*i, 12+i)
	}
	f.p("%s", bcast("maskC0", "Z23"))
	f.p("%s", bcast("less64", "Z30"))
	f.p("CMPQ more+40(FP), $0")
	f.p("JNE loop")
	f.p("CLEAR%dx0", ny)
	f.p("SAVE%dx0", ny)
	f.raw("loop:")
	for c := range chains * ny {
		f.p("VPXORD Z%d, Z%d, Z%d", c, c, c)
	}
	for p := range 4 {
		f.p("DOTW%d(%d, Z30)", ny, 352+4*p)
	}
	pre := prefetcher{f: f, on: ny <= decodeTile, end: t.bytes}
	digits, fifth := [2]string{"Z25", "Z29"}, [2]string{"Z24", "Z28"}
	fetch := func(v int) { // one vector ahead of its use
		if v == 13 {
			return
		}
		d, x := digits[v%2], fifth[v%2]
		load(f, &pre, 32+64*v, x)
		f.p("VPMOVB2M %s, K2", x)
		f.p("KNOTQ K2, K1")
		f.p("VMOVDQA64 %s, %s", x, d)
		f.p("VPERMI2B Z13, Z12, K1, %s", d)
		f.p("VPERMI2B Z15, Z14, K2, %s", d)
		if v < 12 {
			f.p("VPERMI2B Z17, Z16, K1, %s", x)
			f.p("VPERMI2B Z19, Z18, K2, %s", x)
		}
	}
	fetch(0)
	v, n := 0, 0
	w := ""
	t.steps(func(off int) {
		v = (off - 32) / 64
		fetch(v + 1)
	}, func(i int) {
		w = "Z26"
		switch i {
		case 3:
			f.p("VPANDD %s, Z23, Z26", digits[v%2])
		case 4:
			w = fifth[v%2]
		default:
			f.p("VPERMB Z%d, %s, Z26", 20+i, digits[v%2])
		}
	}, func(column int) {
		f.p("TDOT%dx%d(%d, %s)", ny, n%chains, column, w)
		n++
	})
	pre.rest()
	for c := 1; c < chains; c++ {
		f.p("JOIN%dx%d", ny, c)
	}
	for c := range ny {
		f.p("VPSRAD $6, Z%d, Z%d", c, c)
	}
	f.p("VCVTPH2PS (SI), Z26")
	f.p("FINISH%dx0", ny)
	f.p("SAVE%dx0", ny)
	f.p("ADDQ $%d, SI", t.bytes)
	f.p("NEXT%d(384)", ny)
	f.p("DECQ n+8(FP)")
	f.p("JNE loop")
	f.p("VZEROUPPER")
	f.p("RET\n")
}

func vnniTernaryKernel(f *file, name string, t *ternary, ny, chains int) {
	vnniStart(f, name, ny)
	f.p("VPTERNLOGD $0xff, Z30, Z30, Z30")
	if t.name == "TQ2_0" {
		f.p("%s", bcast("mask03", "Z31"))
	} else {
		f.p("%s", bcast("third", "Z31"))
		f.p("%s", bcast("thirds", "Z29"))
		f.p("%s", bcast("one", "Z28"))
	}
	f.p("CMPQ more+40(FP), $0")
	f.p("JNE loop")
	f.p("CLEAR%dx0", ny)
	f.p("SAVE%dx0", ny)
	f.raw("loop:")
	for c := range chains * ny {
		f.p("VPXORD Z%d, Z%d, Z%d", c, c, c)
	}
	for p := range 4 {
		f.p("DOTW%d(%d, Z30)", ny, 352+4*p)
	}
	pre := prefetcher{f: f, on: ny <= decodeTile, end: t.bytes}
	n := 0
	t.steps(func(off int) {
		load(f, &pre, off, "Z24")
	}, func(i int) {
		if t.name == "TQ2_0" {
			bits(f, -2*i, "Z24", "Z31", "Z26")
			return
		}
		if i > 0 {
			f.p("VPADDB Z24, Z24, Z25")
			f.p("VPADDB Z25, Z24, Z24")
		}
		f.p("VPCMPUB $5, Z31, Z24, K1")
		f.p("VPCMPUB $5, Z29, Z24, K2")
		f.p("VMOVDQU8.Z Z28, K1, Z26")
		f.p("VPADDB Z28, Z26, K2, Z26")
	}, func(column int) {
		f.p("TDOT%dx%d(%d, Z26)", ny, n%chains, column)
		n++
	})
	pre.rest()
	for c := 1; c < chains; c++ {
		f.p("JOIN%dx%d", ny, c)
	}
	f.p("VCVTPH2PS (SI), Z26")
	f.p("FINISH%dx0", ny)
	f.p("SAVE%dx0", ny)
	f.p("ADDQ $%d, SI", t.bytes)
	f.p("NEXT%d(384)", ny)
	f.p("DECQ n+8(FP)")
	f.p("JNE loop")
	f.p("VZEROUPPER")
	f.p("RET\n")
}

func avx2Ternary(f *file) []entry {
	constant(f, "mask03", 0x03030303)
	constant(f, "third", 0x56565656)
	constant(f, "thirds", 0xabababab)
	constant(f, "ones", 0x00010001)
	f.raw("")
	var list []entry
	for _, ny := range avx2Tiles {
		avx2Macros(f, ny)
		avx2Q8KMacros(f, ny)
		f.macro(fmt.Sprintf("LESS%d(off)", ny), ny, func(c int) string {
			return fmt.Sprintf("VPBROADCASTD off(%s), Y8; VPMADDWD Y8, Y13, Y8; VPADDD Y8, Y%d, Y%d", avx2Cols[c], c+4, c+4)
		})
		for _, t := range ternaries {
			name := fmt.Sprintf("avx2%sx%d", t.name, ny)
			set := []string{ybcast("mask03", "Y15"), ybcast("ones", "Y14"), "VPCMPEQD Y13, Y13, Y13"}
			if t.name == "TQ1_0" {
				set[0] = ybcast("third", "Y15")
				set = append(set, ybcast("thirds", "Y12"))
			}
			avx2Unit(f, name, ny, t.bytes, 384, set, func() { avx2TernaryBody(f, &t, ny) })
			list = append(list, entry{"avx2", t.name, ny, name})
		}
	}
	return byType(list)
}

// avx2TernaryBody widens the 16-bit sums after 32 quads: 32*2*3*127 fit.
func avx2TernaryBody(f *file, t *ternary, ny int) {
	pre := halfPrefetcher{f: f, end: t.bytes}
	f.p("CLEAR%d", ny)
	for p := range 4 {
		f.p("LESS%d(%d)", ny, 352+4*p)
	}
	n := 0
	t.steps(func(off int) {
		yload(f, &pre, off, "Y10")
	}, func(i int) {
		if t.name == "TQ2_0" {
			ypart(f, -2*i, "Y10", "Y15", "Y9")
			return
		}
		if i > 0 {
			f.p("VPADDB Y10, Y10, Y11")
			f.p("VPADDB Y11, Y10, Y10")
		}
		// A digit is the number of limits that the fraction has reached.
		f.p("VPMAXUB Y15, Y10, Y9")
		f.p("VPCMPEQB Y10, Y9, Y9")
		f.p("VPMAXUB Y12, Y10, Y11")
		f.p("VPCMPEQB Y10, Y11, Y11")
		f.p("VPADDB Y11, Y9, Y9")
		f.p("VPABSB Y9, Y9")
	}, func(column int) {
		if n%32 == 0 {
			f.p("FIRST%d(%d, Y9)", ny, column)
		} else {
			f.p("MORE%d(%d, Y9)", ny, column)
		}
		if n%32 == 31 {
			f.p("WIDEN%d(Y14)", ny)
		}
		n++
	})
	f.p("VCVTPH2PS (DI), Y11")
	f.p("FINISH%d", ny)
	f.p("SAVE%d", ny)
}
