//go:build !noasm

package attend

import (
	"unsafe"

	"github.com/holdfast-llm/holdfast/internal/machine/cpu"
)

//go:generate sh -c "cd _asm && GOWORK=off go run . -out .."

var (
	useAVX2   = cpu.Has("avx2")
	useAVX512 = cpu.Has("avx512")
)

func init() {
	cpu.Register("avx2", &useAVX2)
	cpu.Register("avx512", &useAVX512)
}

type (
	scoresFunc func(q *float32, k unsafe.Pointer, out *float32, dk, stride, rows, ahead int)
	valuesFunc func(acc *float32, rows unsafe.Pointer, w *float32, dv, accStride, stride, n, ahead int)
)

// unpackFrom is the number of queries from which on it pays to convert a block
// of rows once instead of once per group of four. Measured: at 16 the direct way is
// faster by a quarter, at 32 the two are equal.
const unpackFrom = 32

// direct reports whether n queries are multiplied with cache rows as they are,
// without unpacking them to float32 first. Both ways give the same bits.
func direct(p *Params, n int) bool {
	if !useAVX512 && !useAVX2 {
		return false
	}
	switch p.Elem {
	case F32:
		return p.DK%lanes == 0 && p.DV%lanes == 0
	case Q8_0:
		return n < unpackFrom && p.DK%blockElems == 0 && p.DV%blockElems == 0
	default:
		return n < unpackFrom && p.DK%lanes == 0 && p.DV%lanes == 0
	}
}

// scores is scoresGo for rows of any format that direct allows.
func (s *Scratch) scores(i0, i1, col int, k rows) {
	ahead := k.ahead()
	var bodies *[3]scoresFunc
	switch {
	case s.pairs:
		s.scoresPairs(i0, i1, col, k)
		return
	case useAVX512:
		bodies = &scoresAVX512[k.elem]
	case useAVX2:
		bodies = &scoresAVX2[k.elem]
	default:
		s.scoresGo(i0, i1, col, k)
		return
	}
	for i := i0; i < i1; {
		at, n := widest(i1-i, bodies[2] != nil)
		bodies[at](&s.q[i*s.dk], k.data, &s.score[i*scoreStride+col], s.dk, k.stride, k.n, ahead)
		ahead = 0
		i += n
	}
}

// values is valuesGo for rows of any format that direct allows.
func (s *Scratch) values(i0, i1, col int, v rows) {
	ahead := v.ahead()
	var bodies *[3]valuesFunc
	switch {
	case s.pairs:
		s.valuesPairs(i0, i1, col, v)
		return
	case useAVX512:
		bodies = &valuesAVX512[v.elem]
	case useAVX2:
		bodies = &valuesAVX2[v.elem]
	default:
		s.valuesGo(i0, i1, col, v)
		return
	}
	for i := i0; i < i1; {
		at, n := widest(i1-i, bodies[2] != nil)
		bodies[at](&s.acc[i*s.dv], v.data, &s.score[i*scoreStride+col], s.dv, 4*s.dv, v.stride, v.n, ahead)
		ahead = 0
		i += n
	}
}

// weigh is weighGo. Weights that are multiplied in pairs are stored in bf16 only.
func (s *Scratch) weigh(i, n int) {
	x := &s.score[i*scoreStride]
	switch {
	case s.quads.on:
		s.weighQuads(i, n)
	case s.pairs:
		weighDot(x, &s.w16[i*Step], &s.m[i], &s.l[i], &s.top[i], &s.shrink[i], n)
	case useAVX512 && !s.fast:
		weighAVX512(x, nil, &s.m[i], &s.l[i], &s.top[i], &s.shrink[i], n)
	default:
		s.weighGo(i, n)
	}
}

// ahead is how far behind the rows those are that are wanted next.
func (m *rows) ahead() int {
	if m.next == nil {
		return 0
	}
	return int(uintptr(m.next) - uintptr(m.data))
}

// widest returns the place in a table of the body for the most queries that n
// are enough for, and that number. four says whether there is one for 4.
func widest(n int, four bool) (at, queries int) {
	switch {
	case n >= 4 && four:
		return 2, 4
	case n >= 2:
		return 1, 2
	default:
		return 0, 1
	}
}

func loadQ8(dst []float32, src []byte) {
	n := len(dst) / blockElems
	if n > 0 && (useAVX512 || useAVX2) {
		if useAVX512 {
			loadQ8AVX512(&dst[0], unsafe.Pointer(&src[0]), n)
		} else {
			loadQ8AVX2(&dst[0], unsafe.Pointer(&src[0]), n)
		}
		dst, src = dst[n*blockElems:], src[n*blockBytes:]
	}
	loadQ8Go(dst, src)
}

func storeQ8(dst []byte, x []float32) {
	n := len(x) / blockElems
	if n > 0 && (useAVX512 || useAVX2) {
		if useAVX512 {
			storeQ8AVX512(unsafe.Pointer(&dst[0]), &x[0], n)
		} else {
			storeQ8AVX2(unsafe.Pointer(&dst[0]), &x[0], n)
		}
		dst, x = dst[n*blockBytes:], x[n*blockElems:]
	}
	storeQ8Go(dst, x)
}
