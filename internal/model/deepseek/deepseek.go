// Package deepseek runs the architecture deepseek: DeepSeekMoE 16B, LLaMA's
// attention with a dense first layer and a mixture with shared experts in the
// others.
package deepseek

import (
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/layers/decoder"
)

// Arch is the architecture's GGUF name.
const Arch = "deepseek"

func init() { model.Register(Arch, decoder.Spec{Config: rules}.Architecture()) }

// rules sets what the files do not say: scores are a softmax over all experts,
// the chosen ones keep their share, there are no groups, and the shared experts
// are one network of their joint width.
func rules(c *model.Config, m *model.Meta) {
	e := &c.MoE
	if e.Experts == 0 {
		m.Fail("expert_count", "is missing or 0, expected the number of experts of a mixture")
	}
	e.Gating, e.Norm, e.Groups = model.GatingSoftmax, false, 0
	if e.SharedFF == 0 {
		e.SharedFF = e.FF * e.Shared
	}
}
