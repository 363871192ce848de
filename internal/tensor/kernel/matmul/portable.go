package matmul

import "unsafe"

// A kernel multiplies one group of 16 rows with up to maxTile rows of
// activations, along n units:
//
//	w    n units of the group, packed
//	n    number of units, at least 1
//	x    the activations
//	offs the byte offset in x of each row's first unit
//	out  [tile rows][16] sums; continued if more is not 0, else started at zero
//
// The number of rows is part of the kernel.
type kernel func(w *byte, n int, x *byte, offs *int, out *float32, more int)

// portable is the definition of every kernel: it does what a kernel of the
// layout does, for rows activation rows.
func (l *layout) portable(u *unit, w []byte, n int, x []byte, offs []int, out []float32, more bool) {
	if !more {
		clear(out[:len(offs)*Group])
	}
	for i := range n {
		l.unpack(u, w[i*l.bytes:][:l.bytes])
		for j, off := range offs {
			acc := (*[Group]float32)(out[j*Group:])
			switch {
			case l.halves:
				mulUnitHalves(acc, u, x[off+i*q8Bytes:][:q8Bytes])
			case l.kind == Q8:
				mulUnitQ8(acc, u, x[off+i*q8Bytes:][:q8Bytes], l.hasMin)
			default:
				mulUnitQ8K(acc, u, x[off+i*q8kBytes:][:q8kBytes], l.hasMin)
			}
		}
	}
}

// mulUnitQ8 adds the products of 32 columns: each sum of integers is exact, then
// comes one multiplication of scales, one by the scale, and one addition, each
// rounded. The conversions keep the compiler from fusing them.
func mulUnitQ8(acc *[Group]float32, u *unit, x []byte, hasMin bool) {
	a := codesOf(x[:q8Cols])
	d, sum := getF32(x[q8Scale:]), getF32(x[q8Sum:])
	for r := range acc {
		t := float32(dot(u.q[r][:q8Cols], a))
		v := acc[r] + float32(t*float32(u.d[r]*d))
		if hasMin {
			v += float32(u.dm[r] * sum)
		}
		acc[r] = v
	}
}

// mulUnitQ8K adds the products of 256 columns: the scales of blocks are integers
// too, so the whole unit is summed exactly before the first rounding.
func mulUnitQ8K(acc *[Group]float32, u *unit, x []byte, hasMin bool) {
	a := codesOf(x[:q8kCols])
	d := getF32(x[q8kScale:])
	for r := range acc {
		var sum, min int32
		for b := range 16 {
			c := 16 * b
			sum += u.scale[b][r] * dot(u.q[r][c:c+16], a[c:c+16])
			if hasMin {
				neg := int32(getU32(x[q8kNeg+4*b:]))
				min += u.min[b][r] * (neg / -128)
			}
		}
		v := acc[r] + float32(float32(sum)*float32(u.d[r]*d))
		if hasMin {
			v -= float32(float32(min) * float32(u.dm[r]*d))
		}
		acc[r] = v
	}
}

func dot(w, a []int8) int32 {
	var s int32
	a = a[:len(w)]
	for i, v := range w {
		s += int32(v) * int32(a[i])
	}
	return s
}

// codesOf shows bytes as the int8 values that they hold.
func codesOf(b []byte) []int8 {
	return unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(b))), len(b))
}
