package kvcache

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// script is the state of one test file.
type script struct {
	pool   *Pool
	seqs   map[string]*Seq
	tokens map[string][]int32
}

// TestScripts runs testdata: each file is a story of sequences on a pool.
//
//	pool blocks=N block=N [slots=N]
//	begin id=a tokens=1-12,20 [ns=x] [limit=N]   start on the cached prefix
//	run id=a [tokens=...]                        compute everything, after adding tokens
//	snapshot id=a
//	end id=a [drop]
//	drop ns=x
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		s := &script{seqs: map[string]*Seq{}, tokens: map[string][]int32{}}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			out := s.run(t, d)
			var all []*Seq
			for _, q := range s.seqs {
				all = append(all, q)
			}
			if err := s.pool.check(all...); err != nil {
				d.Fatalf(t, "%v", err)
			}
			st := s.pool.Stats()
			out += fmt.Sprintf("used %d free %d cached %d", st.Used, st.Free, st.Cached)
			if s.pool.cfg.StateSlots > 0 {
				out += fmt.Sprintf(", states %d running %d saved", st.SlotsUsed, st.SlotsSaved)
			}
			return out + "\n"
		})
	})
}

func (s *script) run(t *testing.T, d *datadriven.TestData) string {
	var id, ns, spec string
	d.MaybeScanArgs(t, "id", &id)
	d.MaybeScanArgs(t, "ns", &ns)
	d.MaybeScanArgs(t, "tokens", &spec)
	q := s.seqs[id]
	switch d.Cmd {
	case "pool":
		c := Config{}
		d.ScanArgs(t, "blocks", &c.Blocks)
		d.ScanArgs(t, "block", &c.BlockTokens)
		d.MaybeScanArgs(t, "slots", &c.StateSlots)
		var err error
		if s.pool, err = New(c); err != nil {
			d.Fatalf(t, "%v", err)
		}
		return ""
	case "begin":
		return s.begin(t, d, id, ns, parse(spec))
	case "run":
		s.tokens[id] = append(s.tokens[id], parse(spec)...)
		if !s.pool.Grow(q, len(s.tokens[id])) {
			return "no blocks\n"
		}
		s.pool.Commit(q, s.tokens[id])
		return fmt.Sprintf("table %v\n", q.Blocks())
	case "snapshot":
		dst, ok := s.pool.Snapshot(q)
		return fmt.Sprintf("slot %d %v\n", dst, ok)
	case "end":
		s.pool.End(q, s.tokens[id], !d.HasArg("drop"))
		delete(s.seqs, id)
		return ""
	case "drop":
		return fmt.Sprintf("dropped %d\n", s.pool.Drop(ns))
	}
	d.Fatalf(t, "unknown command %s", d.Cmd)
	return ""
}

func (s *script) begin(t *testing.T, d *datadriven.TestData, id, ns string, tokens []int32) string {
	limit := len(tokens)
	d.MaybeScanArgs(t, "limit", &limit)
	q := &Seq{}
	a, ok := s.pool.Begin(q, ns, tokens, limit)
	if !ok {
		return "no slot\n"
	}
	s.seqs[id], s.tokens[id] = q, tokens
	out := fmt.Sprintf("cached %d, table %v", a.Cached, q.Blocks())
	if a.CopyBlock {
		out += fmt.Sprintf(", copy block %d to %d", a.BlockSrc, a.BlockDst)
	}
	if a.CopyState {
		out += fmt.Sprintf(", copy state %d to %d", a.StateSrc, a.StateDst)
	}
	return out + "\n"
}

// parse reads "1-4,9" as 1 2 3 4 9.
func parse(spec string) []int32 {
	var out []int32
	for _, part := range strings.FieldsFunc(spec, func(r rune) bool { return r == ',' }) {
		lo, hi, ok := strings.Cut(part, "-")
		a, _ := strconv.Atoi(lo)
		b := a
		if ok {
			b, _ = strconv.Atoi(hi)
		}
		for v := a; v <= b; v++ {
			out = append(out, int32(v))
		}
	}
	return out
}

func TestNewRefusesNonsense(t *testing.T) {
	for _, c := range []Config{{}, {Blocks: 1}, {BlockTokens: 1}, {Blocks: 1, BlockTokens: 1, StateSlots: -1}} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v: no error", c)
		}
	}
}

// TestCollisionIsNoHit forges a key: equal keys with other tokens are no match.
func TestCollisionIsNoHit(t *testing.T) {
	p, err := New(Config{Blocks: 4, BlockTokens: 2})
	if err != nil {
		t.Fatal(err)
	}
	var a, b Seq
	p.Begin(&a, "", []int32{1, 2}, 2)
	p.Grow(&a, 2)
	p.Commit(&a, []int32{1, 2})
	forged := ChildKey(&a.root.key, []int32{3, 4})
	p.index[forged] = a.table[0]
	if at, _ := p.Begin(&b, "", []int32{3, 4}, 2); at.Cached != 0 {
		t.Errorf("%d tokens of a colliding block used", at.Cached)
	}
	p.Grow(&b, 2)
	p.Commit(&b, []int32{3, 4})
	if b.table[0] == a.table[0] || !b.private {
		t.Error("a sequence switched to a colliding block")
	}
	p.End(&b, []int32{3, 4}, true)
	if len(p.free) != 3 {
		t.Errorf("%d blocks free, want 3", len(p.free))
	}
}

func TestKeysChain(t *testing.T) {
	p, _ := New(Config{Blocks: 1, BlockTokens: 300}) // more than one piece of the hash
	tokens := make([]int32, 700)
	a, b := p.Keys("x", tokens), p.Keys("y", tokens)
	tokens[299] = 1
	c := p.Keys("x", tokens)
	if len(a) != 2 || a[0] == b[0] || a[0] == c[0] || a[1] == c[1] || a[0] == a[1] {
		t.Error("keys do not tell namespaces, tokens and places apart")
	}
}

func TestCommitAllocatesNothing(t *testing.T) {
	p, _ := New(Config{Blocks: 64, BlockTokens: 16})
	tokens := make([]int32, 0, 4096)
	var s Seq
	p.Begin(&s, "", nil, 0)
	s.table = make([]int32, 0, 256)
	n := testing.AllocsPerRun(500, func() {
		tokens = append(tokens, int32(len(tokens)))
		if !p.Grow(&s, len(tokens)) {
			t.Fatal("no block")
		}
		p.Commit(&s, tokens)
	})
	if n != 0 {
		t.Errorf("%v allocations per token", n)
	}
}
