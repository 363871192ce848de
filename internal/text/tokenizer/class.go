package tokenizer

import (
	"unicode"
	"unicode/utf8"
)

// A classes table gives every code point a byte whose bits say which character
// classes of one pre-tokenizer hold it. A splitter asks for nothing but these
// bits, so that a test of a class costs one load for ASCII and two for the rest,
// where unicode.Is would search a range table.
//
// A table of two stages: code point >> 8 selects a page of 256. Equal pages are
// stored once; most of the 4,352 are.
type classes struct {
	ascii [128]uint8
	index [(unicode.MaxRune + 1) >> 8]uint16
	pages [][256]uint8
}

// newClasses tabulates f, which is called once per code point with its general
// categories.
func newClasses(f func(r rune, cat uint8) uint8) *classes {
	c := &classes{}
	cats := categories()
	seen := make(map[[256]uint8]uint16)
	for p := range c.index {
		var page [256]uint8
		for i := range page {
			r := p<<8 | i
			page[i] = f(rune(r), cats[r])
		}
		n, ok := seen[page]
		if !ok {
			n = uint16(len(c.pages)) //nolint:gosec // at most 4,352 pages
			seen[page] = n
			c.pages = append(c.pages, page)
		}
		c.index[p] = n
	}
	copy(c.ascii[:], c.pages[c.index[0]][:128])
	return c
}

// at returns the classes of the character at s[i] and its length in bytes;
// 0, 0 at the end. s is valid UTF-8.
func (c *classes) at(s string, i int) (bits uint8, n int) {
	if i >= len(s) {
		return 0, 0
	}
	if b := s[i]; b < utf8.RuneSelf {
		return c.ascii[b&127], 1
	}
	return c.wide(s, i)
}

// wide is at for a character beyond ASCII. The bytes are known to be valid, so
// that they are put together without the checks of utf8.DecodeRuneInString.
func (c *classes) wide(s string, i int) (bits uint8, n int) {
	switch b := s[i]; {
	case b < 0xE0 && i+1 < len(s):
		r := uint32(b&0x1F)<<6 | uint32(s[i+1]&0x3F)
		return c.of(r), 2
	case b < 0xF0 && i+2 < len(s):
		r := uint32(b&0x0F)<<12 | uint32(s[i+1]&0x3F)<<6 | uint32(s[i+2]&0x3F)
		return c.of(r), 3
	case i+3 < len(s):
		r := uint32(b&0x07)<<18 | uint32(s[i+1]&0x3F)<<12 | uint32(s[i+2]&0x3F)<<6 | uint32(s[i+3]&0x3F)
		return c.of(r), 4
	}
	return 0, len(s) - i
}

func (c *classes) of(r uint32) uint8 {
	p := r >> 8
	if p >= uint32(len(c.index)) {
		return 0
	}
	return c.pages[c.index[p]][r&0xFF]
}

// run returns the end of the longest run of characters from s[i] on that have
// one of the bits.
func (c *classes) run(s string, i int, bits uint8) int {
	for i < len(s) {
		b := s[i]
		if b < utf8.RuneSelf {
			if c.ascii[b&127]&bits == 0 {
				return i
			}
			i++
			continue
		}
		k, n := c.wide(s, i)
		if k&bits == 0 {
			return i
		}
		i += n
	}
	return i
}

// The general categories, as one table that the classes of all rules are made
// from.
const (
	catL uint8 = 1 << iota
	catM
	catN
	catP
	catS
	catSpace   // Unicode White_Space, which is \s in the rules
	catNewline // \r and \n
)

// categories returns the category bits of every code point. It walks the range
// tables once; asking unicode.Is a million times would take a hundred times
// longer.
func categories() []uint8 {
	out := make([]uint8, unicode.MaxRune+1)
	fill := func(bit uint8, t *unicode.RangeTable) {
		for _, r := range t.R16 {
			for c := uint32(r.Lo); c <= uint32(r.Hi); c += uint32(r.Stride) {
				out[c] |= bit
			}
		}
		for _, r := range t.R32 {
			for c := r.Lo; c <= r.Hi; c += r.Stride {
				out[c] |= bit
			}
		}
	}
	fill(catL, unicode.L)
	fill(catM, unicode.M)
	fill(catN, unicode.N)
	fill(catP, unicode.P)
	fill(catS, unicode.S)
	fill(catSpace, unicode.White_Space)
	out['\r'] |= catNewline
	out['\n'] |= catNewline
	return out
}

// within reports whether r lies in one of the inclusive pairs.
func within(r rune, pairs []rune) bool {
	for i := 0; i+1 < len(pairs); i += 2 {
		if r >= pairs[i] && r <= pairs[i+1] {
			return true
		}
	}
	return false
}
