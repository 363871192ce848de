// Package llm is where text meets tokens: a chat.Request goes in, chat.Events
// come out.
//
// A [Model] joins an engine with the model's tokenizer and prompt format. Chat
// renders the conversation, encodes it (special tokens are recognised in
// template spans only), submits it, and returns an [Answer]; its Events
// detokenize and parse incrementally. Complete does the same without a format.
//
// Stop texts are looked for in text, not in tokens: they may begin and end
// anywhere, and text is held back while it can still become one.
package llm
