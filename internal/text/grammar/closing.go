package grammar

// maxClosing bounds the text that Closing returns.
const maxClosing = 64 << 10

// Closing returns a shortest text that brings the answer to an end the grammar
// allows, for answers that were cut by a limit. It is nil if the answer may end
// already, or if no short end exists.
func (m *Matcher) Closing() []byte {
	m.tidy()
	m.a.budget = maxWork
	var out []byte
	for c := m.now.config; !m.now.ended && !m.a.configs[c].accept; {
		b, text, ok := m.a.nearest(c)
		if !ok || len(out) > maxClosing {
			return nil
		}
		if text >= 0 {
			out = append(out, m.s.p.specials[text].text...)
			c = m.a.stepSpecial(c, text)
		} else {
			out = append(out, b)
			c = m.a.step(c, b)
		}
		if c == dead || m.a.err != nil {
			return nil
		}
	}
	return out
}

// nearest returns the byte or the special text (-1 if it is a byte) that comes
// next on a shortest way to the end.
func (a *arena) nearest(c int32) (b byte, text int32, ok bool) {
	best := int64(farAway)
	text = -1
	for _, id := range a.items[a.configs[c].lo:a.configs[c].hi] {
		n := a.nodes[id]
		st := &a.p.states[n.state]
		below := a.distance(n.below)
		for _, e := range st.edges {
			if d := 1 + a.p.states[e.to].dist + below; d < best {
				best, b, text, ok = d, e.lo, -1, true
			}
		}
		for _, e := range st.specials {
			d := int64(len(a.p.specials[e.text].text)) + a.p.states[e.to].dist + below
			if a.special[e.text] >= 0 && d < best {
				best, text, ok = d, e.text, true
			}
		}
	}
	return b, text, ok
}

// distance is the fewest bytes from a stack to the end of the grammar.
func (a *arena) distance(id int32) int64 {
	var total int64
	for ; id > unknown; id = a.nodes[id].below {
		n := &a.nodes[id]
		st := &a.p.states[n.state]
		switch {
		case st.loop != nil:
			total += a.p.loopDist(st.loop, int64(n.count))
		case st.bag != nil:
			total += a.p.bagDist(st.bag, n.count)
		default:
			total += st.dist
		}
		if total >= farAway {
			return farAway
		}
	}
	return total
}
