// Docgen writes the man pages and shell completions again: go run ./internal/cli/docgen man
package main

import (
	"log"
	"os"

	"github.com/holdfast-llm/holdfast/internal/cli"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: docgen DIR")
	}
	if err := cli.WriteDocs(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}
