package grammar

// addDFA copies a finite automaton. With json, its bytes are those of a decoded
// string, and the copy reads the string's JSON spelling: a quote, a backslash
// and the control characters are escaped in the usual way, all else is itself.
func (b *builder) addDFA(d *dfa, json bool, from int32) (int32, error) {
	base := int32(len(b.p.states))
	for range d.states {
		if _, err := b.newState(); err != nil {
			return 0, err
		}
	}
	to, err := b.newState()
	if err != nil {
		return 0, err
	}
	b.eps(from, base)
	for i := range d.states {
		at := base + int32(i)
		if d.states[i].accept {
			b.eps(at, to)
		}
		for _, e := range d.states[i].edges {
			if !json {
				b.edge(at, e.lo, e.hi, base+e.to)
			} else if err := b.addEscaped(at, e.lo, e.hi, base+e.to); err != nil {
				return 0, err
			}
		}
	}
	return to, nil
}

// addEscaped adds the JSON spellings of the bytes lo..hi.
func (b *builder) addEscaped(from int32, lo, hi byte, to int32) error {
	t := &escapes{b: b, from: from, made: map[string]int32{}}
	plainFrom := -1
	for c := int(lo); c <= int(hi)+1; c++ {
		escape := ""
		if c <= int(hi) {
			if escape = escapeOf(byte(c)); escape == "" {
				if plainFrom < 0 {
					plainFrom = c
				}
				continue
			}
		}
		if plainFrom >= 0 {
			b.edge(from, byte(plainFrom), byte(c-1), to)
			plainFrom = -1
		}
		if escape != "" {
			last := len(escape) - 1
			at, err := t.state(escape[:last])
			if err != nil {
				return err
			}
			b.edge(at, escape[last], escape[last], to)
		}
	}
	return nil
}

// escapes are the states inside the escapes that begin in one state, by what
// has been read of them.
type escapes struct {
	b    *builder
	from int32
	made map[string]int32
}

func (t *escapes) state(read string) (int32, error) {
	if read == "" {
		return t.from, nil
	}
	if s, ok := t.made[read]; ok {
		return s, nil
	}
	last := len(read) - 1
	before, err := t.state(read[:last])
	if err != nil {
		return 0, err
	}
	s, err := t.b.newState()
	if err == nil {
		t.b.edge(before, read[last], read[last], s)
		t.made[read] = s
	}
	return s, err
}

// escapeOf returns how JSON spells a byte of a string, "" if as itself.
func escapeOf(c byte) string {
	switch c {
	case '"':
		return `\"`
	case '\\':
		return `\\`
	case '\n':
		return `\n`
	case '\r':
		return `\r`
	case '\t':
		return `\t`
	case '\b':
		return `\b`
	case '\f':
		return `\f`
	}
	if c < 0x20 {
		const hex = "0123456789abcdef"
		return `\u00` + string([]byte{hex[c>>4], hex[c&15]})
	}
	return ""
}

// addMembers adds an object's members in their order. The states are a grid:
// how far in the list, and how many members were written, as far as the limits
// need to know; from each one may write the next member or, if it is optional,
// step over it.
func (b *builder) addMembers(m *members, from int32) (int32, error) {
	counts := max(m.min, m.max, 1) + 1
	n := len(m.listed)
	if (n+1)*counts > maxStates/4 {
		return 0, tooLarge("an object with %d properties and a limit of %d on their number", n, counts-1)
	}
	grid := make([]int32, (n+1)*counts)
	var err error
	for i := range grid {
		if grid[i], err = b.newState(); err != nil {
			return 0, err
		}
	}
	to, err := b.newState()
	if err != nil {
		return 0, err
	}
	b.eps(from, grid[0])
	for i := range n + 1 {
		for c := range counts {
			at := grid[i*counts+c]
			if i == n && c >= m.min {
				b.eps(at, to)
			}
			if i < n && !m.listed[i].required {
				b.eps(at, grid[(i+1)*counts+c])
			}
			if m.max >= 0 && c >= m.max {
				continue
			}
			next := min(c+1, counts-1)
			if i < n {
				err = b.addMember(m, m.listed[i].body, at, c > 0, grid[(i+1)*counts+next])
			} else {
				for _, x := range m.extra {
					if err == nil {
						err = b.addMember(m, x, at, c > 0, grid[i*counts+next])
					}
				}
			}
			if err != nil {
				return 0, err
			}
		}
	}
	return to, nil
}

func (b *builder) addMember(m *members, body *node, from int32, sep bool, to int32) error {
	if sep {
		body = seq(m.sep, body)
	}
	// An own first state keeps apart what begins in from.
	at, err := b.newState()
	if err != nil {
		return err
	}
	b.eps(from, at)
	end, err := b.add(body, at)
	if err != nil {
		return err
	}
	b.eps(end, to)
	return nil
}

// addBag adds members in any order, see bag.
func (b *builder) addBag(m *members, from int32) (int32, error) {
	if len(m.listed) > bagBits {
		return 0, tooLarge("an object with %d properties in any order; %d are supported", len(m.listed), bagBits)
	}
	g := &bag{min: int64(m.min), max: int64(m.max)}
	for i, l := range m.listed {
		first := ruleOf("member", l.body)
		g.first = append(g.first, b.ruleID(first.rule))
		g.later = append(g.later, b.ruleID(&rule{name: "member", body: seq(m.sep, first)}))
		if l.required {
			g.required |= 1 << i
		}
	}
	for _, x := range m.extra {
		first := ruleOf("member", x)
		g.extra0 = append(g.extra0, b.ruleID(first.rule))
		g.extra1 = append(g.extra1, b.ruleID(&rule{name: "member", body: seq(m.sep, first)}))
	}
	start, err := b.newState()
	if err != nil {
		return 0, err
	}
	b.p.states[start].bag = g
	return b.addCall(b.ready("bag", start), from)
}
