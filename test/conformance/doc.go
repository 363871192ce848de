// Package conformance runs the vendors' own clients against a live server: what
// they take for an answer, an error or a stream is what counts, not what a
// documentation says.
//
// It is a module of its own, so that the clients never come near the program's
// dependencies. `bash test/conformance/run` sets up a server, and the suites in
// Go (here), Python and Node. The models are the starter, and "thinker", whose
// random weights say nothing, but in the shape of a model that thinks.
package conformance
