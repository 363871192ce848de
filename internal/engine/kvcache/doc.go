// Package kvcache keeps the books of the cache: which block holds which
// positions of which sequence, and which blocks already hold the beginning of a
// new prompt. It knows tokens and block numbers, never the bytes inside.
//
// A [Pool] owns all blocks. A [Seq] is a running sequence's block table. Blocks
// are shared: a full block is published under the hash of everything up to its
// end (tokens, parent, namespace), and [Pool.Begin] lets a new sequence start
// on the longest published prefix of its prompt, so that a chat turn does not
// compute its history again.
//
// The published blocks form a tree per namespace. Below the last block that
// matches in full, the child with the longest common prefix is copied into a
// block of the new sequence's own (copy on write), so that reuse does not stop
// at block borders. A sequence that ends leaves its unfinished last block in
// the tree, too.
//
// Published blocks that no sequence uses are kept until their space is needed;
// the least recently used goes first. Sequences let go of their blocks from the
// last to the first, so a parent is always used at least as recently as its
// children, and eviction takes leaves.
//
// Models with per-sequence state (StateBytes > 0) can continue only from a
// position whose state is known: where the sequence stopped, or a [Snapshot].
// For them a prefix counts only up to the last position with saved state.
//
// Nothing here is safe for concurrent use: the engine's step loop owns it.
package kvcache
