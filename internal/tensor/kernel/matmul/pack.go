package matmul

import (
	"encoding/binary"

	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// gather writes n words of 32 bits of each row, starting at src[0] of the first
// row, as n vectors: dst[v*64+r*4:] is word v of row r.
func gather(dst, src []byte, stride, rows, n int) {
	for r := range rows {
		from := src[r*stride:][:4*n]
		to := dst[4*r:]
		for v := range n {
			w := binary.LittleEndian.Uint32(from[4*v:])
			binary.LittleEndian.PutUint32(to[64*v:], w)
		}
	}
}

// gather16 writes the 16-bit number at src[0] of each row.
func gather16(dst, src []byte, stride, rows int) {
	for r := range rows {
		copy(dst[2*r:2*r+2], src[r*stride:])
	}
}

func packQ40(dst, src []byte, stride, n int) {
	gather16(dst, src, stride, n)
	gather(dst[32:], src[2:], stride, n, 4)
}

func packQ41(dst, src []byte, stride, n int) {
	gather16(dst, src, stride, n)
	gather16(dst[32:], src[2:], stride, n)
	gather(dst[64:], src[4:], stride, n, 4)
}

func packQ50(dst, src []byte, stride, n int) {
	gather16(dst, src, stride, n)
	gatherFifth(dst[32:], src[2:], stride, n)
	gather(dst[96:], src[6:], stride, n, 4)
}

func packQ51(dst, src []byte, stride, n int) {
	gather16(dst, src, stride, n)
	gather16(dst[32:], src[2:], stride, n)
	gatherFifth(dst[64:], src[4:], stride, n)
	gather(dst[128:], src[8:], stride, n, 4)
}

// gatherFifth spreads the 32 fifth bits of each row: bit 4q+k goes to bit q of
// byte k, so that a shift by q lines up the bits of quad q.
func gatherFifth(dst, src []byte, stride, rows int) {
	for r := range rows {
		x := binary.LittleEndian.Uint32(src[r*stride:])
		for k := range 4 {
			y := x >> k & 0x11111111
			y = (y | y>>3) & 0x03030303
			y = (y | y>>6) & 0x000f000f
			dst[4*r+k] = byte(y | y>>12)
		}
	}
}

func packQ80(dst, src []byte, stride, n int) {
	gather16(dst, src, stride, n)
	gather(dst[32:], src[2:], stride, n, 8)
	codes := dst[32:544]
	for i := 0; i < len(codes); i += 8 {
		w := binary.LittleEndian.Uint64(codes[i:])
		binary.LittleEndian.PutUint64(codes[i:], w^0x8080808080808080)
	}
}

func packMXFP4(dst, src []byte, stride, n int) {
	for r := range n {
		dst[r] = src[r*stride]
	}
	gather(dst[16:], src[1:], stride, n, 4)
}

// packFloats interleaves the columns of n rows.
func packFloats(t quant.Type, dst, src []byte, n, rowBytes, cols int) {
	if n < Group || cols%floatStep != 0 {
		clear(dst)
	}
	switch t {
	case quant.F32:
		for r := range n {
			row := src[r*rowBytes:][:4*cols]
			for c := range cols {
				copy(dst[64*c+4*r:][:4], row[4*c:])
			}
		}
	case quant.F16:
		for r := range n {
			row := src[r*rowBytes:][:2*cols]
			for c := range cols {
				copy(dst[32*c+2*r:][:2], row[2*c:])
			}
		}
	case quant.BF16:
		for r := range n {
			row := src[r*rowBytes:][:2*cols]
			for c := range cols {
				copy(dst[64*(c/2)+4*r+2*(c%2):][:2], row[2*c:])
			}
		}
	}
}
