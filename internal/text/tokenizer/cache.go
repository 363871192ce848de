package tokenizer

import (
	"hash/maphash"
	"strings"
	"sync/atomic"
)

// Text repeats its words, so the ids of recent words are kept: a table of one
// entry a slot, where a new word simply takes the slot of its hash. Entries never
// change, so that readers need no lock. cacheSlots times the longest word, its
// ids and their headers bound the memory: at most 7 MiB, in practice 3.
const (
	cacheSlots = 1 << 15
	cacheWord  = 64 // bytes; longer words are rare and not kept
)

type cache struct {
	seed  maphash.Seed
	slots []atomic.Pointer[cached]
}

type cached struct {
	word string
	ids  []int32
}

func newCache() *cache {
	return &cache{seed: maphash.MakeSeed(), slots: make([]atomic.Pointer[cached], cacheSlots)}
}

func (c *cache) slot(word string) *atomic.Pointer[cached] {
	return &c.slots[maphash.String(c.seed, word)%cacheSlots]
}

// put keeps copies of a word and its ids.
func (c *cache) put(slot *atomic.Pointer[cached], word string, ids []int32) {
	slot.Store(&cached{strings.Clone(word), append([]int32(nil), ids...)})
}
