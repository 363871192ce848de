// Package wire has the pieces of answers that OpenAI's API and its relatives
// share: log-probabilities in their two forms, tool calls, and the tokens that
// ask for a text between two others.
package wire
