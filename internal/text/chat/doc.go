// Package chat holds the neutral types between the program's front doors and
// its engine: what was asked (Request), what comes back (Event), and how a
// model's own prompt format turns one into text and text into the other
// (Format, Parser).
//
// A Format renders a conversation to a Prompt: spans of text that are either
// template text, where special tokens are recognised, or user text, where
// nothing is. It also says in which state the answer begins (ParseStart): a
// prompt that ends with an open think tag is answered with reasoning. The
// Parser that the Format makes reads the answer in whatever pieces it arrives
// and gives the same events for every way of cutting it.
//
// ForModel picks the Format of a model file. It runs the file's own Jinja
// template; packages with a native renderer for a model family offer it by
// Register. Sampling settings are not here: they belong to the engine.
//
// Requests are read and never changed; a Format is safe for use by several
// goroutines, a Parser belongs to one answer.
package chat
