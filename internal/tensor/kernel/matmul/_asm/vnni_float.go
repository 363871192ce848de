package main

import "fmt"

// A floatType has units of two columns: even puts the first into Z24, odd the
// second into Z25.
type floatType struct {
	name  string
	bytes int
	set   string
	load  []string
}

var floatTypes = []floatType{
	{"F32", 128, "", []string{"VMOVUPS (SI), Z24", "VMOVUPS 64(SI), Z25"}},
	{"F16", 64, "", []string{"VCVTPH2PS (SI), Z24", "VCVTPH2PS 32(SI), Z25"}},
	{"BF16", 64, bcast("upper", "Z31"), []string{"VPSLLD $16, (SI), Z24", "VPANDD (SI), Z31, Z25"}},
}

// vnniFloat writes the float kernels: Z0.. sum the even columns, Z12.. the odd.
func vnniFloat(f *file) []entry {
	constant(f, "upper", 0xffff0000)
	f.raw("")
	var list []entry
	for _, ny := range vnniTiles {
		f.macro(fmt.Sprintf("FMA%d", ny), ny, func(c int) string {
			return fmt.Sprintf("VFMADD231PS.BCST (%s), Z24, Z%d; VFMADD231PS.BCST 4(%s), Z25, Z%d",
				vnniCols[c], c, vnniCols[c], c+12)
		})
		f.macro(fmt.Sprintf("NEXT%d(n)", ny), ny, func(c int) string {
			return fmt.Sprintf("ADDQ $n, %s", vnniCols[c])
		})
		for _, t := range floatTypes {
			name := fmt.Sprintf("vnni%sx%d", t.name, ny)
			vnniFloatKernel(f, name, &t, ny)
			list = append(list, entry{"vnni", t.name, ny, name})
		}
	}
	return byType(list)
}

func vnniFloatKernel(f *file, name string, t *floatType, ny int) {
	vnniStart(f, name, ny)
	for c := range ny {
		f.p("VPXORD Z%d, Z%d, Z%d", c, c, c)
		f.p("VPXORD Z%d, Z%d, Z%d", c+12, c+12, c+12)
	}
	f.p("CMPQ more+40(FP), $0")
	f.p("JEQ start")
	for c := range ny {
		f.p("VMOVUPS %d(DI), Z%d", 64*c, c)
	}
	f.raw("start:")
	if t.set != "" {
		f.p("%s", t.set)
	}
	f.raw("loop:")
	pre := prefetcher{f: f, on: ny <= decodeTile, end: t.bytes}
	pre.rest()
	for _, s := range t.load {
		f.p("%s", s)
	}
	f.p("FMA%d", ny)
	f.p("ADDQ $%d, SI", t.bytes)
	f.p("NEXT%d(8)", ny)
	f.p("DECQ n+8(FP)")
	f.p("JNE loop")
	for c := range ny {
		f.p("VADDPS Z%d, Z%d, Z%d", c+12, c, c)
		f.p("VMOVUPS Z%d, %d(DI)", c, 64*c)
	}
	f.p("VZEROUPPER")
	f.p("RET\n")
}
