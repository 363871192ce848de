package tokenizer

import (
	"fmt"
	"math"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
)

// A vocabulary is what a file says of its tokenizer.
type vocabulary struct {
	model, pre string
	tokens     []string
	types      []Kind    // nil if the file has none: all are normal
	scores     []float32 // "llama" only
	merges     []string  // "gpt2" only, "left right", in the order of their ranks
	ids        map[string]int32
	addBOS     *bool
	addEOS     bool
	noPrefix   bool // tokenizer.ggml.add_space_prefix is false
}

const (
	keyModel  = "tokenizer.ggml.model"
	keyPre    = "tokenizer.ggml.pre"
	keyTokens = "tokenizer.ggml.tokens"
	keyTypes  = "tokenizer.ggml.token_type"
	keyScores = "tokenizer.ggml.scores"
	keyMerges = "tokenizer.ggml.merges"
	keyAddBOS = "tokenizer.ggml.add_bos_token"
	keyAddEOS = "tokenizer.ggml.add_eos_token"
	keyPrefix = "tokenizer.ggml.add_space_prefix"
)

// The names of the keys that hold one id each, tokenizer.ggml.NAME_token_id.
// prefix, suffix and middle are old names of the fim keys.
var idNames = []string{
	"bos", "eos", "eot", "eom", "unknown",
	"fim_pre", "fim_suf", "fim_mid", "fim_pad", "fim_rep", "fim_sep", "prefix", "suffix", "middle",
}

// FromGGUF makes the tokenizer of a model file. It needs the file only during
// the call. The errors name the key that is missing, too long or unknown, and
// list what is supported.
func FromGGUF(f *gguf.File) (*Tokenizer, error) {
	v, err := readVocabulary(f)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	return newTokenizer(v)
}

func readVocabulary(f *gguf.File) (*vocabulary, error) {
	v := &vocabulary{ids: make(map[string]int32)}
	var ok bool
	var err error
	if v.model, ok, err = f.String(keyModel); err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("the file has no vocabulary: key %s is missing", keyModel)
	}
	if v.pre, _, err = f.String(keyPre); err != nil {
		return nil, err
	}
	if v.tokens, _, err = f.Strings(keyTokens); err != nil {
		return nil, err
	}
	if v.scores, _, err = f.Floats(keyScores); err != nil {
		return nil, err
	}
	if v.merges, _, err = f.Strings(keyMerges); err != nil {
		return nil, err
	}
	return v, readFlags(f, v)
}

func readFlags(f *gguf.File, v *vocabulary) error {
	types, ok, err := f.Ints(keyTypes)
	if err != nil {
		return err
	}
	if ok {
		v.types = make([]Kind, len(types))
		for i, k := range types {
			v.types[i] = Normal
			if k > 0 && k <= int64(Byte) {
				v.types[i] = Kind(k)
			}
		}
	}
	if addBOS, ok, err := f.Bool(keyAddBOS); err != nil {
		return err
	} else if ok {
		v.addBOS = &addBOS
	}
	if v.addEOS, _, err = f.Bool(keyAddEOS); err != nil {
		return err
	}
	prefix, ok, err := f.Bool(keyPrefix)
	if err != nil {
		return err
	}
	v.noPrefix = ok && !prefix
	for _, name := range idNames {
		id, ok, err := f.Int("tokenizer.ggml." + name + "_token_id")
		if err != nil {
			return err
		}
		// Some converters write 2^32-1 or -1 for no token.
		if ok && id >= 0 && id < math.MaxUint32 {
			v.ids[name] = int32(min(id, math.MaxInt32)) //nolint:gosec // bounded
		}
	}
	return nil
}
