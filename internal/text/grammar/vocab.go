package grammar

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/holdfast-llm/holdfast/internal/text/tokenizer"
)

// A Vocabulary is a model's tokens as masks need them. It is made once for a
// model and used by any number of matchers.
type Vocabulary struct {
	size int
	eog  []int32
	text [][]byte // bytes of the tokens that are text; nil for the others

	all   *trie // every token that is text
	rest  *trie // those that are not plain, see plainLen
	other *trie // those that are not simple, see isSimple

	// plain[n] are the tokens of at most n plain characters; the last one has
	// them all. Each is a bit set over the ids.
	plain  [][]uint64
	simple []uint64

	special map[string]int32 // tokens that stand for no text, by their spelling
	marks   map[int32]string // and the other way round
	longest int              // bytes of the longest token that is text
}

// NewVocabulary reads a tokenizer's tokens.
func NewVocabulary(t *tokenizer.Tokenizer) *Vocabulary {
	v := &Vocabulary{size: t.Size(), eog: t.EOG(), text: make([][]byte, t.Size()), special: map[string]int32{}, marks: map[int32]string{}}
	for id := range int32(v.size) {
		b := t.Bytes(id)
		switch {
		case t.IsEOG(id) || len(b) == 0:
		case isText(t.Kind(id), b):
			v.text[id] = b
		case t.Kind(id) == tokenizer.Control || t.Kind(id) == tokenizer.UserDefined:
			if _, ok := v.special[string(b)]; !ok {
				v.special[string(b)] = id
			}
			v.marks[id] = string(b)
		}
	}
	v.index()
	return v
}

// isText reports whether a token stands for the bytes that it spells. Added
// tokens do if they are one character or blanks only: a vocabulary's letters
// and runs of spaces. All others are marks, such as <think>.
func isText(k tokenizer.Kind, b []byte) bool {
	switch k {
	case tokenizer.Normal, tokenizer.Byte:
		return true
	case tokenizer.UserDefined:
		_, n := utf8.DecodeRune(b)
		return n == len(b) || strings.TrimFunc(string(b), unicode.IsSpace) == ""
	}
	return false
}

// index makes the tries and the sets of plain and simple tokens.
func (v *Vocabulary) index() {
	var all, rest, other []int32
	for id, b := range v.text {
		if b != nil {
			v.longest = max(v.longest, len(b))
			all = append(all, int32(id))
		}
	}
	sortTokens(v.text, all)
	var byLen [][]int32
	v.simple = make([]uint64, v.Words())
	for _, id := range all {
		n := plainLen(v.text[id])
		if n < 0 {
			rest = append(rest, id)
		} else {
			for len(byLen) <= n {
				byLen = append(byLen, nil)
			}
			byLen[n] = append(byLen[n], id)
		}
		if isSimple(v.text[id]) {
			v.simple[id>>6] |= 1 << (id & 63)
		} else {
			other = append(other, id)
		}
	}
	set := make([]uint64, v.Words())
	v.plain = [][]uint64{set}
	for _, ids := range byLen[min(1, len(byLen)):] {
		if len(ids) > 0 {
			set = slices.Clone(set)
		}
		for _, id := range ids {
			set[id>>6] |= 1 << (id & 63)
		}
		v.plain = append(v.plain, set)
	}
	v.all, v.rest, v.other = newTrie(v.text, all), newTrie(v.text, rest), newTrie(v.text, other)
}

// isSimple reports whether a token has only characters that free text of any
// kind takes alike: printable ASCII without quotes and backslashes.
func isSimple(b []byte) bool {
	for _, c := range b {
		if !simpleByte(c) {
			return false
		}
	}
	return true
}

func simpleByte(c byte) bool { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\' }

// plainLen returns the number of characters of a token that may stand in a JSON
// string as they are, all of them whole; -1 for any other token.
func plainLen(b []byte) int {
	n := 0
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError && size == 1 || r < 0x20 || r == '"' || r == '\\' {
			return -1
		}
		b = b[size:]
		n++
	}
	return n
}

// Size returns the number of tokens.
func (v *Vocabulary) Size() int { return v.size }

// Words returns the length of a mask: one bit for each token.
func (v *Vocabulary) Words() int { return (v.size + 63) / 64 }

// A trie holds tokens by their bytes, in depth-first order: a node's subtree
// follows it and stops before end. The root is not stored.
type trie struct {
	nodes []trieNode
	more  [][]int32 // tokens that spell the same
	depth int       // of the deepest node
}

type trieNode struct {
	end   int32
	tok   int32 // token that ends here; -1 none; below that, more[-2-tok]
	depth uint16
	b     byte
}

// sortTokens brings tokens into the order of their bytes.
func sortTokens(text [][]byte, ids []int32) {
	slices.SortFunc(ids, func(x, y int32) int {
		if c := bytes.Compare(text[x], text[y]); c != 0 {
			return c
		}
		return int(x - y)
	})
}

// newTrie makes a trie of sorted tokens.
func newTrie(text [][]byte, sorted []int32) *trie {
	t := &trie{}
	var last []byte
	for _, id := range sorted {
		b := text[id]
		if len(b) > 1<<16-1 {
			continue // longer than any sensible token: never allowed
		}
		common := 0
		for common < len(last) && common < len(b) && last[common] == b[common] {
			common++
		}
		for d := common; d < len(b); d++ {
			t.nodes = append(t.nodes, trieNode{tok: -1, depth: uint16(d + 1), b: b[d]})
		}
		t.addToken(&t.nodes[len(t.nodes)-1], id)
		t.depth = max(t.depth, len(b))
		last = b
	}
	t.close()
	return t
}

func (t *trie) addToken(n *trieNode, id int32) {
	switch {
	case n.tok == -1:
		n.tok = id
	case n.tok >= 0:
		t.more = append(t.more, []int32{n.tok, id})
		n.tok = -1 - int32(len(t.more))
	default:
		t.more[-2-n.tok] = append(t.more[-2-n.tok], id)
	}
}

// close computes the ends of the subtrees from the depths.
func (t *trie) close() {
	open := make([]int32, 0, 64) // nodes whose subtree has not ended, by depth
	for i := range t.nodes {
		d := int(t.nodes[i].depth)
		for len(open) >= d {
			t.nodes[open[len(open)-1]].end = int32(i)
			open = open[:len(open)-1]
		}
		open = append(open, int32(i))
	}
	for _, i := range open {
		t.nodes[i].end = int32(len(t.nodes))
	}
}

// set marks the tokens that end in a node.
func (t *trie) set(bits []uint64, tok int32) {
	if tok >= 0 {
		bits[tok>>6] |= 1 << (tok & 63)
		return
	}
	if tok < -1 {
		for _, id := range t.more[-2-tok] {
			bits[id>>6] |= 1 << (id & 63)
		}
	}
}
