package quant

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/holdfast-llm/holdfast/internal/tensor/num"
)

// Dequantize decodes src, whole blocks of type t, into dst. It is the
// definition of every type: the values are those of ggml's reference decoders,
// bit for bit (a NaN may have another payload). Integers and F64 are rounded
// to the nearest float32.
//
// It fails when t is unknown or src is not exactly as long as len(dst)
// elements of t.
func Dequantize(t Type, dst []float32, src []byte) error {
	if err := checkSize(t, len(dst), len(src)); err != nil {
		return err
	}
	if t.Blocked() {
		dequantizeBlocks(t, dst, src)
		return nil
	}
	return dequantizePlain(t, dst, src)
}

// dequantizeBlocks decodes one super-block, or as many elements of the types
// with smaller blocks, at a time.
func dequantizeBlocks(t Type, dst []float32, src []byte) {
	var (
		q          [superBlock]int8
		scale, min [superBlock / GroupElems]float32
		in         = infos[t]
		hasMin     = t.HasMin()
	)
	for len(dst) > 0 {
		n := len(dst)
		if n > superBlock {
			n = superBlock // a multiple of every block size
		}
		nb := n / in.elems * in.bytes
		unpackBlocks(t, src[:nb], q[:n], scale[:n/GroupElems], min[:n/GroupElems])
		if hasMin {
			scaleMin(dst[:n], q[:n], scale[:], min[:])
		} else {
			scaleOnly(dst[:n], q[:n], scale[:])
		}
		dst, src = dst[n:], src[nb:]
	}
}

// scaleOnly is kept apart from scaleMin: adding a zero would lose the sign of
// a negative zero.
func scaleOnly(dst []float32, q []int8, scale []float32) {
	for len(dst) >= GroupElems {
		s := scale[0]
		d, c := dst[:GroupElems], q[:GroupElems]
		for i, v := range c {
			d[i] = s * float32(v)
		}
		dst, q, scale = dst[GroupElems:], q[GroupElems:], scale[1:]
	}
}

func scaleMin(dst []float32, q []int8, scale, min []float32) {
	for len(dst) >= GroupElems {
		s, m := scale[0], min[0]
		d, c := dst[:GroupElems], q[:GroupElems]
		for i, v := range c {
			d[i] = s*float32(v) + m // s*v is exact: fusing changes nothing
		}
		dst, q, scale, min = dst[GroupElems:], q[GroupElems:], scale[1:], min[1:]
	}
}

// dequantizePlain reads plain little-endian numbers.
func dequantizePlain(t Type, dst []float32, src []byte) error {
	le := binary.LittleEndian
	switch t {
	case F32:
		for i := range dst {
			dst[i] = math.Float32frombits(le.Uint32(src[4*i:]))
		}
	case F16:
		for i := range dst {
			dst[i] = num.F16ToF32(le.Uint16(src[2*i:]))
		}
	case BF16:
		for i := range dst {
			dst[i] = num.BF16ToF32(le.Uint16(src[2*i:]))
		}
	case F64:
		for i := range dst {
			dst[i] = float32(math.Float64frombits(le.Uint64(src[8*i:])))
		}
	case I8:
		for i := range dst {
			dst[i] = float32(int8(src[i]))
		}
	case I16:
		for i := range dst {
			dst[i] = float32(int16(le.Uint16(src[2*i:])))
		}
	case I32:
		for i := range dst {
			dst[i] = float32(int32(le.Uint32(src[4*i:])))
		}
	case I64:
		for i := range dst {
			dst[i] = float32(int64(le.Uint64(src[8*i:])))
		}
	default:
		return fmt.Errorf("quant: dequantize: %s: %w", t, ErrUnknownType)
	}
	return nil
}
