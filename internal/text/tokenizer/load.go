package tokenizer

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// newTokenizer builds the tables of a vocabulary.
func newTokenizer(v *vocabulary) (*Tokenizer, error) {
	if err := v.check(); err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	t := &Tokenizer{
		model: v.model, pre: v.pre, spm: v.model == "llama",
		kinds: v.types, bos: noID, eos: noID, cache: newCache(),
	}
	if t.kinds == nil {
		t.kinds = make([]Kind, len(v.tokens))
		for i := range t.kinds {
			t.kinds[i] = Normal
		}
	}
	if err := t.setRule(); err != nil {
		return nil, err
	}
	t.setTexts(v)
	t.setSpecials()
	if t.spm {
		t.loadSPM(v)
	} else {
		t.loadBPE(v)
	}
	t.setIDs(v)
	return t, nil
}

// check rejects vocabularies that cannot be used.
func (v *vocabulary) check() error {
	n := len(v.tokens)
	switch {
	case v.model != "gpt2" && v.model != "llama":
		return fmt.Errorf("vocabulary model %q is not supported; supported are gpt2 (byte-level BPE) and llama (SentencePiece)", v.model)
	case n == 0:
		return fmt.Errorf("key %s is missing or empty", keyTokens)
	case n > math.MaxInt32/2:
		return fmt.Errorf("key %s has %d tokens, at most %d are possible", keyTokens, n, math.MaxInt32/2)
	case v.types != nil && len(v.types) != n:
		return fmt.Errorf("key %s has %d elements for %d tokens", keyTypes, len(v.types), n)
	case v.model == "llama" && len(v.scores) != n:
		return fmt.Errorf("key %s has %d elements for %d tokens", keyScores, len(v.scores), n)
	case v.model == "gpt2" && len(v.merges) == 0:
		return fmt.Errorf("key %s is missing or empty", keyMerges)
	}
	return nil
}

// setRule finds the pre-tokenizer. SentencePiece has none.
func (t *Tokenizer) setRule() error {
	if t.spm {
		t.rule = &rule{addBOS: true}
		return nil
	}
	r, err := ruleFor(t.pre)
	if err != nil {
		return err
	}
	if r == ruleDefault {
		t.warnings = append(t.warnings, "the file names no pre-tokenizer ("+keyPre+
			"), so the default rule is used; text may be split otherwise than the model learned it")
	}
	t.rule = r
	return nil
}

// setTexts finds the bytes that each token stands for. They share one
// allocation.
func (t *Tokenizer) setTexts(v *vocabulary) {
	size := 0
	for _, s := range v.tokens {
		size += len(s)
	}
	blob := make([]byte, 0, size)
	ends := make([]int, len(v.tokens))
	for id, s := range v.tokens {
		switch {
		case t.kinds[id] != Normal && t.kinds[id] != Byte:
			blob = append(blob, s...)
		case t.spm:
			blob = appendSPM(blob, s, t.kinds[id])
		default:
			blob = appendBytes(blob, s)
		}
		ends[id] = len(blob)
	}
	all := string(blob)
	t.texts = make([]string, len(ends))
	from := 0
	for id, to := range ends {
		t.texts[id] = all[from:to]
		from = to
	}
}

// setSpecials collects the tokens that are matched in text before it is split.
func (t *Tokenizer) setSpecials() {
	t.hidden = make([]bool, len(t.texts))
	for id, k := range t.kinds {
		special := k == Control || k == Unknown
		t.hidden[id] = special && (t.rule.shown == nil || !t.rule.shown(t.texts[id]))
	}
	t.all = t.matcherOf(func(Kind, string) bool { return true })
	// Some vocabularies spell the bytes that UTF-8 has no use for by user-defined
	// tokens of one letter, which their publishers match in any text.
	t.user = t.matcherOf(func(k Kind, text string) bool {
		return k == UserDefined && utf8.RuneCountInString(text) == 1
	})
}

// matcherOf returns a matcher of the added tokens that keep wants.
func (t *Tokenizer) matcherOf(keep func(k Kind, text string) bool) *matcher {
	var texts []string
	var ids []int32
	for id, k := range t.kinds {
		text := t.texts[id]
		added := k == Control || k == UserDefined || k == Unknown
		if added && text != "" && !isFiller(text) && keep(k, text) {
			texts = append(texts, text)
			ids = append(ids, int32(id)) //nolint:gosec // checked in check
		}
	}
	return newMatcher(texts, ids)
}

// loadBPE enters the normal tokens and the merges. A merge whose parts or result
// are no tokens can never happen and is left out, but keeps its rank.
func (t *Tokenizer) loadBPE(v *vocabulary) {
	t.words = newTextIndex(t.texts)
	for b := range t.byteIDs {
		t.byteIDs[b] = noID
	}
	for id, text := range t.texts {
		if t.kinds[id] != Normal || text == "" {
			continue
		}
		t.words.add(int32(id)) //nolint:gosec // checked in check
		if len(text) == 1 && t.byteIDs[text[0]] == noID {
			t.byteIDs[text[0]] = int32(id) //nolint:gosec // checked in check
		}
	}
	t.pairs = newPairIndex(len(v.merges))
	var buf []byte
	for rank, m := range v.merges {
		if m == "" {
			continue
		}
		k := strings.IndexByte(m[1:], ' ') + 1
		if k < 1 {
			continue
		}
		buf = appendBytes(buf[:0], m[:k])
		n := len(buf)
		buf = appendBytes(buf, m[k+1:])
		both := string(buf)
		left, right := t.words.find(both[:n]), t.words.find(both[n:])
		id := t.words.find(both)
		if left != noID && right != noID && id != noID {
			t.pairs.add(left, right, merge{int32(rank), id}) //nolint:gosec // a file has fewer merges
		}
	}
}
