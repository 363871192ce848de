// Package vec holds the vector operations of a transformer layer that are not
// matrix products: norms, activations, softmax, rotary positions, conversions
// between number formats, and the few sums and products that glue them.
//
// Every function takes plain slices, checks their lengths, and panics when they
// do not fit, for that is a bug of the caller. The portable body (named ...Go)
// is the definition of a function; bodies in assembly follow it within the
// bounds that the tests state.
//
// Two laws hold for every body. The result depends on the values and the length
// alone, never on the address, the thread or what was computed before. And the
// functions that work element by element (Axpy, Exp, SwiGLU, the rotations, the
// conversions, ...) give an element the same bits wherever in the slice it
// stands, so that a caller may cut a row into pieces for several workers.
// Sums (Dot, RMSNorm, Softmax, ...) are only equal for equal whole rows.
package vec

// check panics if two lengths that must agree do not.
func check(name string, want, got int) {
	if want != got {
		panic("vec: " + name + " of slices of different lengths")
	}
}
