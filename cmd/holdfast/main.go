// Holdfast runs language models in GGUF files on a plain CPU.
package main

import (
	"os"

	"github.com/holdfast-llm/holdfast/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], starterModel())) }
