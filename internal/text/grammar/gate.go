package grammar

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
)

// A Gate holds an answer to a grammar in the form that a sampler asks for: it
// has the methods Allows, Apply and Accept. It can leave the beginning of the
// answer free, up to and with a text such as "</think>".
type Gate struct {
	m    *Matcher
	bits []uint64
	err  error

	after  []byte  // text that is waited for; nil when the grammar is in force
	tail   []byte  // last bytes of the free beginning
	barred []int32 // tokens that the free beginning must not have
}

// NewGate returns a gate for a matcher. While it waits for the text after, all
// tokens are allowed but those that end a generation and the special tokens of
// the grammar: a call that begins in the middle of the reasoning would escape
// it. An empty text waits for nothing. Line breaks that stand in one token with
// the text do not count.
func NewGate(m *Matcher, after string) *Gate {
	g := &Gate{m: m, bits: make([]uint64, m.s.v.Words())}
	if after != "" {
		g.after = []byte(after)
		g.barred = slices.Clone(m.s.v.eog)
		for i, t := range m.s.p.specials {
			if id := m.s.special[i]; id >= 0 && !strings.Contains(after, t.text) {
				g.barred = append(g.barred, id)
			}
		}
	}
	return g
}

// Waiting reports whether the answer is still free.
func (g *Gate) Waiting() bool { return g.after != nil }

// Err returns why the gate gave up: a token was accepted that the grammar
// forbids, or the grammar is too ambiguous. From then on it allows nothing.
func (g *Gate) Err() error { return g.err }

// Matcher returns the gate's matcher.
func (g *Gate) Matcher() *Matcher { return g.m }

// Allows reports whether a token may come next.
func (g *Gate) Allows(id int32) bool {
	switch {
	case g.err != nil:
		return false
	case g.after != nil:
		return !slices.Contains(g.barred, id)
	}
	return g.m.Allows(id)
}

// Apply sets the logits of all tokens that may not come next to -Inf.
func (g *Gate) Apply(logits []float32) {
	low := float32(math.Inf(-1))
	if g.after != nil && g.err == nil {
		for _, id := range g.barred {
			if int(id) < len(logits) {
				logits[id] = low
			}
		}
		return
	}
	if g.err == nil {
		g.err = g.m.Mask(g.bits)
	}
	if g.err != nil {
		clear(g.bits)
	}
	forbid(logits, g.bits, low)
}

// forbid sets the logits whose bits are not set.
func forbid(logits []float32, bits []uint64, low float32) {
	for i := 0; i < len(logits); i += 64 {
		var w uint64
		if i>>6 < len(bits) {
			w = bits[i>>6]
		}
		part := logits[i:min(i+64, len(logits))]
		switch w {
		case math.MaxUint64:
		case 0:
			for k := range part {
				part[k] = low
			}
		default:
			for k := range part {
				if w>>k&1 == 0 {
					part[k] = low
				}
			}
		}
	}
}

// Accept moves on by a token that was taken.
func (g *Gate) Accept(id int32) {
	if g.err != nil {
		return
	}
	if g.after == nil {
		g.err = g.m.Accept(id)
		return
	}
	v := g.m.s.v
	if id < 0 || int(id) >= v.size {
		g.err = fmt.Errorf("grammar: token %d is not in the vocabulary", id)
		return
	}
	b := v.text[id]
	if b == nil {
		b = []byte(v.marks[id])
	}
	g.tail = append(g.tail, b...)
	i := bytes.Index(g.tail, g.after)
	if i < 0 {
		if over := len(g.tail) - len(g.after); over > 0 {
			g.tail = append(g.tail[:0], g.tail[over:]...)
		}
		return
	}
	rest := bytes.TrimLeft(g.tail[i+len(g.after):], "\r\n")
	g.after = nil
	if len(rest) > 0 {
		g.err = g.m.AcceptBytes(rest)
	}
}
