// Package starter carries the small model that ships inside the holdfast
// command: SmolLM2-135M-Instruct in Q4_1. It is a module of its own, so that a
// program that imports the library does not download 98 MB of weights.
//
// It is a demonstration: it shows that everything works before anything is
// downloaded. It is far too small to be relied on for answers.
package starter

import (
	_ "embed" // the model file becomes part of the program's read-only data
	"unsafe"
)

const (
	// Name is what the model is called on the command line.
	Name = "starter"
	// FullName is the model's own name.
	FullName = "SmolLM2-135M-Instruct"
	// File is the name of the embedded file.
	File = "SmolLM2-135M-Instruct.Q4_1.gguf"
	// SHA256 is the checksum of the file, as published (see README.md).
	SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
	// Licence is the SPDX identifier of the model's licence.
	Licence = "Apache-2.0"
)

// The file is embedded as a string: the linker puts it into read-only pages
// that the operating system loads when they are touched, and nothing copies it.
//
//go:embed SmolLM2-135M-Instruct.Q4_1.gguf
var file string

// Data returns the GGUF file. The bytes lie in read-only memory: writing to
// them crashes the program.
func Data() []byte { return unsafe.Slice(unsafe.StringData(file), len(file)) }
