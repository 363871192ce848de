// Package cli is the holdfast command: it reads arguments, calls the parts
// below, and prints. It computes nothing itself.
//
// Every command is one file. Results go to standard output, everything else
// (progress, warnings, errors) to standard error, so that output can be piped.
// Exit codes are part of the interface; see [Code].
package cli
