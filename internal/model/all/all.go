// Package all registers every architecture there is.
package all

import (
	_ "github.com/holdfast-llm/holdfast/internal/model/deepseek"   // deepseek
	_ "github.com/holdfast-llm/holdfast/internal/model/deepseek2"  // deepseek2
	_ "github.com/holdfast-llm/holdfast/internal/model/deepseek32" // deepseek32
	_ "github.com/holdfast-llm/holdfast/internal/model/deepseek4"  // deepseek4
	_ "github.com/holdfast-llm/holdfast/internal/model/deepseek41" // deepseek41
	_ "github.com/holdfast-llm/holdfast/internal/model/llama"      // llama
	_ "github.com/holdfast-llm/holdfast/internal/model/qwen"       // qwen2, qwen3, qwen3moe
)
