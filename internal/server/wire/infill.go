package wire

import (
	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/text/tokenizer"
)

// Infill returns the tokens that ask a model for what stands between two texts,
// with the model's own markers.
func Infill(l *library.Lease, prefix, suffix string) ([]int32, error) {
	t := l.Tokenizer()
	pre, suf, mid, ok := t.FIM()
	if !ok {
		return nil, apierr.Unsupported("suffix", "the model "+l.Name()+" has no tokens for filling in the middle")
	}
	var ids []int32
	if bos, ok := t.BOS(); ok && t.AddBOS() {
		ids = append(ids, bos)
	}
	ids = t.Encode(append(ids, pre), tokenizer.Span{Text: prefix})
	ids = t.Encode(append(ids, suf), tokenizer.Span{Text: suffix})
	return append(ids, mid), nil
}
