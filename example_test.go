package holdfast_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/holdfast-llm/holdfast"
)

// The examples run on a random model of 109 KB, which talks nonsense; so they
// print counts, and not what it says.
const modelFile = "test/vectors/goldens/models/quant-llama-64-q4_1/model.gguf"

func open() *holdfast.Model {
	m, err := holdfast.Open(modelFile, holdfast.WithContext(512))
	if err != nil {
		log.Fatal(err)
	}
	return m
}

func Example() {
	m, err := holdfast.Open(modelFile)
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	s, err := m.NewSession(holdfast.WithSystem("Answer briefly."), holdfast.WithTemperature(0), holdfast.WithMaxTokens(20))
	if err != nil {
		log.Fatal(err)
	}
	var answer strings.Builder
	for ev, err := range s.Chat(context.Background(), "Why is the sea salty?") {
		if err != nil {
			log.Fatal(err)
		}
		answer.WriteString(ev.Text)
		if ev.Done != nil {
			fmt.Println(ev.Done.Usage.CompletionTokens, "tokens, ended by", ev.Done.Reason)
		}
	}
	fmt.Println(answer.Len() > 0)
	// Output:
	// 20 tokens, ended by length
	// true
}

// A second question does not compute the conversation again.
func ExampleSession_Chat() {
	m := open()
	defer m.Close()
	s, err := m.NewSession(holdfast.WithTemperature(0), holdfast.WithMaxTokens(8))
	if err != nil {
		log.Fatal(err)
	}
	for _, question := range []string{"Why is the sea salty?", "And lakes?"} {
		for ev, err := range s.Chat(context.Background(), question) {
			if err != nil {
				log.Fatal(err)
			}
			if ev.Done != nil {
				fmt.Println("history was cached:", ev.Done.Usage.CachedTokens > 0)
			}
		}
	}
	fmt.Println(len(s.History()), "turns")
	// Output:
	// history was cached: false
	// history was cached: true
	// 4 turns
}

// Breaking out of the loop, or cancelling the context, stops the model.
func ExampleSession_Complete() {
	m := open()
	defer m.Close()
	s, err := m.NewSession(holdfast.WithTemperature(0))
	if err != nil {
		log.Fatal(err)
	}
	pieces := 0
	for ev, err := range s.Complete(context.Background(), "Once upon a time") {
		if err != nil {
			log.Fatal(err)
		}
		if ev.Text != "" {
			pieces++
		}
		if pieces == 3 {
			break
		}
	}
	fmt.Println(pieces)
	// Output: 3
}

func ExampleSession_Save() {
	m := open()
	defer m.Close()
	s, err := m.NewSession(holdfast.WithSystem("Answer briefly."))
	if err != nil {
		log.Fatal(err)
	}
	err = s.SetHistory([]holdfast.Message{
		{Role: holdfast.User, Content: "Why is the sea salty?"},
		{Role: holdfast.Assistant, Content: "Rivers carry salt."},
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := s.Save(os.Stdout); err != nil {
		log.Fatal(err)
	}
	// Output:
	// {
	//   "holdfast_session": 1,
	//   "system": "Answer briefly.",
	//   "messages": [
	//     {
	//       "role": "user",
	//       "content": "Why is the sea salty?"
	//     },
	//     {
	//       "role": "assistant",
	//       "content": "Rivers carry salt."
	//     }
	//   ]
	// }
}

func ExampleModel_Tokenize() {
	m := open()
	defer m.Close()
	ids := m.Tokenize("Hello", false)
	fmt.Println(len(ids), m.Detokenize(ids))
	fmt.Println(len(m.Tokenize("<|im_end|>", false)) > 1, len(m.Tokenize("<|im_end|>", true)))
	// Output:
	// 5 Hello
	// true 1
}

// Score rates a text: the perplexity is the exponential of the mean.
func ExampleModel_Score() {
	m := open()
	defer m.Close()
	ids := m.Tokenize("The sea is salty.", false)
	logprobs, err := m.Score(context.Background(), ids, 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(logprobs) == len(ids)-1)
	// Output: true
}

func ExampleModel_Info() {
	m := open()
	defer m.Close()
	i := m.Info()
	fmt.Println(i.Architecture, i.Layers, "layers,", i.Quantization, "context", i.Context)
	// Output: llama 3 layers, Q4_1 context 512
}
