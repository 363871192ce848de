// Package qwen runs the architectures qwen2 (Qwen2, Qwen2.5, R1-Distill-Qwen),
// qwen3 (also R1-0528-Qwen3-8B) and qwen3moe.
package qwen

import (
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/layers/attention"
	"github.com/holdfast-llm/holdfast/internal/model/layers/decoder"
)

// The architectures' GGUF names.
const (
	Arch2    = "qwen2"
	Arch3    = "qwen3"
	Arch3MoE = "qwen3moe"
)

func init() {
	qwen2 := attention.Style{Neox: true, NeedBias: true}
	qwen3 := attention.Style{Neox: true, HeadNorm: true}
	model.Register(Arch2, decoder.Spec{Attention: qwen2, Config: decoder.DenseOnly}.Architecture())
	model.Register(Arch3, decoder.Spec{Attention: qwen3, Config: decoder.DenseOnly}.Architecture())
	model.Register(Arch3MoE, decoder.Spec{Attention: qwen3, Config: moeRules}.Architecture())
}

// moeRules sets what qwen3moe files do not say: scores are a softmax over all
// experts, and the chosen ones are always divided by their sum.
func moeRules(c *model.Config, m *model.Meta) {
	if c.MoE.Experts == 0 {
		m.Fail("expert_count", "is missing or 0, expected the number of experts of a mixture")
	}
	c.MoE.Gating = model.GatingSoftmax
	c.MoE.Norm = true
}
