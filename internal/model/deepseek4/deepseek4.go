// Package deepseek4 runs the architecture deepseek4: DeepSeek-V4-Flash and
// V4-Pro. The residual of a token is four streams (package hyper), attention
// goes over a window and compressed rows (package csa), and every layer is a
// mixture of experts, whose first layers choose by the token alone.
//
// The same program runs deepseek41; see the package of that name.
package deepseek4

import "github.com/holdfast-llm/holdfast/internal/model"

// Arch is the architecture's GGUF name.
const Arch = "deepseek4"

func init() { model.Register(Arch, Spec{}.Architecture()) }

// A Spec describes one of the architectures with these layers.
type Spec struct {
	// V41 says that the layers are those of DeepSeek-V4.1: compressed rows and
	// what indexers pick are shared by following layers, mixes lag by a sublayer,
	// and some layers look n-grams up.
	V41 bool
}

// Architecture makes a Spec loadable.
func (s Spec) Architecture() model.Architecture {
	return model.Architecture{Load: s.load, Plan: s.plan, BF16Cache: true}
}
