package gguf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"sort"
)

// An index finds records (keys or tensor infos) by name. Both kinds of record
// begin with their name as a string, so it is enough to keep where each starts:
// 12 bytes per record, less than the 14 that the smallest record takes.
type index struct {
	recs  []ref    // in file order
	order []uint32 // positions in recs, sorted by name
}

// A ref is the place of a record: its shard in the high 16 bits and its offset
// in the low 48.
type ref uint64

const maxOffset = 1<<48 - 1

func makeRef(shard int, at uint64) ref { return ref(uint64(shard)<<48 | at) }

func (r ref) shard() int { return int(r >> 48) }
func (r ref) at() uint64 { return uint64(r) & maxOffset }

// nameAt returns the name of the record at offset at of checked bytes.
func nameAt(b []byte, at uint64) []byte {
	n := binary.LittleEndian.Uint64(b[at:])
	return b[at+8 : at+8+n]
}

// sort orders the records by name, where name returns the name of recs[i], and
// fails if two have the same.
func (x *index) sort(name func(i uint32) []byte) error {
	x.order = make([]uint32, len(x.recs))
	for i := range x.order {
		x.order[i] = uint32(i)
	}
	slices.SortFunc(x.order, func(a, b uint32) int { return bytes.Compare(name(a), name(b)) })
	for i := 1; i < len(x.order); i++ {
		if n := name(x.order[i]); bytes.Equal(n, name(x.order[i-1])) {
			return fmt.Errorf("%w: %.80q is there twice", ErrMalformed, n)
		}
	}
	return nil
}

// find returns the record with the wanted name.
func (x *index) find(want string, name func(i uint32) []byte) (ref, bool) {
	i := sort.Search(len(x.order), func(i int) bool { return string(name(x.order[i])) >= want })
	if i == len(x.order) || string(name(x.order[i])) != want {
		return 0, false
	}
	return x.recs[x.order[i]], true
}
