package wire

import (
	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/text/tokenizer"
)

// deepseekPrefix is the marker of DeepSeek's vocabularies.
const deepseekPrefix = "<｜fim▁begin｜>"

// Infill returns the tokens that ask a model for what stands between two texts,
// with the model's own markers: prefix, suffix, then the middle is to follow.
// model is the model's name, for the error that it has no markers.
func Infill(t *tokenizer.Tokenizer, model, prefix, suffix string) ([]int32, error) {
	pre, suf, mid, ok := t.FIM()
	if !ok {
		return nil, apierr.Unsupported("suffix", "the model "+model+" has no tokens for filling in the middle")
	}
	var ids []int32
	// DeepSeek's later files leave the first token to their chat format; a prompt
	// of this kind begins with it all the same.
	if bos, ok := t.BOS(); ok && (t.AddBOS() || t.Piece(pre) == deepseekPrefix) {
		ids = append(ids, bos)
	}
	ids = t.Encode(append(ids, pre), tokenizer.Span{Text: prefix})
	ids = t.Encode(append(ids, suf), tokenizer.Span{Text: suffix})
	return append(ids, mid), nil
}
