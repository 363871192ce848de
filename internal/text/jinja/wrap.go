package jinja

import (
	"sort"
	"strings"
	"unicode"
)

// wordwrap wraps each line of a text to a width.
func (in *interp) wordwrap(a []Value) (Value, error) {
	s, ok := a[0].(Str)
	if !ok {
		if u, ok := a[0].(*undefined); ok {
			return nil, u.err()
		}
		return nil, typeErrorf("'%s' object has no attribute 'splitlines'", typeName(a[0]))
	}
	width, err := intArg(a[1], 79)
	if err != nil {
		return nil, err
	}
	sep := Text("\n")
	if a[3] != nil && a[3] != None {
		if sep, err = strArg(a[3], "\n"); err != nil {
			return nil, err
		}
	}
	if err := in.text(2 * int64(len(s.s))); err != nil {
		return nil, err
	}
	long, hyphens := boolArg(a[2], true), boolArg(a[4], true)
	var lines []Str
	for _, l := range splitLines(s, false) {
		if width <= 0 && l.s != "" {
			return nil, valueErrorf("invalid width %d (must be > 0)", width)
		}
		wrapped := wrapLine(l, int(min(width, maxText)), long, hyphens)
		if len(wrapped) == 0 {
			wrapped = []Str{{}}
		}
		lines = append(lines, wrapped...)
	}
	return in.join(sep, lines)
}

// wrapLine breaks a line at white space and after hyphens so that no part is
// wider than width, as Python's textwrap does.
func wrapLine(s Str, width int, long, hyphens bool) []Str {
	chunks := wrapChunks(s, hyphens)
	var out []Str
	for len(chunks) > 0 {
		if len(out) > 0 && strings.TrimFunc(chunks[0].s, isSpace) == "" {
			chunks = chunks[1:]
			if len(chunks) == 0 {
				break
			}
		}
		var line []Str
		n := 0
		for len(chunks) > 0 && n+chunks[0].runeLen() <= width {
			n += chunks[0].runeLen()
			line, chunks = append(line, chunks[0]), chunks[1:]
		}
		if len(chunks) > 0 && chunks[0].runeLen() > width {
			line, chunks = breakChunk(line, chunks, width-n, width, long, hyphens)
		}
		if k := len(line); k > 0 && strings.TrimFunc(line[k-1].s, isSpace) == "" {
			line = line[:k-1]
		}
		if len(line) > 0 {
			out = append(out, concat(line...))
		}
	}
	return out
}

// breakChunk deals with a word that is wider than a line: it is cut, or stands
// alone.
func breakChunk(line, chunks []Str, room, width int, long, hyphens bool) ([]Str, []Str) {
	c := chunks[0]
	switch {
	case long:
		cut := max(room, 1)
		if width < 1 {
			cut = 1
		}
		at := c.offset(cut)
		if hyphens && c.runeLen() > cut {
			if h := strings.LastIndexByte(c.s[:at], '-'); h > 0 && strings.Trim(c.s[:h], "-") != "" {
				at = h + 1
			}
		}
		if room <= 0 && len(line) > 0 {
			return line, chunks
		}
		rest := append([]Str{c.slice(at, len(c.s))}, chunks[1:]...)
		return append(line, c.slice(0, at)), rest
	case len(line) == 0:
		return []Str{c}, chunks[1:]
	}
	return line, chunks
}

// wrapChunks cuts a line into words and white space; words with hyphens
// between letters are cut after them.
func wrapChunks(s Str, hyphens bool) []Str {
	var out []Str
	for lo := 0; lo < len(s.s); {
		rest := s.s[lo:]
		n := len(rest) - len(strings.TrimLeft(rest, " \t\n\v\f\r"))
		if n == 0 {
			if n = strings.IndexAny(rest, " \t\n\v\f\r"); n < 0 {
				n = len(rest)
			}
			if hyphens {
				if h := hyphenBreak(rest[:n]); h > 0 {
					n = h
				}
			}
		}
		out = append(out, s.slice(lo, lo+n))
		lo += n
	}
	return out
}

// hyphenBreak returns where a word may be cut after a hyphen or around a dash,
// or 0.
func hyphenBreak(w string) int {
	letter := func(i int) bool {
		return i >= 0 && i < len(w) && (unicode.IsLetter(rune(w[i])) || w[i] == '_' || w[i] >= 0x80)
	}
	for i := 1; i < len(w); i++ {
		if w[i] != '-' {
			if i > 1 && w[i-1] == '-' && w[i-2] == '-' && strings.Trim(w[:i], "-") == "" && isWordByte(w[i]) {
				return i // a dash in front
			}
			continue
		}
		if i+1 < len(w) && w[i+1] == '-' && isWordByte(w[i-1]) {
			j := i
			for j < len(w) && w[j] == '-' {
				j++
			}
			if j < len(w) && isWordByte(w[j]) {
				return i // in front of a dash
			}
			continue
		}
		if letter(i-1) && letter(i-2) && letter(i+1) && letter(i+2) {
			return i + 1
		}
		if letter(i-1) && letter(i-2) && letter(i+1) && i+2 < len(w) && w[i+2] == '-' {
			return i + 1
		}
	}
	return 0
}

func isWordByte(c byte) bool {
	return c >= 0x80 || isDecimal(c) || c|0x20 >= 'a' && c|0x20 <= 'z' || strings.IndexByte("_!\"'&.,?", c) >= 0
}

// pprint writes a value as Python's pprint does: on one line of 80 columns if
// it fits, otherwise one item per line; dicts by sorted keys.
func (in *interp) pprint(b *strBuilder, v Value, indent, allowance, depth int) error {
	if depth > maxDepth {
		return errorf(KindLimit, "a value nested deeper than %d", maxDepth)
	}
	if d, ok := v.(*Dict); ok {
		v = sortedDict(d)
	}
	var one strBuilder
	if err := in.repr(&one, v, depth); err != nil {
		return err
	}
	text := one.str()
	if text.runeLen() <= 80-indent-allowance {
		b.add(text)
		return nil
	}
	switch v := v.(type) {
	case *List:
		return in.pprintSeq(b, "[", v.v, "]", indent, allowance, depth)
	case *Tuple:
		end := ")"
		if len(v.v) == 1 {
			end = ",)"
		}
		return in.pprintSeq(b, "(", v.v, end, indent, allowance, depth)
	case *Dict:
		b.write("{", false)
		for i, k := range v.keys {
			if i > 0 {
				b.write(",\n"+strings.Repeat(" ", indent+1), false)
			}
			var key strBuilder
			if err := in.repr(&key, k, depth+1); err != nil {
				return err
			}
			b.add(key.str())
			b.write(": ", false)
			extra := 1
			if i == v.Len()-1 {
				extra = allowance + 1
			}
			if err := in.pprint(b, v.vals[i], indent+1+key.str().runeLen()+2, extra, depth+1); err != nil {
				return err
			}
		}
		b.write("}", false)
		return nil
	}
	b.add(text)
	return nil
}

func (in *interp) pprintSeq(b *strBuilder, open string, items []Value, end string, indent, allowance, depth int) error {
	b.write(open, false)
	for i, x := range items {
		if i > 0 {
			b.write(",\n"+strings.Repeat(" ", indent+1), false)
		}
		extra := 1
		if i == len(items)-1 {
			extra = allowance + len(end)
		}
		if err := in.pprint(b, x, indent+1, extra, depth+1); err != nil {
			return err
		}
	}
	b.write(end, false)
	return nil
}

// sortedDict returns a copy with the keys in order: by their text where they
// cannot be compared.
func sortedDict(d *Dict) *Dict {
	in := &interp{limits: limits{steps: DefaultMaxSteps, bytes: DefaultMaxBytes}}
	at := make([]int, d.Len())
	for i := range at {
		at[i] = i
	}
	sort.SliceStable(at, func(i, j int) bool {
		c, err := in.order("<", d.keys[at[i]], d.keys[at[j]])
		if err != nil {
			return typeName(d.keys[at[i]]) < typeName(d.keys[at[j]])
		}
		return c == -1
	})
	out := NewDict()
	for _, i := range at {
		h, _ := hashOf(d.keys[i])
		v := d.vals[i]
		if inner, ok := v.(*Dict); ok {
			v = sortedDict(inner)
		}
		out.put(d.keys[i], h, v)
	}
	return out
}
