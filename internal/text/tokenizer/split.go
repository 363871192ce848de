package tokenizer

import "sync"

// A splitter appends the end offset of every fragment of s to ends. The
// fragments cover s without gaps. s is valid UTF-8.
//
// The published rules are lists of regular expressions, each of which is run
// inside every fragment that the ones before it produced; matches and the text
// between them become fragments. The splitters do the same by hand, because Go's
// regexp has no look-ahead and is slow. A stage is one expression of a list; the
// rules whose first expressions only isolate digits or CJK runs are folded into
// one pass, where a character of that class ends the fragment.
type splitter func(ends []int, s string) []int

// stage appends the ends of the fragments that one expression makes of s[lo:hi].
// It is given s[:hi], so that the end of the string is the end of the fragment.
type stage func(ends []int, s string, lo int) []int

// staged runs the stages one after the other, each inside the fragments of the
// one before.
func staged(stages ...stage) splitter {
	return func(ends []int, s string) []int {
		base := len(ends)
		ends = stages[0](ends, s, 0)
		p := scratch.Get().(*[]int) //nolint:forcetypeassert // the pool's only type
		for _, next := range stages[1:] {
			old := append((*p)[:0], ends[base:]...)
			ends = ends[:base]
			lo := 0
			for _, hi := range old {
				ends = next(ends, s[:hi], lo)
				lo = hi
			}
			*p = old
		}
		scratch.Put(p)
		return ends
	}
}

var scratch = sync.Pool{New: func() any { return new([]int) }}

// isolate is the expression [bits]+ : every run of the classes is a fragment.
func (c *classes) isolate(bits uint8) stage {
	return func(ends []int, s string, lo int) []int {
		for i := lo; i < len(s); {
			k, n := c.at(s, i)
			if k&bits == 0 {
				i += n
				continue
			}
			if i > lo {
				ends = append(ends, i)
			}
			i = c.run(s, i+n, bits)
			ends = append(ends, i)
			lo = i
		}
		if lo < len(s) {
			ends = append(ends, len(s))
		}
		return ends
	}
}

// single is the expression [bits]: every character of the classes is a fragment.
func (c *classes) single(bits uint8) stage {
	return func(ends []int, s string, lo int) []int {
		for i := lo; i < len(s); {
			k, n := c.at(s, i)
			if k&bits == 0 {
				i += n
				continue
			}
			if i > lo {
				ends = append(ends, i)
			}
			i += n
			ends = append(ends, i)
			lo = i
		}
		if lo < len(s) {
			ends = append(ends, len(s))
		}
		return ends
	}
}

// spaced is the expression \s?[bits]+ where the classes hold no white space.
func (c *classes) spaced(space, bits uint8) stage {
	return func(ends []int, s string, lo int) []int {
		blank := -1 // where the white space before i begins, if there is one
		for i := lo; i < len(s); {
			k, n := c.at(s, i)
			if k&bits == 0 {
				blank = -1
				if k&space != 0 {
					blank = i
				}
				i += n
				continue
			}
			start := i
			if blank >= 0 {
				start = blank
			}
			if start > lo {
				ends = append(ends, start)
			}
			i = c.run(s, i+n, bits)
			ends = append(ends, i)
			lo, blank = i, -1
		}
		if lo < len(s) {
			ends = append(ends, len(s))
		}
		return ends
	}
}

// tail is the expression \s+$ : the white space at the end of the fragment.
func (c *classes) tail(space uint8) stage {
	return func(ends []int, s string, lo int) []int {
		i := len(s)
		for i > lo {
			j := i - 1
			for j > lo && s[j]&0xC0 == 0x80 {
				j--
			}
			if k, _ := c.at(s, j); k&space == 0 {
				break
			}
			i = j
		}
		if i > lo && i < len(s) {
			ends = append(ends, i)
		}
		return append(ends, len(s))
	}
}
