package main

import "fmt"

// A stream says how a decode kernel of a q8kType reads a unit in the order of
// memory: in chunks whose vectors each hold quads of several blocks, the parts.
// All parts are summed at the same time:
//
//	Z0..Z15   sums of blocks: part*rows + row
//	Z16..Z23  sums of the unit
//	Z24, Z25, Z27  vectors as they are in memory
//	Z26, Z28  codes
//
// With up to four rows Z20 is free, and with two parts Z8 to Z15 are.
type stream struct {
	rows   int // the largest tile
	chunks int
	parts  int
	steps  int // per chunk: quads of each part
	start  func(f *file, pre *prefetcher)
	block  func(chunk, part int) int
	fetch  func(f *file, pre *prefetcher, chunk, step int)
	expand func(f *file, chunk, part, step int, w string)
}

// bits puts a shifted and masked vector into w.
func bits(f *file, left int, from, mask, w string) {
	switch {
	case left > 0:
		f.p("VPSLLD $%d, %s, %s", left, from, w)
	case left < 0:
		f.p("VPSRLD $%d, %s, %s", -left, from, w)
	default:
		f.p("VPANDD %s, %s, %s", mask, from, w)
		return
	}
	f.p("VPANDD %s, %s, %s", mask, w, w)
}

// merge adds the bits that Z30 selects from a shifted vector to w.
func merge(f *file, left int, from, w string) {
	switch {
	case left > 0:
		f.p("VPSLLD $%d, %s, Z20", left, from)
		from = "Z20"
	case left < 0:
		f.p("VPSRLD $%d, %s, Z20", -left, from)
		from = "Z20"
	}
	f.p("VPTERNLOGD $0xf8, Z30, %s, %s // w |= bits & Z30", from, w)
}

// quarter is the numbering of the types with blocks of 16 columns: a chunk is
// the first or second half of the quads of four blocks of 32.
func quarter(chunk, part int) int { return chunk/2*8 + 2*part + chunk%2 }

func load(f *file, pre *prefetcher, off int, to string) {
	pre.line()
	f.p("VMOVDQU32 %d(SI), %s", off, to)
}

var streams = map[string]stream{
	"Q4_K": {
		rows: 8, chunks: 4, parts: 2, steps: 8,
		block: func(chunk, part int) int { return 2*chunk + part },
		fetch: func(f *file, pre *prefetcher, chunk, step int) {
			load(f, pre, 320+512*chunk+64*step, "Z24")
		},
		expand: func(f *file, _, part, _ int, w string) { bits(f, -4*part, "Z24", "Z31", w) },
	},
	"Q5_K": {
		rows: 4, chunks: 4, parts: 2, steps: 8,
		start: func(f *file, pre *prefetcher) {
			for v := range 8 {
				load(f, pre, 320+64*v, fmt.Sprintf("Z%d", 8+v))
			}
		},
		block: func(chunk, part int) int { return 2*chunk + part },
		fetch: func(f *file, pre *prefetcher, chunk, step int) {
			load(f, pre, 832+512*chunk+64*step, "Z24")
		},
		expand: func(f *file, chunk, part, step int, w string) {
			bits(f, -4*part, "Z24", "Z31", w)
			merge(f, 4-(2*chunk+part), fmt.Sprintf("Z%d", 8+step), w)
		},
	},
	"Q6_K": {
		rows: 4, chunks: 4, parts: 4, steps: 4, block: quarter,
		fetch: func(f *file, pre *prefetcher, chunk, step int) {
			for i, to := range []string{"Z24", "Z25", "Z27"} {
				load(f, pre, q6Vec(chunk/2, chunk%2*4+step, i), to)
			}
		},
		expand: func(f *file, _, part, _ int, w string) {
			bits(f, 2-4*(part/2), []string{"Z24", "Z25"}[part%2], "Z31", w)
			merge(f, 6-2*part, "Z27", w)
		},
	},
	"Q3_K": {
		rows: 4, chunks: 4, parts: 4, steps: 4, block: quarter,
		fetch: func(f *file, pre *prefetcher, chunk, step int) {
			j := chunk%2*4 + step
			if chunk < 2 {
				pre.line()
			}
			f.p("VMOVDQU32 %d(SI), Z25", q3Bits(j))
			load(f, pre, q3Vec(chunk/2, j), "Z24")
		},
		expand: func(f *file, chunk, part, _ int, w string) {
			bits(f, 5-2*part, "Z24", "Z31", w)
			merge(f, 7-(4*(chunk/2)+part), "Z25", w)
		},
	},
	"Q2_K": {
		rows: 4, chunks: 4, parts: 4, steps: 4, block: quarter,
		fetch: func(f *file, pre *prefetcher, chunk, step int) {
			load(f, pre, 320+64*(4*chunk+step), "Z24")
		},
		expand: func(f *file, _, part, _ int, w string) { bits(f, -2*part, "Z24", "Z31", w) },
	},
}

// streamMacros defines the steps of a stream on all rows.
func streamMacros(f *file, ny int) {
	for p := range 4 {
		if (p+1)*ny > 16 {
			break
		}
		t := func(c int) int { return p*ny + c }
		f.macro(fmt.Sprintf("PZERO%dx%d", ny, p), ny, func(c int) string {
			return fmt.Sprintf("VPXORD Z%d, Z%d, Z%d", t(c), t(c), t(c))
		})
		f.macro(fmt.Sprintf("PINIT%dx%d(off)", ny, p), ny, func(c int) string {
			return fmt.Sprintf("VPBROADCASTD off(%s), Z%d", vnniCols[c], t(c))
		})
		f.macro(fmt.Sprintf("PDOT%dx%d(off, w)", ny, p), ny, func(c int) string {
			return fmt.Sprintf("VPDPBUSD.BCST off(%s), w, Z%d", vnniCols[c], t(c))
		})
		f.macro(fmt.Sprintf("PWEIGH%dx%d", ny, p), ny, func(c int) string {
			return fmt.Sprintf("VPMULLD Z26, Z%d, Z%d; VPADDD Z%d, Z%d, Z%d", t(c), t(c), t(c), c+16, c+16)
		})
	}
}

func vnniStreamKernel(f *file, name string, t *q8kType, s *stream, ny int) {
	vnniStart(f, name, ny)
	for _, line := range t.set {
		f.p("%s", line)
	}
	f.p("CMPQ more+40(FP), $0")
	f.p("JNE loop")
	f.p("CLEAR%dx16", ny)
	f.p("SAVE%dx16", ny)
	f.raw("loop:")
	f.p("CLEAR%dx16", ny)
	pre := prefetcher{f: f, on: true, end: t.bytes}
	for range 5 {
		pre.line() // the scales
	}
	if s.start != nil {
		s.start(f, &pre)
	}
	for chunk := range s.chunks {
		streamChunk(f, t, s, ny, chunk, &pre)
	}
	unitEnd(f, t, ny, 16)
}

func streamChunk(f *file, t *q8kType, s *stream, ny, chunk int, pre *prefetcher) {
	for p := range s.parts {
		if t.mins > 0 {
			f.p("PZERO%dx%d", ny, p)
		} else {
			f.p("PINIT%dx%d(%d)", ny, p, 256+4*s.block(chunk, p))
		}
	}
	for step := range s.steps {
		s.fetch(f, pre, chunk, step)
		for p := range s.parts {
			w := [2]string{"Z28", "Z26"}[p%2]
			s.expand(f, chunk, p, step, w)
			f.p("PDOT%dx%d(%d, %s)", ny, p, t.block*s.block(chunk, p)+4*step, w)
		}
	}
	for p := range s.parts {
		t.scale(f, s.block(chunk, p))
		f.p("PWEIGH%dx%d", ny, p)
	}
}
