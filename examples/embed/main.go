// Embed finds the text that is nearest to a question:
// go run ./examples/embed MODEL.gguf QUESTION TEXT...
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/holdfast-llm/holdfast"
)

func main() {
	if len(os.Args) < 4 {
		log.Fatal("usage: embed MODEL.gguf QUESTION TEXT...")
	}
	model, err := holdfast.Open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	texts := os.Args[2:]
	e, err := model.Embed(context.Background(), texts, holdfast.EmbedOptions{})
	if err != nil {
		log.Fatal(err)
	}
	for i, v := range e.Vectors[1:] {
		fmt.Fprintf(os.Stdout, "%.3f  %s\n", dot(e.Vectors[0], v), texts[i+1])
	}
	if err := model.Close(); err != nil {
		log.Fatal(err)
	}
}

// dot is the cosine of two vectors of length 1.
func dot(a, b []float32) float32 {
	sum := float32(0)
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}
