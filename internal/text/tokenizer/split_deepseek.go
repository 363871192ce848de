package tokenizer

import "strings"

// The classes of the first DeepSeek rules.
const (
	dsNewline uint8 = 1 << iota // [\r\n]
	dsLetter                    // the letters of the rule
	dsPunct                     // its punctuation
	dsSpace                     // \s without the newlines
	dsCJK                       // [一-龥ࠀ-一가-퟿]
	dsNumber                    // \p{N}
)

// A walk finds the fragments of the first DeepSeek rules in one pass. Their
// expressions are, in this order: every newline alone, \s?[letters]+,
// \s?[punctuation]+, \s+$ (only DeepSeek LLM), [CJK]+, numbers. Running them one
// inside the other puts a border between two characters where
//
//   - one of them is a newline, or a number if those stand alone;
//   - one is of a class and the other is not, except for the white space in front
//     of letters and punctuation, which goes with them and has the border before;
//   - white space begins that reaches to the end of its fragment (\s+$).
//
// So a border depends on the two characters and, at white space, on what follows
// it. That holds as long as no character is white space and punctuation at once.
type walk struct {
	c     *classes
	alone uint8 // every character of these classes is a fragment
	tail  bool  // the rule has \s+$
}

// split is a splitter for text in which white space is no punctuation.
func (w walk) split(ends []int, s string) []int {
	prev, n := w.c.at(s, 0)
	if n == 0 {
		return ends
	}
	var k uint8
	for i := n; i < len(s); i += n {
		k, n = w.c.at(s, i)
		switch {
		case k == prev && k&(w.alone|dsSpace) == 0: // inside a run
		case (k|prev)&w.alone != 0, (k^prev)&(dsCJK|dsNumber) != 0,
			prev&dsSpace == 0 && (k^prev)&(dsLetter|dsPunct) != 0,
			k&dsSpace != 0 && w.border(s, i, n, prev):
			ends = append(ends, i)
		}
		prev = k
	}
	return append(ends, len(s))
}

// border reports whether the white space at s[i], n bytes long, begins a
// fragment because of what follows it.
func (w walk) border(s string, i, n int, prev uint8) bool {
	next, _ := w.c.at(s, i+n)
	if next&(dsLetter|dsPunct) != 0 {
		return true
	}
	if !w.tail || prev&dsSpace != 0 {
		return false
	}
	end := w.c.run(s, i+n, dsSpace)
	next, _ = w.c.at(s, end)
	return end == len(s) || next&(dsNewline|dsLetter|dsPunct) != 0
}

// classesDS makes the classes of a rule from its letters and its punctuation.
func classesDS(letter, punct func(r rune, cat uint8) bool) *classes {
	return newClasses(func(r rune, cat uint8) (k uint8) {
		switch {
		case cat&catNewline != 0:
			return dsNewline
		case cat&catSpace != 0:
			k = dsSpace
		case cat&catN != 0:
			k = dsNumber
		}
		if letter(r, cat) {
			k |= dsLetter
		}
		if punct(r, cat) {
			k |= dsPunct
		}
		if within(r, dsCJKs) {
			k |= dsCJK
		}
		return k
	})
}

// DeepSeek Coder v1: [\r\n], \s?\p{L}+, \s?\p{P}+, the CJK runs, \p{N}.
func splitCoder() splitter {
	c := classesDS(
		func(_ rune, cat uint8) bool { return cat&catL != 0 },
		func(_ rune, cat uint8) bool { return cat&catP != 0 },
	)
	return walk{c: c, alone: dsNewline | dsNumber}.split
}

// DeepSeek LLM, MoE, V2, V2.5 and Coder-V2: as Coder, with classes of its own,
// \s+$ before the CJK runs, and \p{N}+. The ideographic space U+3000 is white
// space and punctuation for it. Text with one is cut by the expressions
// themselves, line by line, as newlines stand alone.
func splitLLM() splitter {
	c := classesDS(
		func(r rune, _ uint8) bool { return within(r, llmLetters) },
		func(r rune, _ uint8) bool { return within(r, llmPuncts) },
	)
	fast := walk{c: c, alone: dsNewline, tail: true}
	exact := staged(
		c.single(dsNewline), c.spaced(dsSpace, dsLetter), c.spaced(dsSpace, dsPunct),
		c.tail(dsSpace|dsNewline), c.isolate(dsCJK), c.isolate(dsNumber),
	)
	return func(ends []int, s string) []int {
		for from := 0; from < len(s); {
			to, split := len(s), fast.split
			if at := strings.Index(s[from:], "\u3000"); at >= 0 {
				// The lines before the one with the space, or else that line.
				line := from + strings.LastIndexAny(s[from:from+at], "\r\n") + 1
				if line > from {
					to = line
				} else {
					split = exact
					if end := strings.IndexAny(s[from+at:], "\r\n"); end >= 0 {
						to = from + at + end
					}
				}
			}
			base := len(ends)
			ends = split(ends, s[from:to])
			for i := base; i < len(ends); i++ {
				ends[i] += from
			}
			from = to
		}
		return ends
	}
}

// The letters of the second expression, as inclusive pairs.
var llmLetters = []rune{
	0x41, 0x5A, 0x61, 0x7A, 0xB5, 0xB5, 0xC0, 0xD6, 0xD8, 0xF6, 0xF8, 0x1BA, 0x1BC, 0x1BF, 0x1C4, 0x293,
	0x295, 0x2AF, 0x370, 0x373, 0x376, 0x377, 0x37B, 0x37D, 0x37F, 0x37F, 0x386, 0x386, 0x388, 0x38A,
	0x38C, 0x38C, 0x38E, 0x3A1, 0x3A3, 0x3F5, 0x3F7, 0x481, 0x48A, 0x52F, 0x531, 0x556, 0x10A0, 0x10C5,
	0x13A0, 0x13F5, 0x13F8, 0x13FD, 0x1C90, 0x1CBA, 0x1CBD, 0x1CBF, 0x1D00, 0x1D2B, 0x1D6B, 0x1D77,
	0x1D79, 0x1D9A, 0x1E00, 0x1F15, 0x1F18, 0x1F1D, 0x1F20, 0x1F45, 0x1F48, 0x1F4D, 0x1F50, 0x1F57,
	0x1F59, 0x1F59, 0x1F5B, 0x1F5B, 0x1F5D, 0x1F5D, 0x1F5F, 0x1F7D, 0x1F80, 0x1FB4, 0x1FB6, 0x1FBC,
	0x1FBE, 0x1FBE, 0x1FC2, 0x1FC4, 0x1FC6, 0x1FCC, 0x1FD0, 0x1FD3, 0x1FD6, 0x1FDB, 0x1FE0, 0x1FEC,
	0x1FF2, 0x1FF4, 0x1FF6, 0x1FFC, 0x2102, 0x2102, 0x2107, 0x2107, 0x210A, 0x2113, 0x2115, 0x2115,
	0x2119, 0x211D, 0x2124, 0x2124, 0x2126, 0x2126, 0x2128, 0x2128, 0x212A, 0x212D, 0x212F, 0x2134,
	0x2139, 0x2139, 0x213C, 0x213F, 0x2145, 0x2149, 0x214E, 0x214E, 0x2183, 0x2184, 0x2C00, 0x2C7B,
	0x2C7E, 0x2CE4, 0x2CEB, 0x2CEE, 0x2CF2, 0x2CF3, 0xA640, 0xA66D, 0xA680, 0xA69B, 0xA722, 0xA76F,
	0xA771, 0xA787, 0xA78B, 0xA78E, 0xAB70, 0xABBF, 0xFB00, 0xFB06, 0xFB13, 0xFB17, 0xFF21, 0xFF3A,
	0xFF41, 0xFF5A, 0x10400, 0x1044F, 0x104B0, 0x104D3, 0x104D8, 0x104FB, 0x10C80, 0x10CB2, 0x10CC0,
	0x10CF2, 0x118A0, 0x118DF, 0x1E900, 0x1E943,
}

// The punctuation of the third expression. It holds no white space but the
// ideographic space U+3000.
var llmPuncts = []rune{
	0x21, 0x2F, 0x3A, 0x7E, 0xFF01, 0xFF0F, 0xFF1A, 0xFF5E, 0x2018, 0x201F, 0x3000, 0x3002,
}

// [一-龥ࠀ-一가-퟿], which also catches the general punctuation and the blanks
// U+2000-206F that the expressions before it left over.
var dsCJKs = []rune{0x800, 0x9FA5, 0xAC00, 0xD7FF}

// The classes of DeepSeek V3. Numbers and CJK runs are cut out by the first two
// expressions, so that characters of these classes have no others and end the
// fragment before them.
const (
	v3Word    uint8 = 1 << iota // [\p{L}\p{M}]
	v3Mark                      // [\p{P}\p{S}]
	v3Space                     // \s
	v3Newline                   // [\r\n]
	v3Number                    // 1: \p{N}
	v3CJK                       // 2: [一-龥぀-ゟ゠-ヿ]
	v3CJKWord                   // of these, [\p{L}\p{M}]
	v3CJKMark                   // of these, [\p{P}\p{S}]: ゛ ゜ ゠ ・
)

var v3CJKs = []rune{0x4E00, 0x9FA5, 0x3040, 0x309F, 0x30A0, 0x30FF}

func classesV3() *classes {
	return newClasses(func(r rune, cat uint8) (k uint8) {
		word, mark := cat&(catL|catM) != 0, cat&(catP|catS) != 0
		switch cjk := within(r, v3CJKs); {
		case cat&catN != 0:
			return v3Number
		case cjk && word:
			return v3CJK | v3CJKWord
		case cjk && mark:
			return v3CJK | v3CJKMark
		case cjk:
			return v3CJK
		case word:
			k = v3Word
		case mark:
			k = v3Mark
		}
		if cat&catSpace != 0 {
			k |= v3Space
		}
		if cat&catNewline != 0 {
			k |= v3Newline
		}
		return k
	})
}

// DeepSeek V3, R1, V3.1, V3.2, V4:
//
//	1  \p{N}{1,3}
//	2  [一-龥぀-ゟ゠-ヿ]+
//	3  [ASCII punctuation][A-Za-z]+ | [^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+ | ?[\p{P}\p{S}]+[\r\n]* |
//	   \s*[\r\n]+ | \s+(?!\S) | \s+
//
// Characters that no alternative begins with (controls, unassigned ones) stay
// together until the next match or the end of their fragment.
func splitV3() splitter {
	c := classesV3()
	return func(ends []int, s string) []int {
		for i := 0; i < len(s); {
			j := c.matchV3(s, i)
			if j == i {
				j = c.gapV3(s, i)
			}
			ends = append(ends, j)
			i = j
		}
		return ends
	}
}

// gapV3 returns the end of the text between matches that begins at i.
func (c *classes) gapV3(s string, i int) int {
	first, n := c.at(s, i)
	for i += n; i < len(s); i += n {
		var k uint8
		k, n = c.at(s, i)
		if (k^first)&v3CJK != 0 || c.matchV3(s, i) > i {
			break
		}
	}
	return i
}

// matchV3 returns the end of the match that begins at i, or i if none does.
func (c *classes) matchV3(s string, i int) int {
	k, n := c.at(s, i)
	switch {
	case n == 0:
		return i
	case k&v3Number != 0:
		return c.digits(s, i, v3Number, 3)
	case k&v3CJK != 0:
		return c.matchV3CJK(s, i)
	case k&v3Mark != 0 && n == 1 && i+1 < len(s) && isLetter(s[i+1]):
		i += 2
		for i < len(s) && isLetter(s[i]) {
			i++
		}
		return i
	case k&v3Word != 0:
		return c.run(s, i+n, v3Word)
	case k&v3Mark != 0:
		return c.run(s, c.run(s, i+n, v3Mark), v3Newline)
	}
	next, m := c.at(s, i+n)
	switch {
	case k&v3Newline == 0 && next&v3Word != 0:
		return c.run(s, i+n+m, v3Word)
	case s[i] == ' ' && next&v3Mark != 0:
		return c.run(s, c.run(s, i+n+m, v3Mark), v3Newline)
	case k&v3Space != 0:
		return c.blanks(s, i, v3Space, v3Newline, v3Number|v3CJK)
	}
	return i
}

// matchV3CJK is what the third expression matches inside a CJK run.
func (c *classes) matchV3CJK(s string, i int) int {
	k, n := c.at(s, i)
	next, m := c.at(s, i+n)
	switch {
	case k&v3CJKWord != 0:
		return c.run(s, i+n, v3CJKWord)
	case k&v3CJKMark != 0:
		return c.run(s, i+n, v3CJKMark)
	case next&v3CJKWord != 0: // an unassigned character in front
		return c.run(s, i+n+m, v3CJKWord)
	}
	return i
}

// isLetter is [A-Za-z].
func isLetter(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' }

// digits returns the end of at most limit characters of the class from i on.
func (c *classes) digits(s string, i int, bits uint8, limit int) int {
	for ; limit > 0; limit-- {
		k, n := c.at(s, i)
		if k&bits == 0 {
			break
		}
		i += n
	}
	return i
}

// blanks matches \s*[\r\n]+ | \s+(?!\S) | \s+ at i, where white space begins: up
// to the last newline of the run if it has one; else all of it where a fragment
// ends there; else all but its last character, which is left for the next match,
// unless it is the only one. Characters of the classes in stop begin a new
// fragment. With newline 0 there is no first alternative.
func (c *classes) blanks(s string, i int, space, newline, stop uint8) int {
	last, cut := i, -1 // the run's last character, the end of its last newline
	j := i
	for j < len(s) {
		k, n := c.at(s, j)
		if k&space == 0 {
			if k&stop != 0 {
				last = j
			}
			break
		}
		last = j
		j += n
		if k&newline != 0 {
			cut = j
		}
	}
	switch {
	case cut >= 0:
		return cut
	case j == len(s) || last == i:
		return j
	}
	return last
}
