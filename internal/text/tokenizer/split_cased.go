package tokenizer

import "unicode"

// Classes for the rules that tell upper case from lower. Marks are in both sets, and
// among the others as well, so that a mark may begin a word, be in it, or stand in
// front of it.
const (
	csUpper   uint8 = 1 << iota // [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]
	csLower                     // [\p{Ll}\p{Lm}\p{Lo}\p{M}]
	csHan                       // \p{Han}, if the rule cuts it out; then no word has it
	csLetter                    // \p{L}
	csNumber                    // \p{N}
	csSpace                     // \s
	csNewline                   // [\r\n]
	csTail                      // what may follow punctuation: [\r\n], or [\r\n/]
)

// cased is a rule of this form; with han the first alternative is [\p{Han}]+ and the
// two of words leave those characters out:
//
//	[^\r\n\p{L}\p{N}]?[upper]*[lower]+ | [^\r\n\p{L}\p{N}]?[upper]+[lower]* | \p{N}{1,digits} |
//	 ?[^\s\p{L}\p{N}]+[tail]* | \s*[\r\n]+ | \s+(?!\S) | \s+
//
// contracted puts (?i:'s|'t|'re|'ve|'m|'ll|'d)? behind a word.
type cased struct {
	c          *classes
	digits     int
	contracted bool
}

func classesCased(han, slash bool) *classes {
	return newClasses(func(r rune, cat uint8) (k uint8) {
		switch {
		case cat&catL != 0:
			k = csLetter
		case cat&catN != 0:
			k = csNumber
		}
		switch {
		case cat&catSpace != 0:
			k |= csSpace
		case han && unicode.Is(unicode.Han, r):
			return k | csHan
		case cat&catM != 0:
			k |= csUpper | csLower
		case cat&catL == 0:
		case unicode.Is(unicode.Ll, r):
			k |= csLower
		case unicode.Is(unicode.Lu, r), unicode.Is(unicode.Lt, r):
			k |= csUpper
		default:
			k |= csUpper | csLower
		}
		if cat&catNewline != 0 {
			k |= csNewline | csTail
		}
		if slash && r == '/' {
			k |= csTail
		}
		return k
	})
}

// Kimi-K2 and Moonlight, as in their tokenization_kimi.py.
func splitKimi() splitter {
	return cased{c: classesCased(true, false), digits: 3, contracted: true}.split
}

// Mistral's Tekken: Nemo, Small 3 and later.
func splitTekken() splitter {
	return cased{c: classesCased(false, true), digits: 1}.split
}

func (w cased) split(ends []int, s string) []int {
	for i := 0; i < len(s); {
		i = w.match(s, i)
		ends = append(ends, i)
	}
	return ends
}

// match returns the end of the match at i; every character begins one.
func (w cased) match(s string, i int) int {
	k, n := w.c.at(s, i)
	if k&csHan != 0 {
		return w.c.run(s, i+n, csHan)
	}
	if end := w.word(s, i, k, n); end > i {
		if w.contracted && end < len(s) && s[end] == '\'' {
			if c := contraction(s[end+1:], true); c > 0 {
				return end + 1 + c
			}
		}
		return end
	}
	if k&csNumber != 0 {
		return w.c.digits(s, i, csNumber, w.digits)
	}
	j := i
	if s[i] == ' ' {
		j++
	}
	if next, m := w.c.at(s, j); m > 0 && w.other(next) {
		for m > 0 && w.other(next) {
			j += m
			next, m = w.c.at(s, j)
		}
		return w.c.run(s, j, csTail)
	}
	return w.c.blanks(s, i, csSpace, csNewline, 0)
}

// other is [^\s\p{L}\p{N}].
func (w cased) other(k uint8) bool { return k&(csSpace|csLetter|csNumber) == 0 }

// word matches the two alternatives of words at i, where a character of n bytes and
// the classes k stands; i if there is none. That character may be the one in front,
// or, if it is a mark, the word's own.
func (w cased) word(s string, i int, k uint8, n int) int {
	front := k&(csNewline|csLetter|csNumber) == 0
	for _, alternative := range []func(string, int) int{w.lowers, w.uppers} {
		if front {
			if end := alternative(s, i+n); end > 0 {
				return end
			}
		}
		if end := alternative(s, i); end > 0 {
			return end
		}
	}
	return i
}

// lowers matches [upper]*[lower]+ at i, as an engine does that gives back: the last
// place within or behind the run of upper ones where a lower one stands begins the
// lower ones. It returns 0 if there is none.
func (w cased) lowers(s string, i int) int {
	last := -1
	j := i
	for {
		k, n := w.c.at(s, j)
		if k&csLower != 0 {
			last = j
		}
		if k&csUpper == 0 {
			break
		}
		j += n
	}
	if last < 0 {
		return 0
	}
	return w.c.run(s, last, csLower)
}

// uppers matches [upper]+[lower]* at i, 0 if it does not.
func (w cased) uppers(s string, i int) int {
	j := w.c.run(s, i, csUpper)
	if j == i {
		return 0
	}
	return w.c.run(s, j, csLower)
}
