package tokenizer

import (
	"slices"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// toNFC returns s in Normalization Form C. Nearly all text is in it already,
// which a look at its bytes tells.
func toNFC(s string) string {
	if norm.NFC.QuickSpanString(s) == len(s) {
		return s
	}
	if longMarks(s) {
		return nfcExact(s)
	}
	return norm.NFC.String(s)
}

// longMarks reports whether s has so many combining marks in a row that the norm
// package might break the run: behind 30 of them it puts U+034F, as its stream
// format asks, where the vocabularies' publishers put nothing. A mark decomposes
// into two at most.
func longMarks(s string) bool {
	const limit = 10
	run := 0
	for i := 0; i < len(s); {
		if s[i] < utf8.RuneSelf {
			run = 0
			i++
			continue
		}
		p := norm.NFC.PropertiesString(s[i:])
		run++
		if p.CCC() == 0 {
			run = 0
		}
		if run > limit {
			return true
		}
		i += max(p.Size(), 1)
	}
	return false
}

// A mark is a character with its canonical combining class, 0 for a starter.
type mark struct {
	r     rune
	class uint8
}

// nfcExact is the definition of the form: decompose every character, order the
// marks behind each starter by class, compose from left to right.
func nfcExact(s string) string {
	var in []mark
	for _, r := range s {
		for _, d := range norm.NFD.String(string(r)) {
			in = append(in, mark{d, norm.NFD.PropertiesString(string(d)).CCC()})
		}
	}
	orderMarks(in)
	out := in[:0]
	starter := -1 // in out
	for _, m := range in {
		// A mark reaches the starter unless one of its class or above, or another
		// starter, stands between them.
		last := len(out) - 1
		if starter >= 0 && (last == starter || out[last].class != 0 && out[last].class < m.class) {
			if r, ok := composed(out[starter].r, m.r); ok {
				out[starter].r = r
				continue
			}
		}
		if m.class == 0 {
			starter = len(out)
		}
		out = append(out, m)
	}
	b := make([]byte, 0, len(s))
	for _, m := range out {
		b = utf8.AppendRune(b, m.r)
	}
	return string(b)
}

// orderMarks sorts every run of marks by class, keeping the order of equals.
func orderMarks(ms []mark) {
	for i := 0; i < len(ms); i++ {
		from := i
		for i < len(ms) && ms[i].class != 0 {
			i++
		}
		slices.SortStableFunc(ms[from:i], func(a, b mark) int { return int(a.class) - int(b.class) })
	}
}

// composed returns the one character that a and b make, if there is one.
func composed(a, b rune) (rune, bool) {
	s := norm.NFC.String(string([]rune{a, b}))
	r, n := utf8.DecodeRuneInString(s)
	return r, n == len(s)
}
