// Package sample picks the next token from a row of logits.
//
// The steps and their order are those that users of llama.cpp know:
//
//	logit bias -> penalties -> DRY -> top-n-sigma -> top-k -> typical -> top-p
//	-> min-p -> XTC -> temperature -> draw
//
// With mirostat on, only the bias and the temperature come before it. A step
// that is at its neutral value costs nothing.
//
// A [Sampler] belongs to one sequence and remembers what the steps need from
// token to token: the random numbers, mirostat's mu, counts for the penalties.
// A [Scratch] holds the working memory; sequences that are sampled one after
// another share one. After warm-up a token allocates nothing.
//
// Ties are broken by the smaller token id everywhere, and sums run in a fixed
// order in float64, so equal logits, options and seed give equal tokens.
package sample
