package tokenizer

// Classes for the rules of the GPT-2 family. Every character is a letter, a
// number, white space or another, so that the alternatives leave no gaps.
const (
	gptLetter  uint8 = 1 << iota // \p{L}
	gptNumber                    // \p{N}
	gptSpace                     // \s
	gptNewline                   // [\r\n]
	gptOther                     // [^\s\p{L}\p{N}]
)

func classesGPT2() *classes {
	return newClasses(func(_ rune, cat uint8) (k uint8) {
		switch {
		case cat&catSpace != 0:
			k = gptSpace
		case cat&catL != 0:
			k = gptLetter
		case cat&catN != 0:
			k = gptNumber
		default:
			k = gptOther
		}
		if cat&catNewline != 0 {
			k |= gptNewline
		}
		return k
	})
}

// GPT-2:
//
//	's|'t|'re|'ve|'m|'ll|'d | ?\p{L}+ | ?\p{N}+ | ?[^\s\p{L}\p{N}]+ | \s+(?!\S) | \s+
func splitGPT2() splitter {
	c := classesGPT2()
	return func(ends []int, s string) []int {
		return c.gpt2(ends, s, 0)
	}
}

func (c *classes) gpt2(ends []int, s string, lo int) []int {
	for i := lo; i < len(s); {
		i = c.matchGPT2(s, i, 0)
		ends = append(ends, i)
	}
	return ends
}

// SmolLM, StarCoder: \p{N} first, then GPT-2 in what lies between.
func splitSmol() splitter {
	c := classesGPT2()
	return func(ends []int, s string) []int {
		for i := 0; i < len(s); {
			if k, n := c.at(s, i); k&gptNumber != 0 {
				i += n
			} else {
				i = c.matchGPT2(s, i, gptNumber)
			}
			ends = append(ends, i)
		}
		return ends
	}
}

// matchGPT2 returns the end of the match at i. Characters of the classes in stop
// are fragments of their own and end the one that i lies in.
func (c *classes) matchGPT2(s string, i int, stop uint8) int {
	if s[i] == '\'' {
		if n := contraction(s[i+1:], false); n > 0 {
			return i + 1 + n
		}
	}
	j := i
	if s[i] == ' ' {
		j++
	}
	switch k, n := c.at(s, j); {
	case n == 0 || k&(gptSpace|stop) != 0:
	case k&gptLetter != 0:
		return c.run(s, j+n, gptLetter)
	case k&gptNumber != 0:
		return c.run(s, j+n, gptNumber)
	default:
		return c.run(s, j+n, gptOther)
	}
	return c.blanks(s, i, gptSpace, 0, stop)
}

// contraction returns the length of one of s t re ve m ll d at the start of s,
// which stands behind an apostrophe; 0 if there is none. fold ignores case, by
// Unicode: U+017F folds to s.
func contraction(s string, fold bool) int {
	at := func(i int) byte {
		if i >= len(s) {
			return 0
		}
		if b := s[i]; fold && b >= 'A' && b <= 'Z' {
			return b | 0x20
		}
		return s[i]
	}
	switch a, b := at(0), at(1); {
	case a == 's' || a == 't' || a == 'm' || a == 'd':
		return 1
	case a == 'r' && b == 'e', a == 'v' && b == 'e', a == 'l' && b == 'l':
		return 2
	case fold && a == 0xC5 && b == 0xBF: // ſ
		return 2
	}
	return 0
}

// Llama 3, and with limit 1 Qwen 2:
//
//	(?i:'s|'t|'re|'ve|'m|'ll|'d) | [^\r\n\p{L}\p{N}]?\p{L}+ | \p{N}{1,limit} | ?[^\s\p{L}\p{N}]+[\r\n]* |
//	\s*[\r\n]+ | \s+(?!\S) | \s+
func splitLlama3(limit int) splitter {
	c := classesGPT2()
	return func(ends []int, s string) []int {
		for i := 0; i < len(s); {
			i = c.matchLlama3(s, i, limit)
			ends = append(ends, i)
		}
		return ends
	}
}

func (c *classes) matchLlama3(s string, i, limit int) int {
	if s[i] == '\'' {
		if n := contraction(s[i+1:], true); n > 0 {
			return i + 1 + n
		}
	}
	k, n := c.at(s, i)
	if k&gptLetter != 0 {
		return c.run(s, i+n, gptLetter)
	}
	if k&gptNumber != 0 {
		return c.digits(s, i, gptNumber, limit)
	}
	next, m := c.at(s, i+n)
	switch {
	case k&gptNewline == 0 && next&gptLetter != 0:
		return c.run(s, i+n+m, gptLetter)
	case k&gptOther != 0:
		return c.run(s, c.run(s, i+n, gptOther), gptNewline)
	case s[i] == ' ' && next&gptOther != 0:
		return c.run(s, c.run(s, i+n+m, gptOther), gptNewline)
	}
	return c.blanks(s, i, gptSpace, gptNewline, 0)
}

// The rule of files that name none: [\p{P}\$\+<=>\^~\|]+, then GPT-2, then
// \p{N}+, then three ASCII digits.
func splitDefault() splitter {
	c := classesGPT2()
	punct := newClasses(func(r rune, cat uint8) uint8 {
		switch r {
		case '$', '+', '<', '=', '>', '^', '~', '|':
			return 1
		}
		return cat & catP
	})
	return staged(punct.isolate(1|catP), c.gpt2, c.isolate(gptNumber), threes)
}

// threes is the expression [0-9][0-9][0-9].
func threes(ends []int, s string, lo int) []int {
	digits := 0
	for i := lo; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			digits = 0
			continue
		}
		if digits++; digits < 3 {
			continue
		}
		if i-2 > lo {
			ends = append(ends, i-2)
		}
		ends = append(ends, i+1)
		lo, digits = i+1, 0
	}
	if lo < len(s) {
		ends = append(ends, len(s))
	}
	return ends
}
