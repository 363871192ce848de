package plan

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/golden"
	"github.com/holdfast-llm/holdfast/internal/machine/mem"
)

func open(t *testing.T) *gguf.File {
	t.Helper()
	f, err := gguf.Open(filepath.Join(golden.ModuleRoot(t), "test/vectors/goldens/models/llama-tied/model.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func TestOf(t *testing.T) {
	f := open(t)
	roomy, err := Of(f, 2, mem.Limits{Total: 64 << 30, Available: 64 << 30})
	if err != nil {
		t.Fatal(err)
	}
	if roomy.Weights <= 0 || roomy.Scratch <= 0 || len(roomy.KV) < 4 {
		t.Fatalf("plan is %+v, want weights, scratch and four cache types", roomy)
	}
	for _, k := range roomy.KV {
		if k.Largest != roomy.Trained {
			t.Errorf("%s: %d tokens fit into 64 GiB, want all %d", k.Type, k.Largest, roomy.Trained)
		}
	}
	// Exactly 300 tokens in f16 fit: whole blocks of 64 make that 256.
	need, ok := roomy.Need(300, "f16")
	if !ok {
		t.Fatal("no f16 in the plan")
	}
	tight, err := Of(f, 2, mem.Limits{Total: need, Available: need})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range tight.KV {
		switch {
		case k.Type == "f16" && k.Largest != min(256, tight.Trained):
			t.Errorf("f16: %d tokens fit, want 256", k.Largest)
		case k.Type == "q8_0" && k.Largest < 256:
			t.Errorf("q8_0: %d tokens fit, want more than with f16", k.Largest)
		case k.Type == "f32" && k.Largest >= 256:
			t.Errorf("f32: %d tokens fit, want fewer than with f16", k.Largest)
		}
	}
}

func TestAdvice(t *testing.T) {
	f := &Fit{
		Weights: 4 << 30, Scratch: 1 << 28, Usable: 6 << 30, Trained: 1 << 17,
		KV: []KV{{"f16", 1 << 17, 8192}, {"q8_0", 1 << 16, 20480}},
	}
	got := f.Advice(16384, "f16")
	for _, want := range []string{"weights 4.0 GiB", "cache 2.0 GiB", "free: 6.0 GiB", "--context 8192 --kv-type f16", "--context 16384 --kv-type q8_0"} {
		if !strings.Contains(got, want) {
			t.Errorf("advice lacks %q:\n%s", want, got)
		}
	}
	f.KV = []KV{{"f16", 1 << 17, 0}}
	if got := f.Advice(16384, "f16"); !strings.Contains(got, "smaller model") {
		t.Errorf("advice where nothing fits: %s", got)
	}
	if f.Advice(1, "f99") != "" {
		t.Error("advice for a type that does not exist")
	}
}
