package matmul

// SetRest sets a row to what the codes of the same row of whole leave of x: to
// x - whole[row], in the same kind. The sum of the products with both rows has the
// error of 16-bit activations, for weights that are still multiplied in int8 or
// bf16. It returns false, and sets nothing, for F32, which leaves no rest.
//
// whole[row] must have been set to x in kind k.
func (a *Acts) SetRest(k Kind, row int, x []float32, whole *Acts) bool {
	if k == F32 {
		return false
	}
	to, from := a.buf(k), whole.buf(k)
	dst, src := to.data[row*to.stride:][:to.stride], from.data[row*from.stride:][:from.stride]
	if k == BF16 {
		restBF16(dst, x, src)
		return true
	}
	unit, size, scale := q8Cols, q8Bytes, q8Scale
	if k == Q8K {
		unit, size, scale = q8kCols, q8kBytes, q8kScale
	}
	checkCols(len(x), unit)
	var rest [q8kCols]float32
	for len(x) > 0 {
		leave(rest[:unit], x, src, getF32(src[scale:]))
		if k == Q8K {
			quantizeQ8K(dst, rest[:unit])
		} else {
			quantizeQ8(dst, rest[:unit])
		}
		x, dst, src = x[unit:], dst[size:], src[size:]
	}
	return true
}

// leave computes rest = x - d*codes.
func leave(rest, x []float32, codes []byte, d float32) {
	x, codes = x[:len(rest)], codes[:len(rest)]
	for i := range rest {
		rest[i] = x[i] - d*float32(int8(codes[i]))
	}
}

// restBF16 sets dst to what the bf16 numbers in src leave of x: the difference
// is exact in float32.
func restBF16(dst []byte, x []float32, src []byte) {
	const step = 256
	var rest [step]float32
	for len(x) > 0 {
		n := min(step, len(x))
		for i, v := range x[:n] {
			rest[i] = v - bf16At(src[2*i:])
		}
		setBF16(dst, rest[:n])
		x, dst, src = x[n:], dst[2*n:], src[2*n:]
	}
}
