package tokenizer

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// SentencePiece spells a space as U+2581. Here the vocabulary is turned round
// once, so that its tokens and the texts they are compared with hold spaces: a
// U+2581 in a text means the same as a space.
const spmSpace = "▁"

// appendSPM appends the bytes that a SentencePiece token stands for.
func appendSPM(dst []byte, text string, k Kind) []byte {
	if k == Byte {
		if b, ok := byteToken(text); ok {
			return append(dst, b)
		}
	}
	return append(dst, strings.ReplaceAll(text, spmSpace, " ")...)
}

// byteToken reads a token of the form <0xXX>.
func byteToken(text string) (b byte, ok bool) {
	if len(text) != len("<0x00>") || text[:3] != "<0x" || text[5] != '>' {
		return 0, false
	}
	n, err := strconv.ParseUint(text[3:5], 16, 8)
	return byte(n), err == nil
}

// loadSPM turns the scores into merges: two neighbours join if their texts
// together are a token, the best score first and the leftmost first among equal
// scores. So the same merging serves both kinds of vocabulary.
func (t *Tokenizer) loadSPM(v *vocabulary) {
	t.prefix = !v.noPrefix
	t.words = newTextIndex(t.texts)
	for b := range t.byteIDs {
		t.byteIDs[b] = noID
	}
	t.byWord = true
	unknown := noID
	for id, text := range t.texts {
		i := int32(id) //nolint:gosec // checked in check
		switch k := t.kinds[id]; {
		case k == Byte && len(text) == 1:
			t.byteIDs[text[0]] = i
		case k == Unknown:
			unknown = i
		case k == Normal && text != "":
			t.words.add(i)
			if strings.Contains(strings.TrimLeft(text, " "), " ") {
				t.byWord = false
			}
		}
	}
	for b, id := range t.byteIDs {
		if id == noID {
			t.byteIDs[b] = unknown
		}
	}
	t.addScores(v.scores)
}

// addScores enters every way to put a token together from two others.
func (t *Tokenizer) addScores(scores []float32) {
	ranks := rankScores(scores)
	n := 0
	eachSplit(t, func(_, _, _ int32) { n++ })
	t.pairs = newPairIndex(n)
	eachSplit(t, func(left, right, id int32) {
		t.pairs.add(left, right, merge{ranks[id], id})
	})
}

// rankScores returns the rank of each score: 0 for the highest; equal scores
// share a rank.
func rankScores(scores []float32) []int32 {
	order := slices.Clone(scores)
	slices.Sort(order)
	slices.Reverse(order)
	order = slices.Compact(order)
	ranks := make([]int32, len(scores))
	for id, s := range scores {
		at, _ := slices.BinarySearchFunc(order, s, func(a, b float32) int {
			switch {
			case a > b:
				return -1
			case a < b:
				return 1
			}
			return 0
		})
		ranks[id] = int32(at) //nolint:gosec // below the size of the vocabulary
	}
	return ranks
}

// spmLongest bounds the tokens that are taken apart, in bytes. Real ones are far
// shorter; a file with longer ones would take the square of their length to load.
const spmLongest = 256

// eachSplit calls f for every token and every pair of tokens that make it.
func eachSplit(t *Tokenizer, f func(left, right, id int32)) {
	for id, text := range t.texts {
		i := int32(id) //nolint:gosec // checked in check
		if t.kinds[id] != Normal || text == "" || len(text) > spmLongest || t.words.find(text) != i {
			continue
		}
		for at := range text {
			if at == 0 {
				continue
			}
			left := t.words.find(text[:at])
			if left == noID {
				continue
			}
			if right := t.words.find(text[at:]); right != noID {
				f(left, right, i)
			}
		}
	}
}

// spmText is what SentencePiece encodes for a text.
func (t *Tokenizer) spmText(s string) string {
	s = strings.ReplaceAll(s, spmSpace, " ")
	if t.prefix {
		s = " " + s
	}
	return s
}

// splitSPM cuts a text before the blanks of each word, if no token can reach
// over such a place.
func (t *Tokenizer) splitSPM(ends []int, s string) []int {
	if t.byWord {
		for i := 1; i < len(s); i++ {
			if s[i] == ' ' && s[i-1] != ' ' {
				ends = append(ends, i)
			}
		}
	}
	return append(ends, len(s))
}

// spmSymbols appends the symbols that merging begins with: one per character, or
// one per byte of a character that is no token.
func (t *Tokenizer) spmSymbols(w []int32, s string) []int32 {
	for i := 0; i < len(s); {
		_, n := utf8.DecodeRuneInString(s[i:])
		if id := t.words.find(s[i : i+n]); id != noID {
			w = append(w, id)
		} else {
			for _, b := range []byte(s[i : i+n]) {
				if id := t.byteIDs[b]; id != noID {
					w = append(w, id)
				}
			}
		}
		i += n
	}
	return w
}
