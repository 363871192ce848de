package plan

import (
	"strings"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/golden"
	"github.com/holdfast-llm/holdfast/internal/machine/mem"
)

func TestJudge(t *testing.T) {
	f := open(t)
	roomy, err := Judge(f, 2, mem.Limits{Total: 64 << 30, Available: 64 << 30})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(roomy.Lines(10e9), "\n")
	if !roomy.Fits() || !strings.Contains(text, "it fits") || !strings.Contains(text, "tokens/s") || !strings.Contains(text, "llama") {
		t.Errorf("%v: %s", roomy.Fits(), text)
	}
	tight, err := Judge(f, 2, mem.Limits{Total: 1 << 10, Available: 1 << 10})
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(tight.Lines(0), "\n"); tight.Fits() || !strings.Contains(text, "it does not fit") || strings.Contains(text, "tokens/s") {
		t.Errorf("%v: %s", tight.Fits(), text)
	}
}

// TestReads: a tied embedding is read whole for the output, experts by the share
// that is used.
func TestReads(t *testing.T) {
	var all int64
	tied := open(t)
	for _, x := range tied.Tensors() {
		all += x.Size
	}
	if got := reads(tied); got != all {
		t.Errorf("a tied model reads %d bytes, expected all %d", got, all)
	}
	moe, err := gguf.Open(golden.ModuleRoot(t) + "/test/vectors/goldens/models/quant-ds2-legacy-64-q4_0/model.gguf")
	if err != nil {
		t.Fatal(err)
	}
	defer moe.Close()
	count, _, _ := moe.Uint(moe.Arch() + ".expert_count")
	used, _, _ := moe.Uint(moe.Arch() + ".expert_used_count")
	var want int64
	for _, x := range moe.Tensors() {
		switch {
		case x.Name == "token_embd.weight":
			if _, ok := moe.Tensor("output.weight"); !ok {
				want += x.Size
			}
		case strings.Contains(x.Name, "_exps"):
			want += x.Size * int64(used) / int64(count)
		default:
			want += x.Size
		}
	}
	if got := reads(moe); got != want || count == 0 || used >= count {
		t.Errorf("a sparse model reads %d bytes, expected %d (%d of %d experts)", got, want, used, count)
	}
}
