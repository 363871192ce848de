package tokenizer

import (
	"math"
	"strings"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
)

// fromKeys makes the tokenizer of a file with the toy vocabulary and other keys.
func fromKeys(t *testing.T, pre string, keys map[string]any) (*Tokenizer, error) {
	t.Helper()
	v := toyVocabulary(pre)
	types := make([]int32, len(v.types))
	for i, k := range v.types {
		types[i] = int32(k)
	}
	set := map[string]any{
		"general.architecture": "llama", keyModel: v.model, keyPre: v.pre,
		keyTokens: v.tokens, keyTypes: types, keyMerges: v.merges,
		"tokenizer.ggml.bos_token_id": uint32(v.ids["bos"]), "tokenizer.ggml.eos_token_id": uint32(v.ids["eos"]),
	}
	for k, x := range keys {
		set[k] = x
		if x == nil {
			delete(set, k)
		}
	}
	w := gguf.NewWriter()
	for k, x := range set {
		w.Set(k, x)
	}
	data, err := w.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	f, err := gguf.OpenBytes("toy", data)
	if err != nil {
		t.Fatal(err)
	}
	return FromGGUF(f)
}

func TestFromGGUF(t *testing.T) {
	tok, err := fromKeys(t, "deepseek-v3", map[string]any{
		keyAddBOS: true, "tokenizer.ggml.fim_pre_token_id": uint32(7), "tokenizer.ggml.suffix_token_id": uint32(8),
		"tokenizer.ggml.eot_token_id": uint32(math.MaxUint32),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := pieces(tok, tok.Encode(nil, Span{"<think>hello", true})); got != "<think>|hello" {
		t.Errorf("got %q", got)
	}
	bos, _ := tok.BOS()
	pre, suf, _, _ := tok.FIM()
	if tok.Piece(bos) != "<｜begin▁of▁sentence｜>" || !tok.AddBOS() || pre != 7 || suf != 8 || len(tok.EOG()) != 2 {
		t.Errorf("bos %d, add %v, fim %d %d, eog %v", bos, tok.AddBOS(), pre, suf, tok.EOG())
	}
}

func TestFromGGUFErrors(t *testing.T) {
	f := func(key string, value any, want string) {
		t.Helper()
		_, err := fromKeys(t, "deepseek-v3", map[string]any{key: value})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Count(err.Error(), "tokenizer: ") != 1 {
			t.Errorf("%s = %v: error %v, want %q", key, value, err, want)
		}
	}
	f(keyModel, nil, keyModel)
	f(keyModel, uint32(1), keyModel)
	f(keyPre, "no-such", `"no-such"`)
	f(keyTokens, nil, keyTokens)
	f(keyTokens, uint32(1), keyTokens)
	f(keyTypes, []int32{1}, keyTypes)
	f(keyMerges, []int32{1}, keyMerges)
	f("tokenizer.ggml.bos_token_id", "x", "bos_token_id")
}
