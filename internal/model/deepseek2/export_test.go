package deepseek2

import "github.com/holdfast-llm/holdfast/internal/model"

// SetRebuildRows sets from how many tokens on a model rebuilds keys and values.
func SetRebuildRows(m model.Model, n int) { m.(*Model).attn.RebuildRows = n }
