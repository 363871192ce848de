// Tools lets a model call a Go function: go run ./examples/tools MODEL.gguf
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"github.com/holdfast-llm/holdfast"
)

var weather = holdfast.Tool{
	Name:        "get_weather",
	Description: "Tells the weather in a city.",
	Parameters:  json.RawMessage(`{"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}`),
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: tools MODEL.gguf")
	}
	if err := run(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func run(path string) error {
	model, err := holdfast.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = model.Close() }() // the program ends anyway
	s, err := model.NewSession(holdfast.WithTools(weather), holdfast.WithToolChoice(holdfast.ToolRequired), holdfast.WithParallelCalls(false))
	if err != nil {
		return err
	}
	if err := show(s, holdfast.Message{Role: holdfast.User, Content: "What is the weather in Rome?"}); err != nil {
		return err
	}
	// Now it has the answer's calls: run them, and let the model go on in words.
	var results []holdfast.Message
	history := s.History()
	for _, c := range history[len(history)-1].ToolCalls {
		fmt.Fprintf(os.Stdout, "[%s %s]\n", c.Name, c.Arguments)
		results = append(results, holdfast.Message{Role: holdfast.ToolRole, ToolCallID: c.ID, Content: `{"sky": "clear", "degrees": 31}`})
	}
	if err := s.Configure(holdfast.WithToolChoice(holdfast.ToolNone)); err != nil {
		return err
	}
	return show(s, results...)
}

// show sends messages and prints the answer.
func show(s *holdfast.Session, messages ...holdfast.Message) error {
	for event, err := range s.Send(context.Background(), messages...) {
		if err != nil {
			return err
		}
		fmt.Fprint(os.Stdout, event.Text)
	}
	fmt.Fprintln(os.Stdout)
	return nil
}
