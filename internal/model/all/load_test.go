package all

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/modeltest"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/attend"
	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// TestRefused: what is wrong with a file is said with the name of the key or
// tensor and what was expected.
func TestRefused(t *testing.T) {
	keys := func(key string, v any) modeltest.Spec {
		return modeltest.Spec{Arch: "llama", Keys: map[string]any{key: v}}
	}
	tests := map[string]struct {
		spec modeltest.Spec
		want []string
	}{
		"architecture": {modeltest.Spec{Arch: "mamba"}, []string{`"mamba"`, "llama, qwen2, qwen3, qwen3moe"}},
		"missing key":  {keys("llama.embedding_length", nil), []string{"llama.embedding_length", "missing"}},
		"missing eps":  {keys("llama.attention.layer_norm_rms_epsilon", nil), []string{"layer_norm_rms_epsilon", "missing"}},
		"negative eps": {keys("llama.attention.layer_norm_rms_epsilon", float32(-1)), []string{"layer_norm_rms_epsilon", "at least 0"}},
		"missing ff":   {keys("llama.feed_forward_length", nil), []string{"llama.feed_forward_length", "layer 0"}},
		"zero layers":  {keys("llama.block_count", uint32(0)), []string{"llama.block_count", "at least 1"}},
		"many layers":  {keys("llama.block_count", uint64(1)<<40), []string{"llama.block_count", "at most 4096"}},
		"wrong type":   {keys("llama.block_count", "two"), []string{"llama.block_count", "integer"}},
		"negative":     {keys("llama.block_count", int32(-2)), []string{"llama.block_count"}},
		"only nextn":   {keys("llama.nextn_predict_layers", uint32(2)), []string{"llama.nextn_predict_layers", "less than block_count"}},
		"no heads":     {keys("llama.attention.head_count", nil), []string{"llama.attention.head_count", "missing"}},
		"kv heads":     {keys("llama.attention.head_count_kv", uint32(3)), []string{"head_count_kv", "divisor of the 4"}},
		"short array":  {keys("llama.attention.head_count", []uint32{4}), []string{"llama.attention.head_count", "1 entries", "2 layers"}},
		"odd rope":     {keys("llama.rope.dimension_count", uint32(7)), []string{"rope.dimension_count", "even"}},
		"long rope":    {keys("llama.rope.scaling.type", "longrope"), []string{"rope.scaling.type", `"longrope"`, "yarn"}},
		"rope base":    {keys("llama.rope.freq_base", float32(0)), []string{"rope.freq_base", "more than 1"}},
		"experts": {
			modeltest.Spec{Arch: "llama", Keys: map[string]any{"llama.expert_count": uint32(8), "llama.expert_used_count": uint32(2)}},
			[]string{"llama.expert_count", "not supported"},
		},
		"no experts":   {modeltest.Spec{Arch: "qwen3moe", Keys: map[string]any{"qwen3moe.expert_count": nil}}, []string{"qwen3moe.expert_count"}},
		"used experts": {modeltest.Spec{Arch: "qwen3moe", Keys: map[string]any{"qwen3moe.expert_used_count": uint32(9)}}, []string{"expert_used_count", "8 experts"}},
		"tensor":       {modeltest.Spec{Arch: "llama", Drop: map[string]bool{"blk.1.ffn_up.weight": true}}, []string{`"blk.1.ffn_up.weight" is missing`, "{64 128}", "complete llama file"}},
		"bias":         {modeltest.Spec{Arch: "qwen2", Drop: map[string]bool{"blk.0.attn_k.bias": true}}, []string{`"blk.0.attn_k.bias" is missing`}},
		"shape":        {modeltest.Spec{Arch: "llama", Shapes: map[string][]uint64{"blk.0.attn_k.weight": {64, 64}}}, []string{`"blk.0.attn_k.weight"`, "{64 64}", "{64 32}"}},
		"experts' shape": {
			modeltest.Spec{Arch: "qwen3moe", Shapes: map[string][]uint64{"blk.0.ffn_up_exps.weight": {64, 128, 7}}},
			[]string{`"blk.0.ffn_up_exps.weight"`, "{64 128 7}", "{64 128 8}"},
		},
	}
	team := modeltest.NewTeam(t, 1)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := modeltest.Open(t, test.spec)
			_, err := model.Load(f, model.Options{Team: team, MaxRows: 8})
			if err == nil {
				t.Fatal("loaded")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q: %v", want, err)
				}
			}
			if strings.Count(err.Error(), "model: ") != 1 {
				t.Errorf("the error does not have its prefix once: %v", err)
			}
			if _, planErr := model.Plan(f, model.Options{}); planErr == nil {
				t.Error("planned")
			}
		})
	}
	_, err := model.Load(modeltest.Open(t, modeltest.Spec{Arch: "mamba"}), model.Options{Team: team})
	if unsupported := (*model.UnsupportedError)(nil); !errors.As(err, &unsupported) || unsupported.Arch != "mamba" {
		t.Errorf("not an UnsupportedError: %v", err)
	}
}

// TestAccepted: other spellings of the same model give the same logits.
func TestAccepted(t *testing.T) {
	base := modeltest.Spec{Arch: "llama", Layers: 2}
	spellings := map[string]map[string]any{
		"array of heads":    {"llama.attention.head_count": []int32{4, 4}},
		"long array":        {"llama.attention.head_count_kv": []uint64{2, 2, 9}},
		"64-bit count":      {"llama.embedding_length": int64(64)},
		"no vocab_size":     {"llama.vocab_size": nil},
		"no head size":      {"llama.attention.key_length": nil, "llama.attention.value_length": nil},
		"no base":           {"llama.rope.freq_base": nil},
		"rope none":         {"llama.rope.scaling.type": "none", "llama.rope.scaling.factor": float32(8)},
		"factor 0":          {"llama.rope.scaling.factor": float32(0)},
		"nextn block":       {"llama.block_count": uint32(3), "llama.nextn_predict_layers": uint32(1)},
		"experts of nobody": {"llama.expert_count": uint32(0)},
	}
	team := modeltest.NewTeam(t, 1)
	o := model.Options{Team: team, MaxRows: 32}
	seq := tokens(12, 96)
	want := modeltest.NewRunner(t, modeltest.Open(t, base), o, 64).Logits(seq, 12)
	for name, keys := range spellings {
		spec := base
		spec.Keys = maps.Clone(keys)
		r := modeltest.NewRunner(t, modeltest.Open(t, spec), o, 64)
		same(t, "as another spelling", name, r.Logits(seq, 12), want)
	}
}

// TestPlan: the plan says what the model then has.
func TestPlan(t *testing.T) {
	for name, spec := range specs {
		for _, mapped := range []bool{false, true} {
			f := modeltest.Open(t, spec)
			o := options(t, false)
			o.KeepMapped = mapped
			plan, err := model.Plan(f, model.Options{Workers: o.Team.Size(), MaxRows: o.MaxRows, BlockTokens: o.BlockTokens, KeepMapped: mapped})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			m, err := model.Load(f, o)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if diff := cmp.Diff(m.Memory(), plan.Parts); diff != "" {
				t.Errorf("%s, mapped=%v: the model has, the plan says (-+):\n%s", name, mapped, diff)
			}
			spec := m.CacheSpec()
			if got, want := int64(spec.BlockBytes), plan.PerToken(attend.F32)*int64(spec.BlockTokens); got != want {
				t.Errorf("%s: a block of the cache has %d bytes, planned were %d", name, got, want)
			}
			if (plan.Mapped > 0) != mapped || plan.Total() != plan.Weights+plan.Scratch {
				t.Errorf("%s, mapped=%v: plan %+v", name, mapped, plan)
			}
			if err := m.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestPlanOfQuantised: packed weights stay near the size of the file.
func TestPlanOfQuantised(t *testing.T) {
	data := modeltest.Build(t, modeltest.Spec{Arch: "llama", Type: quant.Q4_K, Layers: 4})
	f, err := gguf.OpenBytes("q4_k", data)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := model.Plan(f, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if ratio := float64(plan.Weights) / float64(len(data)); ratio > 1.1 || ratio < 0.8 {
		t.Errorf("weights take %d bytes, the file %d", plan.Weights, len(data))
	}
}

// TestProgress: bytes only grow and end at the total.
func TestProgress(t *testing.T) {
	var last, total int64
	o := options(t, false)
	o.Progress = func(done, all int64) {
		if done <= last || done > all {
			t.Errorf("%d of %d bytes after %d", done, all, last)
		}
		last, total = done, all
	}
	m, err := model.Load(modeltest.Open(t, specs["qwen3moe"]), o)
	if err != nil {
		t.Fatal(err)
	}
	if last == 0 || last != total {
		t.Errorf("progress ended at %d of %d", last, total)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}
