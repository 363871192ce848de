package model

// A Config holds the sizes of a model, as its file states them. Architectures
// with more to say (MLA, indexers, compressors) keep that in their own packages.
type Config struct {
	Arch    string // general.architecture
	Name    string // general.name, may be empty
	Vocab   int    // rows of the output matrix
	Context int    // positions the model was trained for
	Embd    int    // width of the residual stream

	// Layers counts the blocks that Forward runs. The file's block_count also
	// counts NextN (multi-token prediction) blocks; those are in NextN.
	Layers int
	NextN  int

	Heads    []int   // [Layers] query heads
	KVHeads  []int   // [Layers] key and value heads; divides Heads
	FF       []int   // [Layers] width of the dense feed-forward, 0 where there is none
	KeyDim   int     // width of one query or key head
	ValueDim int     // width of one value head
	Eps      float32 // RMSNorm epsilon

	Rope Rope
	MoE  MoE

	// Pooling is how the states of a text become its embedding.
	Pooling Pooling
}

// Pooling says how the states of a text's tokens become one embedding; the values
// are those of the pooling_type key.
type Pooling int

// The kinds of pooling.
const (
	PoolingNone Pooling = 0 // the file does not say
	PoolingMean Pooling = 1 // of all tokens
	PoolingCLS  Pooling = 2 // the first token's
	PoolingLast Pooling = 3 // the last token's
	PoolingRank Pooling = 4 // a score of two texts, no embedding
)

// Rope says how positions rotate queries and keys. See package rope for the
// formulas.
type Rope struct {
	Dims        int     // rotated width of a head, even
	Base        float64 // frequency base
	Scaling     string  // "none", "linear" or "yarn"
	Factor      float64 // how far the context is stretched, 1 without scaling
	OrigContext int     // context before stretching
	AttnFactor  float64 // rope.scaling.attn_factor, 1 when absent

	ExtFactor     float64 // share of the yarn mix: 1 for yarn, 0 otherwise, unless the file says so
	BetaFast      float64
	BetaSlow      float64
	YarnAttn      float64 // rope.scaling.yarn_attn_factor, 0 when absent
	LogMultiplier float64 // rope.scaling.yarn_log_multiplier, 0 when absent
}

// Gating is how router logits become scores; the values are those of the
// expert_gating_func key.
type Gating int

// The gating functions.
const (
	GatingNone         Gating = 0 // the key is absent: the architecture decides
	GatingSoftmax      Gating = 1
	GatingSigmoid      Gating = 2
	GatingSoftmaxTopK  Gating = 3 // softmax over the chosen experts only
	GatingSqrtSoftplus Gating = 4
)

// MoE describes the mixture of experts; the zero value means that there is none.
type MoE struct {
	Experts      int     // routed experts per layer
	Used         int     // experts per token
	Shared       int     // experts that every token uses
	FF           int     // width of one routed expert
	SharedFF     int     // width of all shared experts together
	Groups       int     // groups of consecutive experts, 0 or 1 without grouping
	GroupsUsed   int     // groups that may be chosen from
	LeadingDense int     // first layers without experts
	Gating       Gating  // score function
	Norm         bool    // divide the chosen weights by their sum
	Scale        float32 // factor on the weights, 1 when absent
}

// KVPerToken returns how many key and value elements one token adds over all
// layers, for architectures that cache whole heads.
func (c *Config) KVPerToken() int {
	n := 0
	for _, kv := range c.KVHeads {
		n += kv * (c.KeyDim + c.ValueDim)
	}
	return n
}
