package grammar

import (
	"slices"
	"unicode/utf8"
)

const (
	maxRune    = 0x10FFFF
	surrogate0 = 0xD800
	surrogate1 = 0xDFFF
)

// anyRune is every code point that UTF-8 can spell.
var anyRune = []runeRange{{0, surrogate0 - 1}, {surrogate1 + 1, maxRune}}

// normalize sorts ranges, joins those that touch and drops the surrogates,
// which UTF-8 cannot spell.
func normalize(rs []runeRange) []runeRange {
	rs = slices.Clone(rs)
	slices.SortFunc(rs, func(a, b runeRange) int { return int(a.lo) - int(b.lo) })
	var out []runeRange
	for _, r := range rs {
		if r.lo > r.hi {
			continue
		}
		if n := len(out); n > 0 && r.lo <= out[n-1].hi+1 {
			out[n-1].hi = max(out[n-1].hi, r.hi)
			continue
		}
		out = append(out, r)
	}
	return subtract(out, []runeRange{{surrogate0, surrogate1}})
}

// subtract returns a without b; both are sorted and do not overlap themselves.
func subtract(a, b []runeRange) []runeRange {
	var out []runeRange
	for _, r := range a {
		lo := r.lo
		for _, x := range b {
			if x.hi < lo || x.lo > r.hi {
				continue
			}
			if x.lo > lo {
				out = append(out, runeRange{lo, x.lo - 1})
			}
			lo = x.hi + 1
		}
		if lo <= r.hi {
			out = append(out, runeRange{lo, r.hi})
		}
	}
	return out
}

func complement(rs []runeRange) []runeRange { return subtract(anyRune, normalize(rs)) }

type byteRange struct{ lo, hi byte }

// sequences calls f with the sequences of byte ranges that together spell the
// code points lo..hi, each code point by one sequence.
func sequences(lo, hi rune, f func([]byteRange)) {
	for _, limit := range []rune{0x7F, 0x7FF, 0xFFFF, maxRune} { // the last of each length
		if lo > hi {
			return
		}
		if lo <= limit {
			sameLength(lo, min(hi, limit), f)
			lo = limit + 1
		}
	}
}

// sameLength splits a range whose ends have the same length, until all but the
// first differing byte run over everything.
func sameLength(lo, hi rune, f func([]byteRange)) {
	n := utf8.RuneLen(lo)
	for i := 1; i < n; i++ {
		mask := rune(1)<<(6*i) - 1
		if lo&^mask == hi&^mask {
			continue
		}
		if lo&mask != 0 {
			sameLength(lo, lo|mask, f)
			sameLength(lo|mask+1, hi, f)
			return
		}
		if hi&mask != mask {
			sameLength(lo, hi&^mask-1, f)
			sameLength(hi&^mask, hi, f)
			return
		}
	}
	var a, b [utf8.UTFMax]byte
	utf8.EncodeRune(a[:], lo)
	utf8.EncodeRune(b[:], hi)
	out := make([]byteRange, n)
	for i := range out {
		out[i] = byteRange{a[i], b[i]}
	}
	f(out)
}
