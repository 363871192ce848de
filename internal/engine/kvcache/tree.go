package kvcache

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

// A Key names everything up to the end of a full block: the SHA-256 of the
// parent's key and the block's tokens. The first parent is the hash of the
// namespace, so equal prompts of two namespaces have different keys, and
// whoever cannot name the namespace cannot find out what is cached in it.
type Key [sha256.Size]byte

// RootKey is the key that a namespace's first blocks have as parent.
func RootKey(namespace string) Key {
	return sha256.Sum256([]byte("holdfast prefix cache 1\x00" + namespace))
}

// ChildKey hashes a parent and a block's tokens, in pieces that stay on the
// stack. It also names the unfinished blocks of other stores.
func ChildKey(parent *Key, tokens []int32) (k Key) {
	const piece = 256
	var buf [sha256.Size + 4*piece]byte
	copy(buf[:], parent[:])
	for first := true; first || len(tokens) > 0; first = false {
		n := min(len(tokens), piece)
		b := buf[:sha256.Size]
		for _, t := range tokens[:n] {
			b = binary.LittleEndian.AppendUint32(b, uint32(t))
		}
		tokens = tokens[n:]
		k = sha256.Sum256(b)
		copy(buf[:], k[:]) // a longer block chains its pieces
	}
	return k
}

// Keys returns the keys of the full blocks of tokens, for other stores of blocks.
func (p *Pool) Keys(namespace string, tokens []int32) []Key {
	bt, parent := p.cfg.BlockTokens, RootKey(namespace)
	keys := make([]Key, 0, len(tokens)/bt)
	for len(tokens) >= bt {
		parent = ChildKey(&parent, tokens[:bt])
		keys = append(keys, parent)
		tokens = tokens[bt:]
	}
	return keys
}

// enter returns the namespace's tree, creating it if needed.
func (p *Pool) enter(namespace string) *root {
	r := p.roots[namespace]
	if r == nil {
		r = &root{name: namespace, key: RootKey(namespace), child: none}
		p.roots[namespace] = r
	}
	return r
}

// prune forgets an empty tree, so that namespaces that come and go leave nothing.
func (p *Pool) prune(r *root) {
	if r.child == none && r.live == nil {
		delete(p.roots, r.name)
	}
}

// first returns where a parent's list of children begins.
func (p *Pool) first(r *root, parent int32) *int32 {
	if parent == none {
		return &r.child
	}
	return &p.blocks[parent].child
}

// published returns the tokens under which a block is in the tree.
func (p *Pool) published(id int32) []int32 {
	at := int(id) * p.cfg.BlockTokens
	return p.tokens[at : at+int(p.blocks[id].n)]
}

// find returns the published full block with these tokens below parent. The
// key finds it; parent and tokens are compared all the same, so that nothing
// rests on the hash alone.
func (p *Pool) find(parent int32, key *Key, tokens []int32) int32 {
	id, ok := p.index[*key]
	if !ok || p.blocks[id].parent != parent || !slices.Equal(p.published(id), tokens) {
		return none
	}
	return id
}

// publish puts a block into the tree below parent. Full blocks also go into
// the index. Partial siblings that are a prefix of it have no further use.
func (p *Pool) publish(r *root, parent, id int32, tokens []int32, key *Key) {
	p.dropPrefixes(r, parent, tokens)
	b := &p.blocks[id]
	b.n, b.root, b.parent, b.child = int32(len(tokens)), r, parent, none
	copy(p.published(id), tokens)
	if key != nil {
		b.key = *key
		p.index[*key] = id
	}
	head := p.first(r, parent)
	b.prev, b.next = none, *head
	if *head != none {
		p.blocks[*head].prev = id
	}
	*head = id
}

// dropPrefixes drops partial children of parent whose tokens begin the given
// ones, unless they hold a state. Partial blocks are never in a block table.
func (p *Pool) dropPrefixes(r *root, parent int32, tokens []int32) {
	for id := *p.first(r, parent); id != none; {
		b := &p.blocks[id]
		next := b.next
		if n := int(b.n); n < p.cfg.BlockTokens && n <= len(tokens) && b.snap == none && slices.Equal(p.published(id), tokens[:n]) {
			p.drop(id)
		}
		id = next
	}
}

// unpublish takes a block out of the tree. It has no children: see the package
// comment on the order of eviction.
func (p *Pool) unpublish(id int32) {
	b := &p.blocks[id]
	p.slots.dropAll(p, id)
	if int(b.n) == p.cfg.BlockTokens && p.index[b.key] == id {
		delete(p.index, b.key)
	}
	if b.prev != none {
		p.blocks[b.prev].next = b.next
	} else {
		*p.first(b.root, b.parent) = b.next
	}
	if b.next != none {
		p.blocks[b.next].prev = b.prev
	}
	r := b.root
	b.n, b.root, b.parent, b.next, b.prev = 0, nil, none, none, none
	p.prune(r)
}

// commonPrefix returns how many tokens a and b begin with in common.
func commonPrefix(a, b []int32) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
