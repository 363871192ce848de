package tokenizer

import (
	"hash/maphash"
	"math/bits"
	"math/rand/v2"
)

// noID stands for no token.
const noID int32 = -1

// A textIndex finds tokens by the text they stand for. It is an open-addressed
// table of ids only: 4 bytes a slot, where a Go map of strings would take ten
// times as much for the same vocabulary.
type textIndex struct {
	seed  maphash.Seed
	slots []int32
	texts []string // by id, shared with the tokenizer
}

func newTextIndex(texts []string) *textIndex {
	size := 1 << bits.Len(uint(max(len(texts), 8))*3/2)
	x := &textIndex{seed: maphash.MakeSeed(), slots: make([]int32, size), texts: texts}
	for i := range x.slots {
		x.slots[i] = noID
	}
	return x
}

// add enters id under its text; the first id of equal texts stays.
func (x *textIndex) add(id int32) {
	mask := len(x.slots) - 1
	for i := int(maphash.String(x.seed, x.texts[id])) & mask; ; i = (i + 1) & mask {
		switch at := x.slots[i]; {
		case at == noID:
			x.slots[i] = id
			return
		case x.texts[at] == x.texts[id]:
			return
		}
	}
}

// find returns the id of the token with this text, or noID.
func (x *textIndex) find(s string) int32 {
	mask := len(x.slots) - 1
	for i := int(maphash.String(x.seed, s)) & mask; ; i = (i + 1) & mask {
		at := x.slots[i]
		if at == noID || x.texts[at] == s {
			return at
		}
	}
}

// A merge says that a pair of neighbours may be joined: to which token, and in
// which order; the lowest rank goes first.
type merge struct{ rank, id int32 }

// A pairIndex finds the merge of two ids. Open-addressed, 16 bytes a slot.
type pairIndex struct {
	slots []pairSlot
	shift uint
	seed  uint64 // so that no file can be made whose pairs collide
}

type pairSlot struct {
	key uint64 // left<<32 | right, plus 1 so that 0 is an empty slot
	merge
}

func newPairIndex(n int) *pairIndex {
	log := max(bits.Len(uint(max(n, 1))*3/2), 3)
	return &pairIndex{slots: make([]pairSlot, 1<<log), shift: uint(64 - log), seed: rand.Uint64()} //nolint:gosec // small, no secret
}

func pairKey(left, right int32) uint64 {
	return (uint64(uint32(left))<<32 | uint64(uint32(right))) + 1 //nolint:gosec // ids are not negative
}

// slot is where the search for a key begins: the top bits of two rounds of
// multiplication by 2^64 over the golden ratio.
func (x *pairIndex) slot(key uint64) int {
	const ratio = 0x9E3779B97F4A7C15
	h := (key ^ x.seed) * ratio
	return int((h ^ h>>32) * ratio >> x.shift) //nolint:gosec // below len(slots)
}

// add enters a merge; the first of a pair stays.
func (x *pairIndex) add(left, right int32, m merge) {
	key, mask := pairKey(left, right), len(x.slots)-1
	for i := x.slot(key); ; i = (i + 1) & mask {
		switch s := &x.slots[i]; s.key {
		case 0:
			*s = pairSlot{key, m}
			return
		case key:
			return
		}
	}
}

// find returns the merge of two neighbours, or one with id noID.
func (x *pairIndex) find(left, right int32) merge {
	key, mask := pairKey(left, right), len(x.slots)-1
	for i := x.slot(key); ; i = (i + 1) & mask {
		switch s := &x.slots[i]; s.key {
		case 0:
			return merge{noRank, noID}
		case key:
			return s.merge
		}
	}
}
