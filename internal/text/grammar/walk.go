package grammar

// walk sets the bits of all tokens of a trie that a configuration allows. stack
// has room for the trie's depth.
func (a *arena) walk(t *trie, from int32, stack []int32, bits []uint64) {
	stack[0] = from
	for i := 0; i < len(t.nodes); {
		n := &t.nodes[i]
		c := stack[n.depth-1]
		to := unvisited
		if next := a.configs[c].next; next >= 0 {
			to = a.rows[next+int32(n.b)]
		}
		if to < 0 {
			if to = a.compute(c, n.b); a.err != nil {
				return
			}
		}
		if to == dead {
			i = int(n.end)
			continue
		}
		if n.tok != -1 {
			t.set(bits, n.tok)
		}
		stack[n.depth] = to
		i++
	}
}

// walkLocal is walk for a configuration whose stack is cut off: below it is
// unknown what may follow. It sets the bits of the tokens that are allowed
// whatever is below, and returns those that depend on it as a trie, or nil if
// that has more nodes than most.
func (a *arena) walkLocal(t *trie, from int32, stack []int32, bits []uint64, most int) *trie {
	stack[0] = from
	left := make([]bool, len(stack)) // the rule may have ended on the way to a depth
	path := make([]int32, len(stack))
	check := &trie{}
	kept := 0 // depths of the path that check has already
	for i := 0; i < len(t.nodes); {
		n := &t.nodes[i]
		d := int(n.depth)
		kept = min(kept, d-1)
		path[d] = int32(i)
		to := a.step(stack[d-1], n.b)
		if a.err != nil {
			return nil
		}
		if to != dead {
			if n.tok != -1 {
				t.set(bits, n.tok)
			}
			stack[d] = to
			left[d] = left[d-1] || a.configs[to].escape
			i++
			continue
		}
		if left[d-1] && len(check.nodes) <= most {
			for ; kept < d-1; kept++ {
				// The way to the subtree: its own tokens are decided.
				n := t.nodes[path[kept+1]]
				check.nodes = append(check.nodes, trieNode{tok: -1, depth: n.depth, b: n.b})
			}
			check.graft(t, i, int(n.end))
			kept = d - 1
		}
		i = int(n.end)
	}
	if len(check.nodes) > most {
		return nil
	}
	check.close()
	check.depth = t.depth
	return check
}

// graft appends the nodes from..to of another trie.
func (t *trie) graft(from *trie, lo, hi int) {
	for _, n := range from.nodes[lo:hi] {
		if n.tok < -1 {
			t.more = append(t.more, from.more[-2-n.tok])
			n.tok = -1 - int32(len(t.more))
		}
		t.nodes = append(t.nodes, n)
	}
}

// takesSimple reports whether a configuration takes any text of simple bytes:
// all of them lead to the same place, and from there back to it. Free text is
// like that, and its tokens need not be walked.
func (a *arena) takesSimple(from int32) bool {
	to := a.step(from, ' ')
	if to == dead {
		return false
	}
	for c := range 256 {
		if simpleByte(byte(c)) && (a.step(from, byte(c)) != to || a.step(to, byte(c)) != to) {
			return false
		}
	}
	return a.err == nil
}
