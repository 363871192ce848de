// Package engine runs sequences on a model: many at a time, in one batch per
// step.
//
// [Engine.Submit] puts a [Request] into a bounded mailbox and returns a
// [Stream]. One goroutine, the step loop, owns every sequence: it drains the
// mailbox, plans a step (package sched), finds cached prefixes (package
// kvcache), runs Model.Forward, samples (package sample), and publishes tokens.
// Nothing inside needs a lock, and a step in steady state allocates nothing.
//
// Tokens leave through buffers that hold the whole answer, so the loop never
// waits for whoever reads them. A cancelled context ends its sequence at the
// next step; what was computed stays in the prefix cache.
//
// Whatever a request begins with that is known already is not computed again:
// prefixes in memory, also of requests that run right now; with [Config.Disk]
// those of earlier lives (keeper writes, restorer reads, both while steps go on).
// Several answers to one prompt fork where it ends ([Engine.SubmitN]). However a
// prefix was come by, the answer is the same, bit by bit.
//
// The engine knows tokens only. Text, templates and stop strings are package
// llm's.
package engine
