// Package holdfast runs language models in GGUF files on a plain CPU.
//
//	m, err := holdfast.Open("model.gguf")
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer m.Close()
//	s, err := m.NewSession(holdfast.WithSystem("Answer briefly."))
//	if err != nil {
//		log.Fatal(err)
//	}
//	for ev, err := range s.Chat(ctx, "Why is the sea salty?") {
//		if err != nil {
//			log.Fatal(err)
//		}
//		fmt.Print(ev.Text)
//	}
//
// A [Model] is a file that is loaded: weights, tokenizer, prompt format, and
// the cache that all its sessions share. A [Session] is one conversation; it
// keeps the history. Sessions of one model may be used from many goroutines at
// once: their tokens are computed together, and a prompt that begins like an
// earlier one is not computed again.
//
// Answers are streams: [Session.Chat] returns an iterator of [Event] values.
// Breaking out of the loop or cancelling the context stops the model within one
// token. [Model.Close] may be called at any time; streams that run end with
// [ErrClosed].
//
// The package reads the model's file and nothing else: no environment, no
// configuration, no network.
package holdfast
