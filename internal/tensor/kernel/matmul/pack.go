package matmul

import (
	"encoding/binary"

	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// gather writes n words of 32 bits of each row, starting at src[0] of the first
// row, as vectors dstStride bytes apart: dst[v*dstStride+4*r:] is word v of row r.
func gather(dst []byte, dstStride int, src []byte, stride, rows, n int) {
	done := 0
	if rows == Group {
		done = gatherFour(dst, dstStride, src, stride, n)
	}
	for r := range rows {
		from := src[r*stride:][:4*n]
		to := dst[4*r:]
		for v := done; v < n; v++ {
			w := binary.LittleEndian.Uint32(from[4*v:])
			binary.LittleEndian.PutUint32(to[v*dstStride:], w)
		}
	}
}

// gather16 writes the 16-bit number at src[0] of each row.
func gather16(dst, src []byte, stride, rows int) {
	for r := range rows {
		binary.LittleEndian.PutUint16(dst[2*r:], binary.LittleEndian.Uint16(src[r*stride:]))
	}
}

// flip turns codes into code+128 and back.
func flip(codes []byte) {
	for len(codes) >= 8 {
		w := binary.LittleEndian.Uint64(codes)
		binary.LittleEndian.PutUint64(codes, w^0x8080808080808080)
		codes = codes[8:]
	}
}

func packQ40(dst, src []byte, stride, n int) {
	gather16(dst, src, stride, n)
	gather(dst[32:], 64, src[2:], stride, n, 4)
}

func packQ41(dst, src []byte, stride, n int) {
	gather16(dst, src, stride, n)
	gather16(dst[32:], src[2:], stride, n)
	gather(dst[64:], 64, src[4:], stride, n, 4)
}

func packQ50(dst, src []byte, stride, n int) {
	gather16(dst, src, stride, n)
	gatherFifth(dst[32:], src[2:], stride, n)
	gather(dst[96:], 64, src[6:], stride, n, 4)
}

func packQ51(dst, src []byte, stride, n int) {
	gather16(dst, src, stride, n)
	gather16(dst[32:], src[2:], stride, n)
	gatherFifth(dst[64:], src[4:], stride, n)
	gather(dst[128:], 64, src[8:], stride, n, 4)
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
	gather(dst[32:], 64, src[2:], stride, n, 8)
	flip(dst[32:544])
}

func packMXFP4(dst, src []byte, stride, n int) {
	for r := range n {
		dst[r] = src[r*stride]
	}
	gather(dst[16:], 64, src[1:], stride, n, 4)
}

// packFloats interleaves the columns of n rows.
func packFloats(t quant.Type, dst, src []byte, n, rowBytes, cols int) {
	if n < Group || cols%floatStep != 0 {
		clear(dst)
	}
	if t == quant.F32 {
		gather(dst, 64, src, rowBytes, n, cols)
		return
	}
	gather(dst, 64, src, rowBytes, n, cols/2)
	if cols%2 == 1 {
		last := dst[64*(cols/2):]
		for r := range n {
			copy(last[4*r:4*r+2], src[r*rowBytes+2*cols-2:])
		}
	}
	if t == quant.F16 {
		for o := 0; o+64 <= len(dst); o += 64 {
			splitPairs(dst[o : o+64])
		}
	}
}

// splitPairs moves the first of each pair of 16-bit numbers to the front half.
func splitPairs(b []byte) {
	var odd [Group]uint16
	for r := range odd {
		w := binary.LittleEndian.Uint32(b[4*r:])
		binary.LittleEndian.PutUint16(b[2*r:], uint16(w))
		odd[r] = uint16(w >> 16)
	}
	for r, v := range odd {
		binary.LittleEndian.PutUint16(b[32+2*r:], v)
	}
}
