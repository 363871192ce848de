package quant

import (
	"encoding/binary"
	"math"
)

// A subRange is the range of values of one sub-block: codes step up from -low
// in equal steps.
type subRange struct{ step, low float32 }

// subRanges splits a super-block into n sub-blocks and returns the range of
// each in steps of 0..top, and the largest step and low among them. A range
// always reaches down to zero at least, since a min cannot be positive.
func subRanges(x []float32, n, top int) (rs [16]subRange, most subRange) {
	size := superBlock / n
	for j := range n {
		lo, hi, _ := extremes(x[j*size : (j+1)*size])
		lo = min(lo, 0)
		rs[j] = subRange{(hi - lo) / float32(top), -lo}
		most.step, most.low = max(most.step, rs[j].step), max(most.low, rs[j].low)
	}
	return rs, most
}

// codes writes round((x+low)/step) in 0..top for each element.
func codes(q []uint8, x []float32, step, low float32, top int) {
	id := inverse(step)
	for i, v := range x {
		q[i] = uint8(round((v+low)*id, 0, top))
	}
}

func encodeQ2K(dst []byte, src []float32) {
	for ; len(src) >= superBlock; src, dst = src[superBlock:], dst[84:] {
		rs, most := subRanges(src, 16, 3)
		d, dmin := putHalf(dst[80:], most.step/15), putHalf(dst[82:], most.low/15)
		var q [superBlock]uint8
		for j := range 16 {
			s := round(rs[j].step*inverse(d), 0, 15)
			m := round(rs[j].low*inverse(dmin), 0, 15)
			dst[j] = uint8(s | m<<4)
			codes(q[16*j:], src[16*j:16*j+16], d*float32(s), dmin*float32(m), 3)
		}
		packPairs(dst[16:80], q[:])
	}
}

// packPairs packs 256 codes of two bits in the order of Q2_K.
func packPairs(dst []byte, q []uint8) {
	for h := range 2 {
		o, c := dst[32*h:32*h+32], q[128*h:128*h+128]
		for i := range o {
			o[i] = c[i] | c[i+32]<<2 | c[i+64]<<4 | c[i+96]<<6
		}
	}
}

func encodeQ3K(dst []byte, src []float32) {
	for ; len(src) >= superBlock; src, dst = src[superBlock:], dst[110:] {
		steps, d := signedSteps(src, 4, 32, dst[108:])
		clear(dst[:32])
		clear(dst[96:108])
		var low [superBlock]uint8
		for j := range 16 {
			s := round(steps[j]*inverse(d), -32, 31)
			u := uint8(s + 32)
			dst[96+j%8] |= u & 15 << (j / 8 * 4)
			dst[104+j%4] |= u >> 4 << (j / 4 * 2)
			id := inverse(d * float32(s))
			for i, v := range src[16*j : 16*j+16] {
				c := uint8(round(v*id, -4, 3) + 4)
				e := 16*j + i
				low[e] = c & 3
				dst[e%32] |= c >> 2 << (e / 32)
			}
		}
		packPairs(dst[32:96], low[:])
	}
}

// signedSteps returns for 16 sub-blocks the step with which the element of
// largest magnitude becomes the code -half, and stores and returns the d by
// which the largest of these steps becomes -top.
func signedSteps(x []float32, half, top int, dst []byte) (steps [16]float32, d float32) {
	var most float32
	for j := range steps {
		_, _, peak := extremes(x[16*j : 16*j+16])
		steps[j] = peak / -float32(half)
		if abs(steps[j]) > abs(most) {
			most = steps[j]
		}
	}
	return steps, putHalf(dst, most/-float32(top))
}

// head45 writes the head of a Q4_K or Q5_K block and the 256 codes 0..top.
func head45(dst []byte, q []uint8, src []float32, top int) {
	rs, most := subRanges(src, 8, top)
	d, dmin := putHalf(dst, most.step/63), putHalf(dst[2:], most.low/63)
	b := dst[4:16]
	clear(b)
	for j := range 8 {
		s := round(rs[j].step*inverse(d), 0, 63)
		m := round(rs[j].low*inverse(dmin), 0, 63)
		if j < 4 {
			b[j] |= uint8(s)
			b[j+4] |= uint8(m)
		} else {
			b[j+4] = uint8(s&15 | m&15<<4)
			b[j-4] |= uint8(s >> 4 << 6)
			b[j] |= uint8(m >> 4 << 6)
		}
		codes(q[32*j:], src[32*j:32*j+32], d*float32(s), dmin*float32(m), top)
	}
}

// nibbles45 packs the low four bits of 256 codes: 32 in the low halves, the
// next 32 in the high halves.
func nibbles45(dst []byte, q []uint8) {
	for p := range 4 {
		for i := range 32 {
			dst[32*p+i] = q[64*p+i]&15 | q[64*p+32+i]<<4
		}
	}
}

func encodeQ4K(dst []byte, src []float32) {
	for ; len(src) >= superBlock; src, dst = src[superBlock:], dst[144:] {
		var q [superBlock]uint8
		head45(dst, q[:], src, 15)
		nibbles45(dst[16:], q[:])
	}
}

func encodeQ5K(dst []byte, src []float32) {
	for ; len(src) >= superBlock; src, dst = src[superBlock:], dst[176:] {
		var q [superBlock]uint8
		head45(dst, q[:], src, 31)
		clear(dst[16:48])
		for e, v := range q {
			dst[16+e%32] |= v >> 4 << (e / 32)
		}
		nibbles45(dst[48:], q[:])
	}
}

func encodeQ6K(dst []byte, src []float32) {
	for ; len(src) >= superBlock; src, dst = src[superBlock:], dst[210:] {
		steps, d := signedSteps(src, 32, 128, dst[208:])
		clear(dst[:192])
		for j := range 16 {
			s := round(steps[j]*inverse(d), -128, 127)
			dst[192+j] = uint8(int8(s))
			id := inverse(d * float32(s))
			for i, v := range src[16*j : 16*j+16] {
				c := uint8(round(v*id, -32, 31) + 32)
				e := 16*j + i
				h, k, l := e/128, e%128/32, e%32
				dst[64*h+k%2*32+l] |= c & 15 << (k / 2 * 4)
				dst[128+32*h+l] |= c >> 4 << (2 * k)
			}
		}
	}
}

func encodeQ8K(dst []byte, src []float32) {
	for ; len(src) >= superBlock; src, dst = src[superBlock:], dst[292:] {
		_, _, peak := extremes(src[:superBlock])
		clear(dst[:292])
		if peak == 0 {
			continue
		}
		iscale := -127 / peak
		binary.LittleEndian.PutUint32(dst, math.Float32bits(1/iscale))
		for j := range 16 {
			sum := 0
			for i, v := range src[16*j : 16*j+16] {
				q := roundEven(iscale*v, -128, 127)
				sum += q
				dst[4+16*j+i] = uint8(int8(q))
			}
			put16(dst[260+2*j:], uint16(int16(sum)))
		}
	}
}
