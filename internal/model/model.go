// Package model turns the tensors of a GGUF file into something that computes
// logits. It holds what every architecture shares: the Model interface, the
// Batch that goes in, the description of the cache that lives between calls,
// and the registry that picks an architecture by its GGUF name.
//
// A model owns its weights and its scratch memory, not the cache: the engine
// allocates cache blocks and says, per sequence, which block holds which
// positions. One Forward may carry prefill chunks and decode rows of many
// sequences; a row's result does not depend on what else is in the batch.
package model

// A Model computes logits for batches of token rows. Forward calls must not
// overlap; everything else is safe for concurrent use.
type Model interface {
	// Config returns the sizes read from the file. The caller must not change it.
	Config() *Config
	// CacheSpec says how much cache memory a block of positions takes.
	CacheSpec() CacheSpec
	// Forward computes every row of b, writes the rows' cache entries, and sets
	// b.Logits and b.Hidden. It allocates nothing and starts no goroutine.
	Forward(b *Batch) error
	// Memory lists what the model has allocated, by part.
	Memory() []MemoryPart
	// Close frees the weights. No Forward may be running.
	Close() error
}

// A CacheSpec describes the memory that a model keeps between Forward calls.
// What is inside a block is the model's business.
type CacheSpec struct {
	// BlockTokens is how many consecutive positions of one sequence share a block.
	BlockTokens int
	// BlockBytes is the size of one block: all layers, keys and values.
	BlockBytes int
	// StateBytes is per-sequence memory that is not addressed by position, such
	// as the running sums of a compressor. Zero for plain attention. A sequence
	// with state can only continue where it stopped or where its state was saved.
	StateBytes int
}

// A Batch is the work of one Forward. The caller owns every field but Logits and
// Hidden.
type Batch struct {
	// Seqs holds the rows, sequence by sequence. The total number of tokens must
	// not exceed Options.MaxRows.
	Seqs []BatchSeq
	// Cache is the memory of all blocks: block i is Cache[i*BlockBytes:(i+1)*BlockBytes].
	Cache []byte
	// State is the memory of all state slots: slot i is State[i*StateBytes:(i+1)*StateBytes].
	State []byte
	// Logits is set by Forward: one row for each requested position, in the order
	// of Seqs and positions. It is the model's memory, valid until the next Forward.
	Logits []float32 // [nOut][vocab]
	// Hidden is set by Forward in the same way, for sequences that ask for it.
	Hidden []float32 // [nHidden][embd]
	// Trace, if not nil, is called with the residual stream: layer 0 is the
	// embedding, layer i the state after layer i, before the final norm. For
	// tests; x is only valid during the call.
	Trace func(layer int, x []float32) // x [nRows][embd] (deepseek4: [nRows][streams][embd])
	// TraceRouting, if not nil, is called once per MoE layer and row with the
	// chosen experts and their final weights. For tests; the slices are only
	// valid during the call.
	TraceRouting func(layer, row int, experts []int32, weights []float32)
	// TraceSelected, if not nil, is called once per row and layer that attends
	// to chosen rows only, with their numbers in ascending order: positions, or
	// rows of the compressed cache. For tests.
	TraceSelected func(layer, row int, kept []int32)
	// TraceLookup, if not nil, is called once per row and layer that looks rows
	// up in a table by the token's context, with the rows' numbers. For tests.
	TraceLookup func(layer, row int, rows []int64)
}

// A BatchSeq is the part of one sequence that a Batch computes: the tokens at
// positions Pos, Pos+1, ... Earlier positions must be in the cache already.
type BatchSeq struct {
	Tokens []int32
	Pos    int
	// Blocks is the block table: position p is in block Blocks[p/BlockTokens]. It
	// reaches at least to the last position of Tokens.
	Blocks []int32
	// StateSlot is the sequence's slot in Batch.State; ignored when StateBytes is 0.
	StateSlot int
	// NLogits is how many of the last tokens need logits: 0 for a prefill chunk
	// that is not the last, 1 to sample, len(Tokens) to score or verify.
	NLogits int
	// Hidden asks for another thing of those NLogits tokens, in Batch.Hidden: the
	// final state after the last norm, which the output matrix would turn into
	// logits. They then have no rows in Batch.Logits.
	Hidden bool
}

// Rows returns the number of token rows in the batch.
func (b *Batch) Rows() int {
	n := 0
	for i := range b.Seqs {
		n += len(b.Seqs[i].Tokens)
	}
	return n
}

// Outputs returns the number of rows whose logits or final states the batch asks
// for.
func (b *Batch) Outputs() int {
	n := 0
	for i := range b.Seqs {
		n += b.Seqs[i].NLogits
	}
	return n
}

// A MemoryPart is one line of a memory report.
type MemoryPart struct {
	Name  string // "weights", "scratch", ...
	Bytes int64
}
