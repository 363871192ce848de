// Package deepseek2 runs the architecture deepseek2: DeepSeek-V2, V2-Lite,
// Coder-V2, V2.5, V3, R1, V3.1, and relatives with the same layers such as
// Kimi-K2 and GLM-4.7-Flash. Each layer is latent attention (package mla) and a
// mixture of experts with shared ones; the first layers are dense.
//
// The same program runs deepseek32 (DeepSeek-V3.2), which adds an indexer; see
// the package of that name.
package deepseek2

import "github.com/holdfast-llm/holdfast/internal/model"

// Arch is the architecture's GGUF name.
const Arch = "deepseek2"

func init() { model.Register(Arch, Spec{}.Architecture()) }
