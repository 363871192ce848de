// Package matmul multiplies quantised weight matrices with activations.
//
// A Matrix has Rows outputs and Cols inputs. Its rows are packed in groups of
// Group = 16, interleaved so that one 64-byte vector holds four consecutive
// columns (a quad) of all 16 rows:
//
//	row 0: c0 c1 c2 c3 | row 1: c0 c1 c2 c3 | ... | row 15: c0 c1 c2 c3
//
// A kernel broadcasts the same quad of an activation row to all 16 lanes and
// adds 16 dot products of four at once; each 32-bit lane is one output, so
// there is never a horizontal sum. The same bytes serve one 64-byte register or
// two 32-byte registers of eight rows, one activation row (decode) or a tile of
// twelve (prefill).
//
// Along the columns a group is a sequence of units: 32 columns for the types
// whose blocks have 32 elements, 256 for the others. A unit holds the scales
// of its 16 rows, then the codes. See layout for the exact bytes.
//
// Activations are converted once (Acts.Set) to the kind that the matrix wants:
// int8 with a float32 scale per 32 or per 256 columns, or plain float32. Sums of
// integers are exact, so every kernel of a type gives the same bits: the
// portable Go code is the definition. Float sums run unit by unit in column
// order, with a rounded multiplication and a rounded addition. Kernels for
// float weights use fused multiply-add and agree within a stated bound.
//
// The result for one activation row never depends on the other rows of the
// call, on which groups a worker computes, or on whether the matrix was packed.
//
// The package starts no goroutines: callers split groups over workers. Each
// worker needs its own Scratch.
package matmul
