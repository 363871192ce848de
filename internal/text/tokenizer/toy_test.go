package tokenizer

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// spell maps bytes to the characters that byte-level vocabularies write.
func spell(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		b.WriteRune(rune(slices.Index(byteOf[:], int16(c))))
	}
	return b.String()
}

// toyMerges are the merges of the toy vocabulary, parts by a bar.
var toyMerges = []string{
	"h|e", "l|l", "he|ll", "hell|o", " |w", "o|r", " w|or", "l|d", "a|b", "ab|ab", " | ", "  |  ",
	"\xe4|\xb8", "\xe4\xb8|\xad", "1|2", "12|3", "\xc3|\xa9",
}

// toySpecials are its added tokens.
var toySpecials = []struct {
	text string
	kind Kind
}{
	{"<｜begin▁of▁sentence｜>", Control},
	{"<｜end▁of▁sentence｜>", Control},
	{"<think>", UserDefined},
	{"<think>x", UserDefined},
	{"ü", UserDefined},
	{"<unk>", Unknown},
	{"[PAD9]", UserDefined},
	{"[PAD10]", Unused},
	{"<|EOT|>", Control},
	{"<|fim_prefix|>", Control},
	{"<|fim_middle|>", Control},
	{"<|fim_suffix|>", Control},
}

// toyVocabulary returns a small byte-level vocabulary: the 256 bytes, what the
// merges make, the special tokens. BOS and EOS are its keys.
func toyVocabulary(pre string) *vocabulary {
	v := &vocabulary{model: "gpt2", pre: pre, ids: map[string]int32{}}
	add := func(text string, k Kind) {
		v.tokens = append(v.tokens, text)
		v.types = append(v.types, k)
	}
	for b := range 256 {
		add(spell(string([]byte{byte(b)})), Normal)
	}
	for _, m := range toyMerges {
		left, right, _ := strings.Cut(m, "|")
		add(spell(left+right), Normal)
		v.merges = append(v.merges, spell(left)+" "+spell(right))
	}
	for _, s := range toySpecials {
		add(s.text, s.kind)
	}
	v.ids["bos"] = int32(slices.Index(v.tokens, "<｜begin▁of▁sentence｜>"))
	v.ids["eos"] = v.ids["bos"] + 1
	return v
}

func toy(t testing.TB, pre string, change func(v *vocabulary)) *Tokenizer {
	t.Helper()
	v := toyVocabulary(pre)
	if change != nil {
		change(v)
	}
	tok, err := newTokenizer(v)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// toySPM returns a small SentencePiece vocabulary.
func toySPM(t testing.TB, change func(v *vocabulary)) *Tokenizer {
	t.Helper()
	v := &vocabulary{model: "llama", ids: map[string]int32{"bos": 1, "eos": 2}}
	add := func(text string, k Kind, score float32) {
		v.tokens = append(v.tokens, text)
		v.types = append(v.types, k)
		v.scores = append(v.scores, score)
	}
	add("<unk>", Unknown, 0)
	add("<s>", Control, 0)
	add("</s>", Control, 0)
	for b := range 256 {
		add(fmt.Sprintf("<0x%02X>", b), Byte, 0)
	}
	for i, s := range []string{"he", "ll", "hell", "hello", "▁hello", "▁w", "or", "▁wor", "ld", "▁world"} {
		add(s, Normal, -float32(i))
	}
	for _, s := range []string{"▁▁", "▁", "h", "e", "l", "o", "w", "r", "d", "é"} {
		add(s, Normal, -1e9)
	}
	if change != nil {
		change(v)
	}
	tok, err := newTokenizer(v)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// pieces shows ids as the texts that they stand for, joined by bars.
func pieces(tok *Tokenizer, ids []int32) string {
	var out []string
	for _, id := range ids {
		out = append(out, tok.Piece(id))
	}
	return strings.Join(out, "|")
}
