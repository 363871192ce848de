package tokenizer

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// fuzzed are the vocabularies that the fuzz targets try: every rule once.
func fuzzed(f *testing.F) (toks []*Tokenizer) {
	f.Helper()
	for _, pre := range []string{
		"deepseek-llm", "deepseek-coder", "deepseek-v3", "llama-bpe", "qwen2", "smollm", "gpt-2", "default",
	} {
		toks = append(toks, toy(f, pre, nil))
	}
	return append(toks, toySPM(f, nil))
}

// FuzzEncode: any bytes give ids of the vocabulary, which decode to the text as
// far as it is valid, for vocabularies that do not change it.
func FuzzEncode(f *testing.F) {
	toks := fuzzed(f)
	for _, s := range []string{
		"", "hello world", "<think>x<｜begin▁of▁sentence｜>", "\xe4\xbd", "\xed\xa0\x80", "1234 中文・\u3040 é\u0301",
		" \t\n\r\n  x", "'LL 'ſ", strings.Repeat("ab", 100), "aü[PAD9]\x00\u200b\u3000▁",
	} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, s string, template bool) {
		for _, tok := range toks {
			ids := tok.Encode(nil, Span{s, template})
			for _, id := range ids {
				if !tok.known(id) {
					t.Fatalf("%s: id %d for %q", tok.Pre(), id, s)
				}
			}
			got := tok.Decode(ids, true)
			if tok.spm || tok.rule.nfc {
				continue
			}
			if got != Valid(s) {
				t.Fatalf("%s: %q decodes to %q", tok.Pre(), s, got)
			}
		}
	})
}

// FuzzDecode: any ids give valid UTF-8, and a stream gives the same as Decode.
func FuzzDecode(f *testing.F) {
	toks := fuzzed(f)
	f.Add([]byte{0, 104, 0, 0xE4, 0, 0xB8, 1, 5}, true)
	f.Add([]byte{0, 0xED, 0, 0xA0, 1, 20, 0, 0x80, 255, 255}, false)
	f.Add([]byte{0, 0xF0, 0, 0x9F, 0, 0x9A}, true)
	f.Fuzz(func(t *testing.T, data []byte, special bool) {
		var ids []int32
		for i := 0; i+1 < len(data); i += 2 {
			ids = append(ids, int32(data[i])<<8|int32(data[i+1]))
		}
		for _, tok := range toks {
			whole := tok.Decode(ids, special)
			s := tok.NewStream(special)
			var b strings.Builder
			for _, id := range ids {
				b.WriteString(s.Push(id))
			}
			b.WriteString(s.Flush())
			if !utf8.ValidString(whole) || !utf8.ValidString(b.String()) {
				t.Fatalf("%v: not valid: %q, %q", ids, whole, b.String())
			}
			if !tok.spm && b.String() != whole {
				t.Fatalf("%v: streamed %q, decoded %q", ids, b.String(), whole)
			}
		}
	})
}
