package grammar

import (
	"fmt"
	"slices"
	"unicode/utf8"
)

// keptTokens is how far a matcher can be rolled back.
const keptTokens = 128

// maskSlots is the number of whole masks that a matcher remembers.
const maskSlots = 8

// A Matcher follows one answer through a grammar. It is not safe for
// concurrent use.
type Matcher struct {
	s       *shared
	a       *arena
	now     position
	history []position // before each of the last tokens
	stack   []int32    // configurations on the way down the trie
	keep    []int32    // work space of tidy

	slots    [][]uint64
	slotNext int
}

// A position is where an answer stands.
type position struct {
	config int32
	ended  bool // an end-of-generation token was taken
}

// NewMatcher returns a matcher at the start of the grammar.
func NewMatcher(g *Grammar, v *Vocabulary) (*Matcher, error) {
	s, err := g.bind(v)
	if err != nil {
		return nil, err
	}
	m := &Matcher{s: s, a: newArena(s.p, s.special), stack: make([]int32, v.all.depth+1)}
	m.a.budget = maxWork
	m.now.config = m.a.start()
	if err := m.check(); err != nil {
		return nil, err
	}
	return m, nil
}

// check returns the arena's error, if it has one, as the package's.
func (m *Matcher) check() error {
	if m.a.err != nil {
		return fmt.Errorf("grammar: %w", m.a.err)
	}
	return nil
}

// Fork returns a second matcher at the same place. It knows no earlier places.
func (m *Matcher) Fork() *Matcher {
	f := &Matcher{s: m.s, a: newArena(m.s.p, m.s.special), stack: make([]int32, len(m.stack))}
	f.a.err = m.a.err
	f.now = position{m.a.copyTo(f.a, m.now.config), m.now.ended}
	return f
}

// Mask writes which tokens may come next: one bit for each id, so that bits has
// Vocabulary.Words elements. End-of-generation tokens are among them where the
// grammar may end. After an error no token is.
func (m *Matcher) Mask(bits []uint64) error {
	clear(bits)
	if m.now.ended {
		return nil
	}
	m.tidy()
	c := m.now.config
	if slot := m.a.configs[c].maskSlot; slot >= 0 {
		copy(bits, m.slots[slot])
		return nil
	}
	m.a.budget = maxWork
	if err := m.fill(c, bits); err != nil {
		clear(bits)
		return err
	}
	m.remember(c, bits)
	return nil
}

// fill computes the mask of a configuration.
func (m *Matcher) fill(c int32, bits []uint64) error {
	cfg := m.a.configs[c]
	for i := cfg.lo; i < cfg.hi; i++ {
		id := m.a.items[i]
		n := m.a.nodes[id]
		for _, e := range m.s.p.states[n.state].specials {
			if t := m.s.special[e.text]; t >= 0 {
				bits[t>>6] |= 1 << (t & 63)
			}
		}
		l, err := m.s.mask(m.a, id)
		if err != nil {
			m.a.fail(err)
			return m.check()
		}
		l.or(bits)
		if l.check != nil && len(l.check.nodes) > 0 {
			one := m.a.config(m.a.items[i:i+1], false, false)
			m.a.walk(l.check, one, m.stack, bits)
		}
	}
	if cfg.accept {
		for _, id := range m.s.v.eog {
			bits[id>>6] |= 1 << (id & 63)
		}
	}
	return m.check()
}

// remember keeps a mask in place of the oldest one.
func (m *Matcher) remember(c int32, bits []uint64) {
	if len(m.slots) < maskSlots {
		m.slots = append(m.slots, make([]uint64, len(bits)))
	}
	slot := m.slotNext % maskSlots
	m.slotNext++
	for i := range m.a.configs {
		if m.a.configs[i].maskSlot == int32(slot) {
			m.a.configs[i].maskSlot = -1
		}
	}
	copy(m.slots[slot], bits)
	m.a.configs[c].maskSlot = int32(slot)
}

// Allows reports whether a token may come next.
func (m *Matcher) Allows(id int32) bool {
	_, ok := m.after(id)
	return ok
}

// after returns the position after a token.
func (m *Matcher) after(id int32) (position, bool) {
	if m.now.ended || id < 0 || int(id) >= m.s.v.size || m.a.err != nil {
		return m.now, false
	}
	m.a.budget = maxWork
	c := m.now.config
	b := m.s.v.text[id]
	if b == nil {
		if text, ok := m.s.texts[id]; ok {
			to := m.a.stepSpecial(c, text)
			return position{config: to}, to != dead
		}
		return position{c, true}, m.a.configs[c].accept && slices.Contains(m.s.v.eog, id)
	}
	if len(b) > m.s.v.all.depth { // not in the trie: no mask has it either
		return m.now, false
	}
	for _, x := range b {
		if c = m.a.step(c, x); c == dead {
			return m.now, false
		}
	}
	return position{config: c}, true
}

// Accept moves on by a token. A token that may not come next is an error and
// changes nothing.
func (m *Matcher) Accept(id int32) error {
	m.tidy()
	to, ok := m.after(id)
	if err := m.check(); err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("grammar: token %d may not come here", id)
	}
	m.moveTo(to)
	return nil
}

func (m *Matcher) moveTo(to position) {
	if len(m.history) == keptTokens {
		copy(m.history, m.history[1:])
		m.history = m.history[:keptTokens-1]
	}
	m.history = append(m.history, m.now)
	m.now = to
}

// AcceptBytes moves on by text; for [Matcher.Rollback] it counts as one token.
// Where the grammar wants a special token, the token's text is taken for it.
// Text that does not fit is an error and changes nothing.
func (m *Matcher) AcceptBytes(b []byte) error {
	m.tidy()
	if m.now.ended {
		return fmt.Errorf("grammar: text %q after the end", b)
	}
	m.a.budget = maxWork
	c := m.now.config
	for i := 0; i < len(b); {
		to, n := dead, 1
		for k, t := range m.s.p.specials {
			if m.s.special[k] >= 0 && len(b)-i >= len(t.text) && string(b[i:i+len(t.text)]) == t.text {
				if to = m.a.stepSpecial(c, int32(k)); to != dead {
					n = len(t.text)
					break
				}
			}
		}
		if to == dead {
			to = m.a.step(c, b[i])
		}
		if err := m.check(); err != nil {
			return err
		}
		if to == dead {
			return fmt.Errorf("grammar: %q may not come here, at byte %d of the text", b[i:min(len(b), i+16)], i)
		}
		c = to
		i += n
	}
	m.moveTo(position{config: c})
	return nil
}

// Rollback takes back the last n tokens. As many as 128 can be taken back.
func (m *Matcher) Rollback(n int) error {
	if n < 0 || n > len(m.history) {
		return fmt.Errorf("grammar: cannot roll back %d tokens, only 0 to %d", n, len(m.history))
	}
	if n > 0 {
		at := len(m.history) - n
		m.now = m.history[at]
		m.history = m.history[:at]
	}
	return nil
}

// Done reports whether the answer may end here.
func (m *Matcher) Done() bool { return m.now.ended || m.a.configs[m.now.config].accept }

// Ended reports whether nothing but the end may come.
func (m *Matcher) Ended() bool {
	c := m.a.configs[m.now.config]
	return m.now.ended || c.accept && c.lo == c.hi
}

// maxForced bounds the text that Forced returns.
const maxForced = 4096

// Forced returns the text that must come next because the grammar leaves no
// choice, up to the first choice; whole characters only. The text of special
// tokens is part of it, so that it has to be encoded as template text.
func (m *Matcher) Forced() []byte {
	if m.now.ended {
		return nil
	}
	m.tidy()
	m.a.budget = maxWork
	var out []byte
	for c := m.now.config; len(out) < maxForced; {
		b, text, ok := m.only(c)
		if !ok {
			break
		}
		if text >= 0 {
			out = append(out, m.s.p.specials[text].text...)
			c = m.a.stepSpecial(c, text)
		} else {
			out = append(out, b)
			c = m.a.step(c, b)
		}
		if c == dead || m.a.err != nil {
			break
		}
	}
	for i := 1; i < utf8.UTFMax && i <= len(out); i++ {
		if tail := out[len(out)-i:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				out = out[:len(out)-i]
			}
			break
		}
	}
	return out
}

// only returns the one thing that a configuration allows: a byte or a special
// text (-1 if it is a byte).
func (m *Matcher) only(c int32) (b byte, text int32, ok bool) {
	cfg := m.a.configs[c]
	text = -1
	if cfg.accept {
		return 0, -1, false
	}
	for _, id := range m.a.items[cfg.lo:cfg.hi] {
		st := &m.s.p.states[m.a.nodes[id].state]
		for _, e := range st.edges {
			if e.lo != e.hi || ok && (text >= 0 || b != e.lo) {
				return 0, -1, false
			}
			b, ok = e.lo, true
		}
		for _, e := range st.specials {
			if m.s.special[e.text] < 0 {
				continue
			}
			if ok && text != e.text {
				return 0, -1, false
			}
			text, ok = e.text, true
		}
	}
	return b, text, ok
}

// tidy empties an arena that has grown, except for the places still in use.
func (m *Matcher) tidy() {
	if len(m.a.configs) < softConfigs && len(m.a.nodes) < softNodes || m.a.err != nil {
		return
	}
	m.keep = append(m.keep[:0], m.now.config)
	for _, h := range m.history {
		m.keep = append(m.keep, h.config)
	}
	m.a.compact(m.keep)
	m.now.config = m.keep[0]
	for i := range m.history {
		m.history[i].config = m.keep[i+1]
	}
}
