package tokenizer

import (
	"unicode/utf8"
)

// The replacement character, and its UTF-8 bytes as a string.
const replacement = "\uFFFD"

// A lead byte allows this range of second bytes; n is the length of the whole
// character, 0 for a byte that begins none.
type lead struct{ n, lo, hi byte }

// leadOf is table 3-7 of the Unicode Standard.
func leadOf(b byte) lead {
	switch {
	case b < 0x80:
		return lead{1, 0, 0}
	case b < 0xC2:
		return lead{}
	case b < 0xE0:
		return lead{2, 0x80, 0xBF}
	case b == 0xE0:
		return lead{3, 0xA0, 0xBF}
	case b == 0xED:
		return lead{3, 0x80, 0x9F}
	case b < 0xF0:
		return lead{3, 0x80, 0xBF}
	case b == 0xF0:
		return lead{4, 0x90, 0xBF}
	case b < 0xF4:
		return lead{4, 0x80, 0xBF}
	case b == 0xF4:
		return lead{4, 0x80, 0x8F}
	}
	return lead{}
}

// part is the state of the first character of some bytes.
type part uint8

const (
	whole  part = iota // a complete character
	broken             // a maximal subpart that can become no character
	open               // a beginning that more bytes may complete
)

// firstPart measures the first character of p, which is not empty: its length
// in bytes, or the length of the maximal subpart that stands for it. Go's own
// decoder steps over one byte only, which gives one U+FFFD too many for a
// character that was cut after its second or third byte.
func firstPart(p []byte) (n int, state part) {
	l := leadOf(p[0])
	if l.n <= 1 {
		if l.n == 1 {
			return 1, whole
		}
		return 1, broken
	}
	lo, hi := l.lo, l.hi
	for i := 1; i < int(l.n); i++ {
		if i == len(p) {
			return i, open
		}
		if p[i] < lo || p[i] > hi {
			return i, broken
		}
		lo, hi = 0x80, 0xBF
	}
	return int(l.n), whole
}

// appendValid appends p to dst with every maximal broken subpart replaced by
// U+FFFD. With more set, the beginning of a character at the end is left out;
// rest is its length, at most 3.
func appendValid(dst, p []byte, more bool) (out []byte, rest int) {
	for len(p) > 0 {
		if p[0] < utf8.RuneSelf {
			dst = append(dst, p[0])
			p = p[1:]
			continue
		}
		n, state := firstPart(p)
		switch {
		case state == whole:
			dst = append(dst, p[:n]...)
		case state == open && more, more && surrogate(p):
			return dst, len(p)
		default:
			dst = append(dst, replacement...)
		}
		p = p[n:]
	}
	return dst, 0
}

// surrogate reports whether p is the first two bytes of an encoded surrogate, and
// nothing else. It will not become a character, but decoders that work on streams
// wait for its third byte all the same, and so it is put out in one go with it.
func surrogate(p []byte) bool {
	return len(p) == 2 && p[0] == 0xED && p[1] >= 0xA0 && p[1] <= 0xBF
}

// Valid returns s with every maximal subpart of broken UTF-8 replaced by one
// U+FFFD, as Rust, Python and WHATWG do.
func Valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	out, _ := appendValid(make([]byte, 0, len(s)+8), []byte(s), false)
	return string(out)
}
