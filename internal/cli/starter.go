package cli

import (
	"fmt"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/app"
)

// realModels are models for real work, with what they ask of a machine: the
// size of the file, and memory with a context of 8192 tokens.
var realModels = []struct{ name, file, memory string }{
	{"DeepSeek-R1-Distill-Qwen-1.5B", "1.1 GB", "2 GB"},
	{"DeepSeek-R1-Distill-Qwen-7B", "4.7 GB", "6 GB"},
	{"DeepSeek-R1-0528-Qwen3-8B", "5.0 GB", "7 GB"},
}

// starterHelp is what help says about the starter.
var starterHelp = `The starter (SmolLM2-135M-Instruct) is a demonstration: it shows that everything
works before anything is downloaded, and is far too small to be relied on. For real
work take a GGUF file of, for example:
` + modelLines()

// modelLines lists the models for real work, one a line.
func modelLines() string {
	var b strings.Builder
	for _, m := range realModels {
		fmt.Fprintf(&b, "  %-30s Q4_K_M: file %s, memory %s\n", m.name, m.file, m.memory)
	}
	return strings.TrimRight(b.String(), "\n")
}

// starterNotice is said once, after the starter's first answer.
func starterNotice(a *app.App) string {
	name := "the starter"
	if a.Starter != nil {
		name = a.Starter.FullName
	}
	return "This was " + name + ", a demonstration inside the program: far too small to be relied on.\n" +
		"For real work take a GGUF file of, for example:\n" + modelLines() + "\nand then: holdfast run FILE.gguf"
}
