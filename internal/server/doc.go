// Package server is what all APIs have in common: who may ask, how much, what
// errors look like, and how the server starts and ends.
//
// An [API] (the packages openai, anthropic, ollama, admin) registers handlers on
// a [Router]. A [Handler] returns an error instead of writing one; the router
// finds its place in the table (package apierr), and the API that the address
// belongs to writes it in its own shape. That holds for errors of the parts in
// front of it as well: a wrong key, a foreign Host, too many requests.
//
// Requests pass, in this order: panic barrier, request id, access log, Host and
// Origin, key, requests in flight, body limit.
package server
