package tokenizer

import (
	"sort"
	"strings"
)

// A matcher finds special tokens in a text: the leftmost, and the longest at its
// place. It holds the texts in order, so that every byte that is read narrows the
// range of those that still fit.
type matcher struct {
	texts []string // sorted, without repeats, none empty
	ids   []int32
	first [257]int32 // texts[first[b]:first[b+1]] begin with byte b
}

func newMatcher(texts []string, ids []int32) *matcher {
	m := &matcher{texts: texts, ids: ids}
	sort.Sort(m)
	n := 0
	for i := range m.texts {
		if i > 0 && m.texts[i] == m.texts[n-1] {
			continue
		}
		m.texts[n], m.ids[n] = m.texts[i], m.ids[i]
		n++
	}
	m.texts, m.ids = m.texts[:n], m.ids[:n]
	i := 0
	for b := range m.first {
		for i < n && int(m.texts[i][0]) < b {
			i++
		}
		m.first[b] = int32(i) //nolint:gosec // below the size of the vocabulary
	}
	return m
}

func (m *matcher) Len() int           { return len(m.texts) }
func (m *matcher) Less(i, j int) bool { return m.texts[i] < m.texts[j] }
func (m *matcher) Swap(i, j int) {
	m.texts[i], m.texts[j] = m.texts[j], m.texts[i]
	m.ids[i], m.ids[j] = m.ids[j], m.ids[i]
}

// find returns the first special token in s: where it begins, its length and
// id; id noID and start len(s) if there is none.
func (m *matcher) find(s string) (start, n int, id int32) {
	if len(m.texts) == 0 {
		return len(s), 0, noID
	}
	for i := range len(s) {
		if b := s[i]; m.first[b] == m.first[int(b)+1] {
			continue
		}
		if n, id := m.longest(s[i:]); id != noID {
			return i, n, id
		}
	}
	return len(s), 0, noID
}

// longest returns the longest special token that s begins with.
func (m *matcher) longest(s string) (n int, id int32) {
	id = noID
	lo, hi := int(m.first[s[0]]), int(m.first[int(s[0])+1])
	for d := 1; lo < hi; d++ {
		if len(m.texts[lo]) == d { // the shortest of a range with one prefix is first
			n, id = d, m.ids[lo]
			lo++
		}
		if d == len(s) {
			break
		}
		lo, hi = narrow(m.texts, lo, hi, d, s[d])
	}
	return n, id
}

// narrow returns the part of texts[lo:hi] whose byte d is c. All are longer than
// d and agree before it.
func narrow(texts []string, lo, hi, d int, c byte) (from, to int) {
	from = lo + sort.Search(hi-lo, func(i int) bool { return texts[lo+i][d] >= c })
	to = from + sort.Search(hi-from, func(i int) bool { return texts[from+i][d] > c })
	return from, to
}

// isFiller reports whether a token is one of the [PADn] that converters fill a
// vocabulary up with. They stand for no text, whatever type a file gives them.
func isFiller(text string) bool {
	digits, ok := strings.CutPrefix(text, "[PAD")
	if !ok {
		return false
	}
	digits, ok = strings.CutSuffix(digits, "]")
	if !ok || digits == "" {
		return false
	}
	return strings.Trim(digits, "0123456789") == ""
}
