// Package deepseek41 runs the architecture deepseek41: the text part of
// DeepSeek-V4.1-Flash. It is deepseek4 with compressed rows that several layers
// share, indexers whose choice several layers share, mixes that lag by one
// sublayer, and n-gram tables, which are read from the file as tokens need them.
package deepseek41

import (
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/deepseek4"
)

// Arch is the architecture's GGUF name.
const Arch = "deepseek41"

func init() { model.Register(Arch, deepseek4.Spec{V41: true}.Architecture()) }
