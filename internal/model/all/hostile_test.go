package all

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/machine/par"
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/modeltest"
)

// hostileKeys are the keys whose values TestHostileMetadata replaces.
var hostileKeys = []string{
	"vocab_size", "context_length", "embedding_length", "block_count", "nextn_predict_layers",
	"feed_forward_length", "attention.head_count", "attention.head_count_kv",
	"attention.key_length", "attention.value_length", "attention.layer_norm_rms_epsilon",
	"rope.freq_base", "rope.dimension_count", "rope.scaling.type", "rope.scaling.factor",
	"rope.scaling.original_context_length", "rope.scaling.attn_factor",
	"rope.scaling.yarn_ext_factor", "rope.scaling.yarn_attn_factor",
	"rope.scaling.yarn_beta_fast", "rope.scaling.yarn_beta_slow", "rope.scale_linear",
	"expert_count", "expert_used_count", "expert_feed_forward_length", "expert_shared_count",
	"expert_group_count", "expert_group_used_count", "expert_gating_func",
	"expert_weights_norm", "expert_weights_scale", "leading_dense_block_count",
}

var hostileValues = []any{
	nil, uint32(0), uint32(1), uint32(2), uint32(3), uint32(5), uint32(32), uint32(64), uint32(1 << 20),
	uint32(math.MaxUint32), uint64(1) << 40, uint64(math.MaxUint64), int32(-1), int64(math.MinInt64),
	float32(0), float32(-1), float32(0.5), float32(1e30), float32(math.NaN()), float32(math.Inf(1)),
	math.MaxFloat64, true, "", "yarn", "linear", "none",
	[]uint32{},
	[]uint32{2},
	[]int32{-1, 4},
	[]uint32{1 << 30, 1 << 30},
	[]float32{1, 2},
	[]string{"a"},
}

// TestHostileMetadata: whatever the keys of a file say, it is refused with an
// error or loads and runs, and no plan is larger than the tensors justify.
func TestHostileMetadata(t *testing.T) {
	team := par.New(1)
	t.Cleanup(team.Close)
	archs := model.Architectures()
	rapid.Check(t, func(rt *rapid.T) {
		arch := rapid.SampledFrom(archs).Draw(rt, "arch")
		keys := map[string]any{}
		for range rapid.IntRange(1, 3).Draw(rt, "changes") {
			key := rapid.SampledFrom(hostileKeys).Draw(rt, "key")
			keys[arch+"."+key] = hostileValues[rapid.IntRange(0, len(hostileValues)-1).Draw(rt, "value")]
		}
		data := modeltest.Build(t, modeltest.Spec{Arch: arch, Layers: 1, Vocab: 32, Embd: 32, FF: 32, Keys: keys})
		f, err := gguf.OpenBytes("hostile", data)
		if err != nil {
			rt.Fatal(err)
		}
		defer f.Close()
		tryModel(rt, f, team, int64(len(data)))
	})
}

func tryModel(t *rapid.T, f *gguf.File, team *par.Team, size int64) {
	o := model.Options{Team: team, MaxRows: 8, BlockTokens: 8}
	plan, err := model.Plan(f, o)
	if err != nil {
		return
	}
	if plan.Weights > 4*size+1<<20 || plan.Scratch > 64<<20 || plan.Cache[0].BytesPerToken > size {
		t.Fatalf("a file of %d bytes plans weights of %d, scratch of %d, a cache of %d per token",
			size, plan.Weights, plan.Scratch, plan.Cache[0].BytesPerToken)
	}
	m, err := model.Load(f, o)
	if err != nil {
		return
	}
	defer m.Close()
	b := model.Batch{
		Seqs:  []model.BatchSeq{{Tokens: []int32{0, 0, 0}, Blocks: []int32{0}, NLogits: 1}},
		Cache: make([]byte, m.CacheSpec().BlockBytes),
	}
	if err := m.Forward(&b); err != nil {
		t.Fatalf("a model that loaded does not run: %v", err)
	}
}
