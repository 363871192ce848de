// Package attend computes attention of query vectors over paged cache rows:
//
//	out[i] = sum over rows r of softmax_r(scale * q[i].K[r]) * V[r]
//
// It knows no heads, layers or threads. The caller hands it the queries that
// share one K/V head (the heads of a group, for one token or for many) and the
// chunks of cache that hold the rows, and runs as many calls at a time as it has
// workers.
//
// The rows are taken in blocks of Step. For each block come three passes:
// scores (queries times keys), the softmax so far (a running maximum m and sum
// l; what was accumulated under a smaller maximum is scaled down), and values
// (weights times V, added to the accumulators). So the scores of a long context
// never exist at once, and a block of K and V is read from memory once for all
// queries of the call. Up to a few queries, as in decode, the cache elements are
// converted in registers on the way; for more, as in prefill, a block is
// converted once and the passes are small matrix products.
//
// Products of bf16 take rows as they are, or packed for many queries (Params.Pack),
// or in tiles of AMX. Products of int8 take rows of Q8_0, always packed (quads.go).
//
// Laws, for every body:
//   - A query's result does not depend on the other queries of the call.
//   - It does not depend on how the rows are cut into chunks.
//   - Blocks begin at multiples of Step of the absolute row number, so it does
//     not depend on where a prefill was cut either.
//
// Both products accumulate in an order that is fixed per pair: along the
// dimensions for scores, along the rows for values.
package attend

// Step is the number of rows in a block. RunPartial's base must be a multiple.
const Step = 64

// tile is how many queries a call works on at a time: their vectors,
// accumulators and scores stay in the second-level cache while K and V pass.
const tile = 128

// overrun is how many floats a body may write behind the scores of a block.
const overrun = 16

// lanes is what the dimensions of unpacked rows are rounded up to.
const lanes = 16

func pad(n int) int { return (n + lanes - 1) / lanes * lanes }
