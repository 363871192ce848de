package kvcache

import (
	"testing"

	"pgregory.net/rapid"
)

// memory plays the part of the cache's bytes: what is written where.
type memory struct {
	block [][]int32 // [Blocks][BlockTokens] hash of the sequence up to the position
	state []int32   // [slots] the same
}

// hash stands for what a model would write for the last of tokens.
func hash(tokens []int32) int32 {
	h := int32(1)
	for _, t := range tokens {
		h = h*31 + t + 1
	}
	return h
}

// machine drives a pool with random sequences and checks after every step that
// the books are in order and that every cached position holds what belongs there.
type machine struct {
	pool   *Pool
	mem    memory
	seqs   []*Seq
	tokens map[*Seq][]int32
	held   map[*Seq]bool // holders: they only end
}

func (m *machine) begin(t *rapid.T) {
	tokens := rapid.SliceOfN(rapid.Int32Range(0, 1), 1, 14).Draw(t, "tokens")
	ns := rapid.SampledFrom([]string{"", "u"}).Draw(t, "ns")
	limit := rapid.IntRange(0, len(tokens)).Draw(t, "limit")
	s := &Seq{}
	want := m.pool.Match(ns, tokens, limit)
	a, ok := m.pool.Begin(s, ns, tokens, limit)
	if !ok {
		if m.pool.slots.used < m.pool.cfg.StateSlots {
			t.Fatal("no slot, though not all are used by running sequences")
		}
		return
	}
	if a.Cached > want.Tokens || a.Cached > limit {
		t.Fatalf("%d positions cached, Match says %d, the limit is %d", a.Cached, want.Tokens, limit)
	}
	if a.CopyBlock {
		copy(m.mem.block[a.BlockDst], m.mem.block[a.BlockSrc])
	}
	if a.CopyState {
		m.mem.state[a.StateDst] = m.mem.state[a.StateSrc]
	} else if m.pool.cfg.StateSlots > 0 {
		m.mem.state[s.Slot()] = hash(nil)
	}
	m.seqs = append(m.seqs, s)
	m.tokens[s] = tokens[:a.Cached]
	m.run(t, s, tokens[a.Cached:])
}

func (m *machine) run(t *rapid.T, s *Seq, more []int32) {
	n := len(m.tokens[s])
	all := append(m.tokens[s][:n:n], more...)
	if room := m.pool.Room(s); room < len(all) {
		if m.pool.Grow(s, len(all)) {
			t.Fatal("Grow found what Room had not")
		}
		return
	}
	if !m.pool.Grow(s, len(all)) {
		t.Fatal("Grow did not find what Room had")
	}
	if m.pool.cfg.StateSlots > 0 && m.mem.state[s.Slot()] != hash(all[:n]) {
		t.Fatal("the state is of other tokens")
	}
	bt := m.pool.cfg.BlockTokens
	for i := n; i < len(all); i++ {
		m.mem.block[s.Blocks()[i/bt]][i%bt] = hash(all[:i+1])
	}
	if m.pool.cfg.StateSlots > 0 {
		m.mem.state[s.Slot()] = hash(all)
	}
	m.tokens[s] = all
	m.pool.Commit(s, all)
}

func (m *machine) pick(t *rapid.T) *Seq {
	if len(m.seqs) == 0 {
		t.Skip("nothing runs")
	}
	return m.seqs[rapid.IntRange(0, len(m.seqs)-1).Draw(t, "seq")]
}

func (m *machine) end(t *rapid.T) {
	s := m.pick(t)
	for i, x := range m.seqs {
		if x == s {
			m.seqs = append(m.seqs[:i], m.seqs[i+1:]...)
			break
		}
	}
	m.pool.End(s, m.tokens[s], rapid.Bool().Draw(t, "keep") && !m.held[s])
	delete(m.tokens, s)
	delete(m.held, s)
}

func (m *machine) pickRunning(t *rapid.T) *Seq {
	s := m.pick(t)
	if m.held[s] {
		t.Skip("it only holds blocks")
	}
	return s
}

func (m *machine) fork(t *rapid.T) {
	parent, s := m.pickRunning(t), &Seq{}
	a, ok := m.pool.Fork(s, parent)
	if !ok {
		if m.pool.Available() > 0 && m.pool.cfg.StateSlots == 0 {
			t.Fatal("no fork, though there is room")
		}
		return
	}
	if a.CopyBlock {
		copy(m.mem.block[a.BlockDst], m.mem.block[a.BlockSrc])
	}
	if a.CopyState {
		m.mem.state[a.StateDst] = m.mem.state[a.StateSrc]
	}
	if a.Cached != parent.Len() {
		t.Fatalf("forked at %d of %d positions", a.Cached, parent.Len())
	}
	m.seqs = append(m.seqs, s)
	m.tokens[s] = m.tokens[parent]
}

func (m *machine) check(t *rapid.T) {
	if err := m.pool.check(m.seqs...); err != nil {
		t.Fatal(err)
	}
	bt := m.pool.cfg.BlockTokens
	for _, s := range m.seqs {
		all := m.tokens[s]
		if s.Len() != len(all) {
			t.Fatalf("%d positions, want %d", s.Len(), len(all))
		}
		for i := range all {
			if m.mem.block[s.Blocks()[i/bt]][i%bt] != hash(all[:i+1]) {
				t.Fatalf("position %d holds another sequence's entry", i)
			}
		}
	}
}

func TestPoolMachine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Config{
			Blocks:      rapid.IntRange(1, 10).Draw(t, "blocks"),
			BlockTokens: rapid.IntRange(1, 4).Draw(t, "block"),
			StateSlots:  rapid.SampledFrom([]int{0, 0, 1, 2, 5}).Draw(t, "slots"),
		}
		p, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		m := &machine{pool: p, tokens: map[*Seq][]int32{}, held: map[*Seq]bool{}, mem: memory{state: make([]int32, c.StateSlots)}}
		for range c.Blocks {
			m.mem.block = append(m.mem.block, make([]int32, c.BlockTokens))
		}
		t.Repeat(map[string]func(*rapid.T){
			"":      m.check,
			"begin": m.begin,
			"run": func(t *rapid.T) {
				m.run(t, m.pickRunning(t), rapid.SliceOfN(rapid.Int32Range(0, 1), 1, 5).Draw(t, "more"))
			},
			"end": m.end,
			"snapshot": func(t *rapid.T) {
				s := m.pickRunning(t)
				if dst, ok := p.Snapshot(s); ok {
					m.mem.state[dst] = m.mem.state[s.Slot()]
				}
			},
			"fork": func(t *rapid.T) { m.fork(t) },
			"hold": func(t *rapid.T) {
				all := m.tokens[m.pick(t)]
				keys := p.Keys("", all)
				s := &Seq{}
				if len(keys) == 0 {
					t.Skip("no full block")
				}
				if _, ok := p.Hold(s, keys[len(keys)-1]); ok {
					m.seqs = append(m.seqs, s)
					m.tokens[s] = all[:s.Len()]
					m.held[s] = true
				}
			},
			"drop": func(t *rapid.T) { p.Drop(rapid.SampledFrom([]string{"", "u"}).Draw(t, "ns")) },
		})
	})
}

func BenchmarkMatch(b *testing.B) {
	p, _ := New(Config{Blocks: 256, BlockTokens: 64})
	tokens := make([]int32, 8192)
	for i := range tokens {
		tokens[i] = int32(i * 7919 % 50000)
	}
	var s Seq
	p.Begin(&s, "", tokens, len(tokens))
	p.Grow(&s, len(tokens))
	p.Commit(&s, tokens)
	b.ReportAllocs()
	for b.Loop() {
		if m := p.Match("", tokens, len(tokens)-1); m.Tokens != 8191 {
			b.Fatal(m)
		}
	}
}
