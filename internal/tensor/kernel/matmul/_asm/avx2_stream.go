package main

// A half stream is the AVX2 form of a stream, for one row of activations: the
// blocks that share vectors are summed at the same time.
//
//	Y0..Y3   16-bit sums of the parts
//	Y4       sums of 32 bits
//	Y9..Y11  vectors as they are in memory
//	Y5       codes; Y6, Y7, Y8 and Y12 are free
type halfStream struct {
	parts, steps int
	block        func(chunk, part int) int
	fetch        func(f *file, pre *halfPrefetcher, chunk, step int)
	expand       func(f *file, chunk, part, step int)
}

// ypart puts a shifted and masked vector into a register.
func ypart(f *file, left int, from, mask, to string) {
	switch {
	case left > 0:
		f.p("VPSLLD $%d, %s, %s", left, from, to)
		f.p("VPAND %s, %s, %s", mask, to, to)
	case left < 0:
		f.p("VPSRLD $%d, %s, %s", -left, from, to)
		f.p("VPAND %s, %s, %s", mask, to, to)
	default:
		f.p("VPAND %s, %s, %s", mask, from, to)
	}
}

func yjoin(f *file, left int, from, mask string) {
	ypart(f, left, from, mask, "Y6")
	f.p("VPOR Y6, Y5, Y5")
}

func yload(f *file, pre *halfPrefetcher, off int, to string) {
	pre.line()
	f.p("VMOVDQU %d(SI), %s", off, to)
}

// again loads a vector that is used more than once: prefetches go on with the first use.
func again(f *file, pre *halfPrefetcher, first bool, off int, to string) {
	if first {
		pre.line()
	}
	f.p("VMOVDQU %d(SI), %s", off, to)
}

func even(chunk, part int) int { return 2*chunk + part }

var halfStreams = map[string]halfStream{
	"Q4_K": {
		parts: 2, steps: 8, block: even,
		fetch: func(f *file, pre *halfPrefetcher, chunk, step int) {
			yload(f, pre, 320+512*chunk+64*step, "Y9")
		},
		expand: func(f *file, _, part, _ int) { ypart(f, -4*part, "Y9", "Y15", "Y5") },
	},
	"Q5_K": {
		parts: 2, steps: 8, block: even,
		fetch: func(f *file, pre *halfPrefetcher, chunk, step int) {
			again(f, pre, false, 320+64*step, "Y10")
			yload(f, pre, 832+512*chunk+64*step, "Y9")
		},
		expand: func(f *file, chunk, part, _ int) {
			ypart(f, -4*part, "Y9", "Y15", "Y5")
			yjoin(f, 4-(2*chunk+part), "Y10", "Y14")
		},
	},
	"Q6_K": {
		parts: 4, steps: 4, block: quarter,
		fetch: func(f *file, pre *halfPrefetcher, chunk, step int) {
			for i, to := range []string{"Y9", "Y10", "Y11"} {
				yload(f, pre, q6Vec(chunk/2, chunk%2*4+step, i), to)
			}
		},
		expand: func(f *file, _, part, _ int) {
			ypart(f, -4*(part/2), []string{"Y9", "Y10"}[part%2], "Y15", "Y5")
			yjoin(f, 4-2*part, "Y11", "Y14")
		},
	},
	"Q3_K": {
		parts: 4, steps: 4, block: quarter,
		fetch: func(f *file, pre *halfPrefetcher, chunk, step int) {
			j := chunk%2*4 + step
			again(f, pre, chunk < 2, q3Bits(j), "Y10")
			yload(f, pre, q3Vec(chunk/2, j), "Y9")
		},
		expand: func(f *file, chunk, part, _ int) {
			ypart(f, -2*part, "Y9", "Y15", "Y5")
			yjoin(f, 2-(4*(chunk/2)+part), "Y10", "Y14")
		},
	},
	"Q2_K": {
		parts: 4, steps: 4, block: quarter,
		fetch: func(f *file, pre *halfPrefetcher, chunk, step int) {
			yload(f, pre, 320+64*(4*chunk+step), "Y9")
		},
		expand: func(f *file, _, part, _ int) { ypart(f, -2*part, "Y9", "Y15", "Y5") },
	},
}

func halfStreamBody(f *file, t *q8kHalf, s *halfStream, pre *halfPrefetcher) {
	for range 5 {
		pre.line() // the scales
	}
	if t.name == "Q5_K" {
		// The fifth bits serve all chunks: touch them now, in order.
		for v := range 8 {
			yload(f, pre, 320+64*v, "Y10")
		}
	}
	for chunk := range 4 {
		for step := range s.steps {
			s.fetch(f, pre, chunk, step)
			for p := range s.parts {
				b := s.block(chunk, p)
				s.expand(f, chunk, p, step)
				f.p("VPBROADCASTD %d(R8), Y7", t.block*b+4*step)
				if step%t.acc == 0 {
					f.p("VPMADDUBSW Y7, Y5, Y%d", p)
				} else {
					f.p("VPMADDUBSW Y7, Y5, Y7")
					f.p("VPADDW Y7, Y%d, Y%d", p, p)
				}
			}
			if step%t.acc == t.acc-1 {
				streamWiden(f, t, s, chunk)
			}
		}
	}
}

// streamWiden adds the 16-bit sums of all parts, times their scales, to Y4. The
// scales go through Y11, so a vector there is fetched again by the next step.
func streamWiden(f *file, t *q8kHalf, s *halfStream, chunk int) {
	for p := range s.parts {
		t.scale(f, s.block(chunk, p))
		f.p("VPMADDWD Y11, Y%d, Y%d", p, p)
		f.p("VPADDD Y%d, Y4, Y4", p)
	}
}
