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
		rs[j] = fitRange(x[j*size:(j+1)*size], top)
		most.step, most.low = max(most.step, rs[j].step), max(most.low, rs[j].low)
	}
	return rs, most
}

// fitRange starts with the range from the smallest to the largest element and
// moves it to where, for the codes that the elements have then, the weighted
// sum of squared errors is smallest: the line of regression of elements on
// codes. New codes ask for a new line; a few rounds are enough.
//
// Elements weigh as much as they are large. With equal weights the codes would
// be pulled towards the mean, and all dot products would come out too small.
func fitRange(x []float32, top int) subRange {
	lo, hi, _ := extremes(x)
	lo = min(lo, 0)
	r := subRange{(hi - lo) / float32(top), -lo}
	for range 4 {
		id := inverse(r.step)
		var n, sq, sqq, sx, sxq float64
		for _, v := range x {
			q := float64(round((v+r.low)*id, 0, top))
			w := float64(abs(v))
			wq, wx := float64(w*q), float64(w*float64(v))
			n, sq, sqq = n+w, sq+wq, sqq+float64(wq*q)
			sx, sxq = sx+wx, sxq+float64(wx*q)
		}
		step := (float64(n*sxq) - float64(sq*sx)) / (float64(n*sqq) - float64(sq*sq))
		low := -(sx - float64(step*sq)) / n
		if low < 0 {
			step, low = sxq/sqq, 0
		}
		if !(step > 0) || step > math.MaxFloat32 || low > math.MaxFloat32 {
			break // all codes are equal, or the values are no sane weights
		}
		r = subRange{float32(step), float32(low)}
	}
	return r
}

// snap picks integers s and m in 0..most so that d*s and dmin*m serve the
// elements best as step and low: the rounded ones, or neighbours of these.
func snap(x []float32, r subRange, d, dmin float32, most, top int) (s, m int) {
	s0, m0 := round(r.step*inverse(d), 0, most), round(r.low*inverse(dmin), 0, most)
	s, m = s0, m0
	best := math.Inf(1)
	for i := max(s0-1, 0); i <= min(s0+1, most); i++ {
		for j := max(m0-1, 0); j <= min(m0+1, most); j++ {
			if e := squaredError(x, d*float32(i), dmin*float32(j), top); e < best {
				s, m, best = i, j, e
			}
		}
	}
	return s, m
}

// squaredError returns the weighted sum of squared errors of x with codes
// 0..top; see fitRange.
func squaredError(x []float32, step, low float32, top int) float64 {
	id := inverse(step)
	var sum float64
	for _, v := range x {
		e := float64(v) - (float64(step)*float64(round((v+low)*id, 0, top)) - float64(low))
		sum += float64(e * e * float64(abs(v)))
	}
	return sum
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
			x := src[16*j : 16*j+16]
			s, m := snap(x, rs[j], d, dmin, 15, 3)
			dst[j] = uint8(s | m<<4)
			codes(q[16*j:], x, d*float32(s), dmin*float32(m), 3)
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

// signedSteps returns the best steps for 16 sub-blocks with codes from -half,
// and stores and returns the d by which the largest of them becomes -top.
func signedSteps(x []float32, half, top int, dst []byte) (steps [16]float32, d float32) {
	var most float32
	for j := range steps {
		steps[j] = fitStep(x[16*j:16*j+16], half)
		if abs(steps[j]) > abs(most) {
			most = steps[j]
		}
	}
	return steps, putHalf(dst, most/-float32(top))
}

// fitStep tries steps around the one that gives the element of largest
// magnitude the code -half. For given codes q the best step is the sum of x*q
// over the sum of q*q, and the larger the first sum squared over the second,
// the smaller the squared error.
func fitStep(x []float32, half int) float32 {
	_, _, peak := extremes(x)
	best, bestGain := peak/-float32(half), 0.0
	for try := -8; try <= 8; try++ {
		id := inverse(peak / -(float32(half) + 0.1*float32(try)))
		var xq, qq float64
		for _, v := range x {
			q := float64(round(v*id, -half, half-1))
			xq, qq = xq+float64(q*float64(v)), qq+float64(q*q)
		}
		if gain := xq * xq / qq; gain > bestGain && gain < math.MaxFloat32 {
			best, bestGain = float32(xq/qq), gain
		}
	}
	return best
}

// head45 writes the head of a Q4_K or Q5_K block and the 256 codes 0..top.
func head45(dst []byte, q []uint8, src []float32, top int) {
	rs, most := subRanges(src, 8, top)
	d, dmin := putHalf(dst, most.step/63), putHalf(dst[2:], most.low/63)
	b := dst[4:16]
	clear(b)
	for j := range 8 {
		x := src[32*j : 32*j+32]
		s, m := snap(x, rs[j], d, dmin, 63, top)
		if j < 4 {
			b[j] |= uint8(s)
			b[j+4] |= uint8(m)
		} else {
			b[j+4] = uint8(s&15 | m&15<<4)
			b[j-4] |= uint8(s >> 4 << 6)
			b[j] |= uint8(m >> 4 << 6)
		}
		codes(q[32*j:], x, d*float32(s), dmin*float32(m), top)
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
