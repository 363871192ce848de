// Package deepseek32 runs the architecture deepseek32: DeepSeek-V3.2-Exp and
// V3.2, which are V3 with a lightning indexer in every layer that chooses the
// positions to attend to. Files of these models that were converted without the
// indexer are deepseek2, with dense attention.
package deepseek32

import (
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/deepseek2"
)

// Arch is the architecture's GGUF name.
const Arch = "deepseek32"

func init() { model.Register(Arch, deepseek2.Spec{Indexer: true}.Architecture()) }
