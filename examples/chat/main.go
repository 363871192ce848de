// Chat talks with a model in the terminal: go run ./examples/chat MODEL.gguf
package main

import (
	"bufio"
	"context"
	"log"
	"os"

	"github.com/holdfast-llm/holdfast"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: chat MODEL.gguf")
	}
	model, err := holdfast.Open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	session, err := model.NewSession(holdfast.WithSystem("Answer briefly."))
	if err != nil {
		log.Fatal(err)
	}
	in := bufio.NewScanner(os.Stdin)
	say := func(text string) { _, _ = os.Stdout.WriteString(text) }
	for say("> "); in.Scan(); say("\n> ") {
		for event, err := range session.Chat(context.Background(), in.Text()) {
			if err != nil {
				log.Fatal(err)
			}
			say(event.Text)
		}
	}
	if err := model.Close(); err != nil {
		log.Fatal(err)
	}
}
