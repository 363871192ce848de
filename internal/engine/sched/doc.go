// Package sched decides what the next step computes. Queues and the block pool
// go in, a [Plan] comes out: there is no goroutine, clock or log here, so every
// decision can be tested by a script.
//
// A [Seq] is Waiting until it is admitted, Running while it holds blocks, and
// Preempted when its blocks were taken back. In a step every running sequence
// with one token to compute gets its decode row first; what is left of the row
// budget goes to prompts, in chunks.
//
// Waiting sequences are admitted while the pool can hold their whole prompt.
// The order is priority, then the user who has the fewest sequences running,
// then the user who was served least, then arrival. A sequence whose prompt
// begins like one that is being computed right now waits for that one, and
// then starts on its blocks.
//
// When a running sequence needs a block and none is left, the newest sequence
// of the lowest priority is preempted: its blocks go to the prefix cache, it
// queues again with its old arrival, and later computes what was evicted
// meanwhile. The oldest always makes progress.
package sched
