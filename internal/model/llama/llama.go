// Package llama runs the llama architecture: LLaMA 1 to 3, DeepSeek LLM and
// Coder v1, R1-Distill-Llama, SmolLM and others of its kind.
//
// The file's converter has permuted the rows of q and k so that neighbouring
// elements form the rotated pairs.
package llama

import (
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/layers/decoder"
)

// Arch is the architecture's GGUF name.
const Arch = "llama"

func init() { model.Register(Arch, decoder.Spec{Config: decoder.DenseOnly}.Architecture()) }
